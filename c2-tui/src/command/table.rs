//! The one table of all commands, read from the grammar: for help, palette, completion, man pages
//! and the tests that compare the README with what is there.

use std::sync::LazyLock;

use c2_shared::hint;
use clap::{Arg, Command as Clap, CommandFactory, Subcommand as _, ValueHint};

use crate::command::grammar::Grammar;
use crate::command::{CommandError, Console, examples};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    pub name: String,
    /// Other verbs for the same.
    pub(crate) aliases: Vec<String>,
    /// How it is written, as in `submit [OPTIONS] <COMMAND>`.
    pub usage: String,
    /// What it does, in one line.
    pub summary: String,
    /// What follows the verb without a flag, in order.
    pub(crate) arguments: Vec<ArgumentInfo>,
    pub(crate) flags: Vec<FlagInfo>,
    /// What else there is to know; mostly nothing.
    pub(crate) note: String,
    /// Lines as people type them.
    pub examples: Vec<String>,
    /// Whether the full screen does it, and a script has no use for it.
    pub full_screen: bool,
}

/// A word after the verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArgumentInfo {
    /// What it stands for: `WORKER`, `JOB`, `COMMAND`, `N`.
    pub(crate) value: String,
    pub(crate) operand: Operand,
    /// The only values that are taken, if they are few.
    pub(crate) values: Vec<String>,
    /// Whether several may be given.
    pub(crate) many: bool,
    /// Whether all that follows belongs to it, flags too.
    pub(crate) takes_rest: bool,
    pub(crate) summary: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagInfo {
    /// As it is typed, with both dashes.
    pub(crate) name: String,
    /// What follows it: `GROUP`, `TAG`, `FILE`, ..; nothing for a switch.
    pub(crate) value: Option<String>,
    pub(crate) operand: Operand,
    /// The only values that are taken, if they are few.
    pub(crate) values: Vec<String>,
    /// Whether commas separate several.
    pub(crate) is_list: bool,
    pub(crate) summary: String,
}

/// What the value of an argument or a flag names, by the word that stands for it in the usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Job,
    Worker,
    /// Workers: `@all`, a group, an address or a name.
    Target,
    Group,
    Tag,
    Schedule,
    Notification,
    Batch,
    /// What to do with a schedule.
    Action,
    /// A path of this machine.
    Path,
    /// A path of this machine, or a target with a colon behind it.
    Place,
    Verb,
    Shell,
    /// Text of which nothing else is known.
    Text,
}

impl Operand {
    fn of(arg: &Arg) -> Self {
        match value_name(arg).unwrap_or_default().as_str() {
            "JOB" => Self::Job,
            "WORKER" => Self::Worker,
            "TARGET" => Self::Target,
            "GROUP" => Self::Group,
            "TAG" | "TAGS" => Self::Tag,
            "SCHEDULE" => Self::Schedule,
            "NOTIFICATION" => Self::Notification,
            "BATCH" => Self::Batch,
            "ACTION" => Self::Action,
            "FILE" | "DIR" => Self::Path,
            "PLACE" => Self::Place,
            "COMMAND" if arg.get_value_hint() == ValueHint::CommandName => Self::Verb,
            "COMMAND" => Self::Shell,
            _ => Self::Text,
        }
    }
}

impl CommandInfo {
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }

    /// The argument of this number; the last one may repeat.
    pub(crate) fn argument(&self, number: usize) -> Option<&ArgumentInfo> {
        self.arguments.get(number).or_else(|| self.arguments.last().filter(|last| last.many))
    }

    pub(crate) fn flag(&self, name: &str) -> Option<&FlagInfo> {
        self.flags.iter().find(|flag| flag.name == name)
    }
}

impl FlagInfo {
    /// How it is typed, with its value.
    pub(crate) fn usage(&self) -> String {
        self.value.as_ref().map_or_else(|| self.name.clone(), |value| format!("{} <{value}>", self.name))
    }

    /// What it means, with the values that it takes if they are few.
    pub(crate) fn explanation(&self) -> String {
        explained(&self.summary, &self.values)
    }
}

impl ArgumentInfo {
    /// What it means, with the values that it takes if they are few.
    pub(crate) fn explanation(&self) -> String {
        explained(&self.summary, &self.values)
    }
}

fn explained(summary: &str, values: &[String]) -> String {
    if values.is_empty() { summary.to_owned() } else { format!("{summary}: {}", values.join(", ")) }
}

/// All commands in the order of the grammar.
pub fn commands() -> &'static [CommandInfo] {
    static COMMANDS: LazyLock<Vec<CommandInfo>> = LazyLock::new(|| {
        let mut grammar = Grammar::command();
        // clap fills in much of it only when it parses.
        grammar.build();
        grammar.get_subcommands().filter(|command| !command.is_hide_set()).map(describe).collect()
    });
    &COMMANDS
}

pub(crate) fn find(name: &str) -> Option<&'static CommandInfo> {
    commands().iter().find(|command| command.is_called(name))
}

/// The name that is nearest to one that no command has.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    hint::nearest(name, commands().iter().flat_map(CommandInfo::names))
}

/// The command of a name, or what is wrong with that.
pub(crate) fn known(name: &str) -> Result<&'static CommandInfo, CommandError> {
    find(name).ok_or_else(|| {
        let hint = nearest(name)
            .map_or_else(|| "`help` lists the commands".to_owned(), |near| format!("did you mean {near:?}?"));
        CommandError::usage(format!("unknown command {name:?}"), hint)
    })
}

/// A program's own command line in the same form.
pub(crate) fn program<P: CommandFactory>() -> CommandInfo {
    let mut program = P::command();
    program.build();
    describe(&program)
}

/// A command of a program itself.
pub(crate) fn of_program<P: CommandFactory>(name: &str) -> Option<CommandInfo> {
    let mut program = P::command();
    program.build();
    program.find_subcommand(name).map(describe)
}

/// Flags of all jobs that a command only reads to refuse them, with what to do instead.
const NOT_TAKEN: [(&str, &[&str]); 2] = [("schedule", &["begin"]), ("change", &["hold", "stdin_file", "upload"])];

fn describe(command: &Clap) -> CommandInfo {
    let refused = NOT_TAKEN.iter().find(|(name, _)| *name == command.get_name()).map_or(&[][..], |(_, flags)| *flags);
    let (flags, arguments): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|a| a.get_id() != "help" && a.get_id() != "version" && !refused.contains(&a.get_id().as_str()))
        .partition(|a| a.get_long().is_some());
    CommandInfo {
        name: command.get_name().to_owned(),
        aliases: command.get_visible_aliases().map(str::to_owned).collect(),
        usage: usage(command),
        summary: command.get_about().map(ToString::to_string).unwrap_or_default(),
        arguments: arguments.into_iter().map(argument).collect(),
        flags: flags.into_iter().map(flag).collect(),
        note: command.get_after_help().map(ToString::to_string).unwrap_or_default(),
        examples: examples::of(command.get_name()),
        full_screen: Console::has_subcommand(command.get_name()),
    }
}

/// How a command is written, without clap's own heading.
fn usage(command: &Clap) -> String {
    let usage = command.clone().render_usage().to_string();
    // A program with subcommands has two.
    usage.trim_start_matches("Usage:").trim().lines().map(str::trim).collect::<Vec<_>>().join(", or ")
}

fn argument(arg: &Arg) -> ArgumentInfo {
    ArgumentInfo {
        value: value_name(arg).unwrap_or_default(),
        operand: Operand::of(arg),
        values: values(arg),
        many: arg.get_num_args().is_some_and(|n| n.max_values() > 1),
        takes_rest: arg.is_trailing_var_arg_set(),
        summary: summary(arg),
    }
}

fn flag(arg: &Arg) -> FlagInfo {
    FlagInfo {
        name: format!("--{}", arg.get_long().unwrap_or_default()),
        value: arg.get_action().takes_values().then(|| value_name(arg)).flatten(),
        operand: Operand::of(arg),
        values: values(arg),
        is_list: arg.get_value_delimiter() == Some(','),
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
        let table: Vec<_> = commands().iter().map(|command| command.usage.replace(" [OPTIONS]", "")).collect();
        assert_eq!(
            table,
            [
                "list",
                "doctor",
                "groups",
                "assign <TARGET> <GROUP>",
                "unassign <TARGET> <GROUP>",
                "info <WORKER>",
                "set-tags <TARGET> <TAGS>...",
                "set-resources <TARGET> <NAME=N>...",
                "get-tags <TARGET>...",
                "detect-tags <WORKER>",
                "drain <TARGET>...",
                "resume <TARGET>...",
                "wake <TARGET>...",
                "remove-worker <WORKER>",
                "jobs",
                "job <JOB>",
                "submit <COMMAND>",
                "batch <FILE>",
                "batches [BATCH]",
                "split <COMMAND> [FILE]",
                "schedule [add] <NAME> <CRON> <COMMAND>, or schedule change <NAME> [--cron=CRON] [--command=TEXT] [FLAGS], or schedule list, or schedule show|remove|pause|resume|run <NAME>",
                "notify add <NAME> --to=TARGET [--on=EVENT,EVENT], or notify change <NAME> [--to=TARGET] [--on=EVENT,EVENT], or notify list, or notify show|remove|test <NAME>",
                "cancel <JOB>...",
                "hold <JOB>...",
                "release <JOB>...",
                "change <JOB>...",
                "top <JOB>...",
                "bottom <JOB>...",
                "retry <JOB>...",
                "why <JOB>",
                "pause",
                "unpause",
                "queue-status",
                "stats [NAME]",
                "timeline",
                "log [N]",
                "output <JOB>",
                "get-files <JOB>... [DIR]",
                "cleanup-workspaces <TARGET>",
                "pdsh <TARGET> <COMMAND>...",
                "copy <FILE>... <TARGET:DIR>, or copy <TARGET:FILE>... <DIR>",
                "verify-ssh <TARGET>",
                "add-worker <USER@HOST>...",
                "upgrade-workers <TARGET>...",
                "follow <JOB>...",
                "wait <JOB>...",
                "help [COMMAND]",
                "calls",
                "clear",
                "messages",
                "reconnect",
                "runs [N]",
                "theme <THEME>",
                "quit",
            ]
        );
    }

    #[test]
    fn each_value_names_something_that_is_known() {
        const TEXTS: &[&str] = &[
            "ACTION",
            "CRON",
            "DUR",
            "EVENT",
            "FLAG",
            "GLOB",
            "KEY",
            "KEY=VALUE",
            "MODE",
            "N",
            "NAME",
            "NAME=N",
            "NAME=VALUES",
            "NUMBERS",
            "PORT",
            "SECONDS",
            "SEQ",
            "SHELL",
            "SIZE",
            "STATE",
            "TEXT",
            "THEME",
            "TIME",
            "URL",
            "USER",
            "USER@HOST",
            "WHAT",
            "ZONE",
        ];
        for command in commands() {
            let arguments = command.arguments.iter().map(|a| (Some(a.value.as_str()), a.operand));
            let flags = command.flags.iter().map(|f| (f.value.as_deref(), f.operand));
            for (value, operand) in arguments.chain(flags) {
                let value = value.filter(|_| operand == Operand::Text);
                assert!(value.is_none_or(|value| TEXTS.contains(&value)), "{} {value:?}", command.name);
            }
        }
        let operand = |verb: &str| find(verb).and_then(|command| command.argument(0)).map(|argument| argument.operand);
        assert_eq!((operand("help"), operand("submit")), (Some(Operand::Verb), Some(Operand::Shell)));
        assert_eq!((operand("cancel"), operand("pdsh")), (Some(Operand::Job), Some(Operand::Target)));
    }

    #[test]
    fn flags_tell_what_they_take() {
        let commands = commands();
        let jobs = commands.iter().find(|c| c.name == "jobs").unwrap();
        let state = jobs.flags.iter().find(|f| f.name == "--state").unwrap();
        assert_eq!((state.value.as_deref(), state.values.len()), (Some("STATE"), 11));
        let all = jobs.flags.iter().find(|f| f.name == "--all").unwrap();
        assert_eq!((all.value.as_deref(), all.values.len()), (None, 0));
        assert_eq!(commands.last().unwrap().aliases, ["exit"]);
    }
}
