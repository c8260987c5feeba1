//! The guide says what is so: each of its examples is read or run, each link leads somewhere.
//!
//! The word behind the fence of a block says what it is:
//! - `console`: lines behind `!>` are run against a c2d with two workers; with `console,read` only read;
//! - `sh`: bash reads it, and the programs' own command lines read theirs;
//! - `json,c2d`, `json,agent`: a configuration; `json`: any document;
//! - `text,file=NAME`: a file beside the console; with `text` anything.

pub(crate) mod blocks;
pub(crate) mod links;
pub(crate) mod runs;

use std::path::{Path, PathBuf};

/// A page: the README or one of the guide.
pub(crate) struct Page {
    /// Below the repository.
    pub(crate) name: PathBuf,
    pub(crate) text: String,
}

/// What stands between two fences.
pub(crate) struct Block {
    /// The words behind the first fence.
    pub(crate) kinds: Vec<String>,
    pub(crate) text: String,
    pub(crate) place: String,
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page of the guide by its name.
pub(crate) fn page(name: &str) -> Page {
    let name = Path::new("assets/guide/src").join(name);
    let text = std::fs::read_to_string(repository().join(&name)).expect("the page is there");
    Page { name, text }
}

/// All pages of the guide, in order, and the README.
pub(crate) fn pages() -> Vec<Page> {
    let entries = std::fs::read_dir(repository().join("assets/guide/src")).expect("the guide is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut pages: Vec<Page> = names.iter().map(|name| page(name)).collect();
    let text = std::fs::read_to_string(repository().join("README.md")).expect("README.md is there");
    pages.push(Page { name: "README.md".into(), text });
    pages
}

impl Page {
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_inside = false;
        for (number, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(kinds) if !is_inside => {
                    let place = format!("{}:{}", self.name.display(), number + 1);
                    let kinds = kinds.split(',').map(str::to_owned).collect();
                    blocks.push(Block { kinds, text: String::new(), place });
                    is_inside = true;
                }
                Some(_) => is_inside = false,
                None if is_inside => {
                    let block = blocks.last_mut().expect("one was begun");
                    block.text += line;
                    block.text.push('\n');
                }
                None => {}
            }
        }
        assert!(!is_inside, "{}: a block has no end", self.name.display());
        blocks
    }

    /// What stands below a heading, to the next one of its rank.
    pub(crate) fn section(&self, heading: &str) -> Self {
        let (_, below) = self.text.split_once(&format!("\n## {heading}\n")).expect("there is such a heading");
        let text = below.split("\n## ").next().unwrap_or_default().to_owned();
        Self { name: self.name.clone(), text }
    }

    /// The blocks of this kind.
    pub(crate) fn blocks_of(&self, kind: &str) -> Vec<Block> {
        self.blocks().into_iter().filter(|block| block.kinds[0] == kind).collect()
    }
}

impl Block {
    pub(crate) fn has(&self, word: &str) -> bool {
        self.kinds.iter().any(|kind| kind == word)
    }

    /// What the console is asked, each with its number in the block.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("!> "))
    }
}
