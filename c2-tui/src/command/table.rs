//! The one table of all commands, read from the grammar: for help, palette, completion, man pages
//! and the tests that compare the README with what is there.

use clap::{Arg, Command as Clap, CommandFactory};

use crate::command::grammar::Line;

/// A command of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    /// Its verb.
    pub name: String,
    /// Other verbs for the same.
    pub aliases: Vec<String>,
    /// How it is written, as in `submit [OPTIONS] <COMMAND>`.
    pub usage: String,
    /// What it does, in one line.
    pub summary: String,
    /// What follows the verb without a flag, in order.
    pub arguments: Vec<ArgumentInfo>,
    /// Its flags.
    pub flags: Vec<FlagInfo>,
    /// What else there is to know; mostly nothing.
    pub note: String,
}

/// A word after the verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentInfo {
    /// What it stands for: `WORKER`, `JOB`, `COMMAND`, `N`.
    pub value: String,
    /// Whether it must be given.
    pub required: bool,
    /// Whether several may be given.
    pub many: bool,
    /// What it means.
    pub summary: String,
}

/// A flag of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagInfo {
    /// As it is typed, with both dashes.
    pub name: String,
    /// What follows it: `GROUP`, `TAG`, `FILE`, ..; nothing for a switch.
    pub value: Option<String>,
    /// The only values that are taken, if they are few.
    pub values: Vec<String>,
    /// What it means.
    pub summary: String,
}

impl CommandInfo {
    /// The usage with flags left out, as in `submit <COMMAND>`.
    #[must_use]
    pub fn usage_short(&self) -> String {
        self.usage.replace(" [OPTIONS]", "")
    }
}

impl FlagInfo {
    /// How it is typed, with its value.
    #[must_use]
    pub fn usage(&self) -> String {
        self.value.as_ref().map_or_else(|| self.name.clone(), |value| format!("{} <{value}>", self.name))
    }

    /// What it means, with the values that it takes if they are few.
    #[must_use]
    pub fn explanation(&self) -> String {
        if self.values.is_empty() {
            self.summary.clone()
        } else {
            format!("{}: {}", self.summary, self.values.join(", "))
        }
    }
}

/// All commands in the order of the grammar.
#[must_use]
pub fn commands() -> Vec<CommandInfo> {
    built().get_subcommands().map(describe).collect()
}

/// A program's own command line in the same form.
pub(crate) fn program<P: CommandFactory>() -> CommandInfo {
    let mut program = P::command();
    program.build();
    describe(&program)
}

/// The grammar with everything derived that clap fills in only when it parses.
fn built() -> Clap {
    let mut line = Line::command();
    line.build();
    line
}

fn describe(command: &Clap) -> CommandInfo {
    let (flags, arguments): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|a| a.get_id() != "help" && a.get_id() != "version")
        .partition(|a| a.get_long().is_some());
    CommandInfo {
        name: command.get_name().to_owned(),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        usage: usage(command),
        summary: command.get_about().map(ToString::to_string).unwrap_or_default(),
        arguments: arguments.into_iter().map(argument).collect(),
        flags: flags.into_iter().map(flag).collect(),
        note: command.get_after_help().map(ToString::to_string).unwrap_or_default(),
    }
}

/// How a command is written, without clap's own heading.
fn usage(command: &Clap) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage:").trim().to_owned()
}

fn argument(arg: &Arg) -> ArgumentInfo {
    ArgumentInfo {
        value: value_name(arg).unwrap_or_default(),
        required: arg.is_required_set(),
        many: arg.get_num_args().is_some_and(|n| n.max_values() > 1),
        summary: summary(arg),
    }
}

fn flag(arg: &Arg) -> FlagInfo {
    FlagInfo {
        name: format!("--{}", arg.get_long().unwrap_or_default()),
        value: arg.get_action().takes_values().then(|| value_name(arg)).flatten(),
        values: values(arg),
        summary: summary(arg),
    }
}

/// The values that an argument takes; a switch has none, though clap counts true and false.
fn values(arg: &Arg) -> Vec<String> {
    let values = arg.get_possible_values().into_iter().map(|value| value.get_name().to_owned());
    values.filter(|_| arg.get_action().takes_values()).collect()
}

fn value_name(arg: &Arg) -> Option<String> {
    arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string)
}

fn summary(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_says_what_it_does() {
        for command in commands() {
            assert!(!command.summary.is_empty(), "{command:?}");
            assert!(!command.summary.ends_with('.'), "{command:?}");
            assert!(command.usage.starts_with(&command.name), "{command:?}");
            for flag in &command.flags {
                assert!(!flag.summary.is_empty(), "{} {flag:?}", command.name);
            }
        }
    }

    #[test]
    fn usages() {
        let table: Vec<_> = commands().iter().map(CommandInfo::usage_short).collect();
        assert_eq!(
            table,
            [
                "list",
                "doctor",
                "groups",
                "assign <WORKER> <GROUP>",
                "unassign <WORKER> <GROUP>",
                "info <WORKER>",
                "set-tags <WORKER> <TAGS>...",
                "get-tags <WORKER>",
                "detect-tags <WORKER>",
                "drain <WORKER>",
                "resume <WORKER>",
                "remove-worker <WORKER>",
                "jobs",
                "job <JOB>",
                "submit <COMMAND>",
                "batch <FILE>",
                "split <COMMAND> <FILE>",
                "cancel <JOB>...",
                "hold <JOB>...",
                "release <JOB>...",
                "retry <JOB>...",
                "why <JOB>",
                "pause",
                "unpause",
                "queue-status",
                "log [N]",
                "output <JOB>",
                "get-files <JOB> [DIR]",
                "cleanup-workspaces <TARGET>",
                "pdsh <TARGET> <COMMAND>...",
                "verify-ssh <TARGET>",
                "follow <JOB>...",
                "wait <JOB>...",
                "help [COMMAND]",
                "quit",
            ]
        );
    }

    #[test]
    fn flags_tell_what_they_take() {
        let commands = commands();
        let jobs = commands.iter().find(|c| c.name == "jobs").unwrap();
        let state = jobs.flags.iter().find(|f| f.name == "--state").unwrap();
        assert_eq!((state.value.as_deref(), state.values.len()), (Some("STATE"), 7));
        let all = jobs.flags.iter().find(|f| f.name == "--all").unwrap();
        assert_eq!((all.value.as_deref(), all.values.len()), (None, 0));
        assert_eq!(commands.last().unwrap().aliases, ["exit"]);
    }
}
