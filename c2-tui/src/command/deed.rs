//! What commands do to the world, for faces that ask first or forbid.

/// How much a command does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deed {
    /// Nothing is other than before.
    Looks,
    /// Something is, and could be put back.
    #[default]
    Changes,
    /// Something ends, or is gone.
    Destroys,
}

/// Commands that only look.
const LOOKS: [&str; 17] = [
    "doctor",
    "list",
    "info",
    "groups",
    "get-tags",
    "jobs",
    "job",
    "why",
    "queue-status",
    "log",
    "output",
    "follow",
    "wait",
    "get-files",
    "verify-ssh",
    "help",
    "quit",
];
/// Commands that cannot be taken back.
const DESTROYS: [&str; 5] = ["cancel", "cleanup-workspaces", "unassign", "remove-worker", "pdsh"];

/// Whether a line gives its lines while it runs, so that a person may do something else meanwhile.
#[must_use]
pub fn streams(line: &str) -> bool {
    let mut words = line.trim().trim_start_matches(':').split_whitespace();
    match words.next() {
        Some("pdsh" | "follow") => !words.any(|word| matches!(word, "--help" | "-h")),
        Some("output") => words.any(|word| word == "--follow"),
        _ => false,
    }
}

impl Deed {
    /// What the command of this name does. One that is not known here may change anything.
    #[must_use]
    pub fn of(command: &str) -> Self {
        match command {
            name if LOOKS.contains(&name) => Self::Looks,
            name if DESTROYS.contains(&name) => Self::Destroys,
            _ => Self::Changes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::commands;

    #[test]
    fn only_commands_that_exist_are_named() {
        let known: Vec<String> = commands().into_iter().map(|command| command.name).collect();
        for name in LOOKS.iter().chain(&DESTROYS) {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
        assert_eq!(
            (Deed::of("submit"), Deed::of("cancel"), Deed::of("jobs")),
            (Deed::Changes, Deed::Destroys, Deed::Looks)
        );
    }
}
