//! What commands do to the world, for faces that ask first or forbid.

use crate::command::{Command, parse};

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
    match parse(line.trim().trim_start_matches(':')) {
        Ok(Command::Pdsh(_) | Command::Follow(_)) => true,
        Ok(Command::Output(output)) => output.follow,
        Ok(_) | Err(_) => false,
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
    fn what_streams_is_what_the_line_means() {
        let table = [
            ("pdsh @all df -h", true),
            ("pdsh @all ls --help", true),
            ("pdsh --help", false),
            ("pdsh", false),
            (":follow 3", true),
            ("output 3 --follow", true),
            ("output 3", false),
            ("submit \"pdsh @all true\"", false),
        ];
        for (line, expected) in table {
            assert_eq!(streams(line), expected, "{line}");
        }
    }

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
