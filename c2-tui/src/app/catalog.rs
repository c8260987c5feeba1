//! The commands as the console needs them: names, usage and flags, for completion, advice and the
//! palette.
//!
//! The runner fills it from the command layer's table and adds the few commands that are about the
//! screen itself, so that there is one list for whatever looks at words.

use crate::command::Deed;

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verb {
    /// The first word of the line.
    pub name: String,
    /// The whole form, with `<placeholders>`.
    pub usage: String,
    /// What it does, in a few words.
    pub summary: String,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// What it does to the world.
    pub deed: Deed,
}

/// A flag of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flag {
    /// As it is typed, with both dashes.
    pub name: String,
    /// Whether a value follows.
    pub takes: bool,
    /// The only values that are taken, if they are few.
    pub values: Vec<String>,
    /// What it does, in a few words.
    pub words: String,
}

/// All commands, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    verbs: Vec<Verb>,
}

/// What can stand at a place of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Free text.
    Nothing,
    /// A command.
    Verb,
    /// A flag of this command.
    Flag(String),
    /// A worker by address or name.
    Worker,
    /// Workers: `@all`, a group, an address or a name.
    Target,
    /// A group.
    Group,
    /// A tag.
    Tag,
    /// A job.
    Job,
    /// A local path.
    Path,
    /// One of these.
    OneOf(Vec<String>),
}

/// Commands of the full-screen console itself.
const CONSOLE: [(&str, &str, &str); 7] = [
    ("calls", "calls", "show what was run, as lines for a script"),
    ("clear", "clear", "close the result"),
    ("messages", "messages", "show everything that was said"),
    ("quit", "quit", "leave the console"),
    ("reconnect", "reconnect", "try to reach c2d now"),
    ("runs", "runs [N]", "come back to commands that run beside the line"),
    ("theme", "theme <terminal|dark|light|contrast>", "change the colours"),
];

impl Catalog {
    /// Takes the command layer's commands and adds the console's own.
    #[must_use]
    pub fn new(commands: impl IntoIterator<Item = Verb>) -> Self {
        let mut verbs: Vec<Verb> = commands.into_iter().collect();
        for (name, usage, summary) in CONSOLE {
            if !verbs.iter().any(|v| v.name == name) {
                let owned = |text: &str| text.to_owned();
                verbs.push(Verb {
                    name: owned(name),
                    usage: owned(usage),
                    summary: owned(summary),
                    flags: Vec::new(),
                    deed: Deed::Looks,
                });
            }
        }
        verbs.sort_by(|a, b| a.name.cmp(&b.name));
        Self { verbs }
    }

    /// All commands.
    pub fn verbs(&self) -> impl Iterator<Item = &Verb> {
        self.verbs.iter()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.verbs.iter().map(|v| v.name.as_str())
    }

    /// A command by its name.
    #[must_use]
    pub fn verb(&self, name: &str) -> Option<&Verb> {
        self.verbs.iter().find(|v| v.name == name)
    }

    /// The flags of a command.
    pub fn flags(&self, verb: &str) -> impl Iterator<Item = &Flag> {
        self.verb(verb).into_iter().flat_map(|v| &v.flags)
    }
}

impl Verb {
    /// What is wanted as the operand at a position; a last placeholder with `...` repeats.
    #[must_use]
    pub fn wants(&self, operand: usize) -> Wants {
        if self.name == "help" {
            return Wants::Verb;
        }
        let places: Vec<&str> = self.usage.split_whitespace().skip(1).filter(|p| *p != "[OPTIONS]").collect();
        let repeated = places.last().filter(|p| p.contains("..."));
        places.get(operand).or(repeated).map_or(Wants::Nothing, |place| Wants::of(place))
    }
}

impl Wants {
    /// Reads a placeholder (`<ip|@all>`) or the name of a flag (`--depends`).
    #[must_use]
    pub fn of(place: &str) -> Self {
        let place = place.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| place.contains(w));
        if has(&["job", "depends"]) {
            Self::Job
        } else if has(&["target", "@all"]) {
            Self::Target
        } else if has(&["file", "dir", "upload", "path"]) {
            Self::Path
        } else if has(&["ip", "worker", "exclude"]) {
            Self::Worker
        } else if has(&["group"]) {
            Self::Group
        } else if has(&["tag"]) {
            Self::Tag
        } else {
            Self::Nothing
        }
    }
}
