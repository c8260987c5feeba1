//! The files of the workspace, and the part of each that is neither comment nor test.

use std::fs;
use std::path::Path;

crate::tests![comments_and_tests_are_left_out];

/// A text file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Relative to the top, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads all text files below `root`, but what git and cargo keep there.
pub(crate) fn all(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the workspace can be read") {
            let path = entry.expect("the workspace can be read").path();
            let relative = path.strip_prefix(root).expect("everything found is below the top");
            let relative = relative.to_str().expect("names in the workspace are UTF-8").to_owned();
            if relative == ".git" || relative == "target" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                sources.push(Source { path: relative, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), text }
    }

    /// The lines before the tests at the end of the file; none of a file that is all tests.
    pub(crate) fn lines_without_tests(&self) -> Vec<&str> {
        let all_tests = self.path.contains("/src/")
            && (self.path.contains("/tests/") || self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs"));
        if all_tests {
            return Vec::new();
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = |at: &usize| lines[*at].trim() == "#[cfg(test)]" && is_tests(lines.get(at + 1));
        let end = (0..lines.len()).rev().find(tests).unwrap_or(lines.len());
        lines[..end].to_vec()
    }

    /// The same with comments blanked, so that prose may name what code must not; lines keep their
    /// numbers.
    pub(crate) fn code(&self) -> Vec<&str> {
        self.lines_without_tests().into_iter().map(before_comment).collect()
    }
}

fn is_tests(line: Option<&&str>) -> bool {
    line.is_some_and(|line| line.trim_start_matches("pub(crate) ").starts_with("mod tests"))
}

/// The line up to a `//` that is not inside a string.
fn before_comment(line: &str) -> &str {
    let (mut in_string, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' if !line[..at].ends_with('\'') => in_string = !in_string,
            '/' if !in_string && line[at..].starts_with("//") => return &line[..at],
            _ => {}
        }
    }
    line
}

fn comments_and_tests_are_left_out() {
    let text =
        "//! tokio\nlet a = \"http://x\"; // tokio\nlet q = '\"'; // tokio\n#[cfg(test)]\nmod tests {\n tokio\n}\n";
    let source = Source::new("c2d/src/a.rs", text.to_owned());
    assert_eq!(source.code(), ["", "let a = \"http://x\"; ", "let q = '\"'; "]);
    assert!(Source::new("c2d/src/sched/tests/a.rs", text.to_owned()).code().is_empty());
}
