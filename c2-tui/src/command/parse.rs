//! Reads a line as a command: words first, then the one grammar.
//!
//! clap's errors are turned into complaints of our own, because its texts speak of a program's
//! arguments and end with advice that is wrong at a prompt.

use c2_shared::hint;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, Parser as _};

use crate::command::grammar::Line;
use crate::command::lex::{LexError, lex};
use crate::command::table::{self, CommandInfo};
use crate::command::{Command, Complaint, help};

/// Reads a line.
///
/// # Errors
/// When it is none of the console's commands, with a hint at what may have been meant.
pub fn parse(line: &str) -> Result<Command, Complaint> {
    let words: Vec<String> = lex(line)?.into_iter().map(|word| word.text).collect();
    let Some(verb) = words.first() else {
        return Err(Complaint::usage("the line is empty", "`help` lists the commands"));
    };
    match Line::try_parse_from(&words) {
        Ok(line) => Ok(line.command),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(Command::Help(help::Help {
            // `--help` alone has no verb to explain.
            command: Some(verb.clone()).filter(|verb| !verb.starts_with('-')),
        })),
        Err(error) => Err(complaint(&error, verb)),
    }
}

impl From<LexError> for Complaint {
    fn from(error: LexError) -> Self {
        let hint = match error {
            LexError::OpenQuote { quote, .. } => format!("add a closing {quote}"),
            LexError::LoneBackslash { .. } => "remove it, or write \\\\ for a backslash".to_owned(),
        };
        Self::usage(error.to_string(), hint)
    }
}

/// Says in our words what clap found.
fn complaint(error: &Error, verb: &str) -> Complaint {
    let commands = table::commands();
    let command = commands.iter().find(|c| c.name == verb || c.aliases.iter().any(|a| a == verb));
    let usage = command.map_or_else(|| "`help` lists the commands".to_owned(), |c| format!("usage: {}", c.usage));
    let about = |kind| words_of(error, kind).into_iter().next().unwrap_or_default();
    let argument = about(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::InvalidSubcommand => unknown_command(&commands, verb),
        ErrorKind::UnknownArgument => match command {
            Some(command) => unexpected(command, &argument, usage),
            None => unknown_command(&commands, verb),
        },
        ErrorKind::MissingRequiredArgument => {
            let missing = words_of(error, ContextKind::InvalidArg).join(" ");
            Complaint::usage(format!("{verb} needs {missing}"), usage)
        }
        ErrorKind::InvalidValue if about(ContextKind::InvalidValue).is_empty() => {
            Complaint::usage(format!("{argument} needs a value"), usage)
        }
        ErrorKind::InvalidValue => {
            let value = about(ContextKind::InvalidValue);
            let known = words_of(error, ContextKind::ValidValue);
            let hint = hint::for_unknown(&value, known.iter().map(String::as_str), &usage);
            Complaint::usage(format!("{value:?} does not fit {argument}"), hint)
        }
        ErrorKind::ValueValidation => {
            let value = about(ContextKind::InvalidValue);
            let why =
                std::error::Error::source(error).map_or_else(|| "it cannot be read".to_owned(), ToString::to_string);
            Complaint::usage(format!("{value:?} does not fit {argument}: {why}"), usage)
        }
        ErrorKind::ArgumentConflict => {
            let prior = about(ContextKind::PriorArg);
            if prior == argument || prior.is_empty() {
                Complaint::usage(format!("{argument} is given twice"), usage)
            } else {
                Complaint::usage(format!("{argument} and {prior} do not go together"), usage)
            }
        }
        ErrorKind::TooManyValues => {
            let value = about(ContextKind::InvalidValue);
            Complaint::usage(format!("{argument} takes no value, but got {value:?}"), usage)
        }
        // What is left are kinds that no grammar of ours can give today; clap's own first line
        // says more than silence would.
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Complaint::usage(first, usage)
        }
    }
}

fn unknown_command(commands: &[CommandInfo], verb: &str) -> Complaint {
    let names = commands.iter().flat_map(|c| std::iter::once(&c.name).chain(&c.aliases)).map(String::as_str);
    let hint = hint::nearest(verb, names)
        .map_or_else(|| "`help` lists the commands".to_owned(), |near| format!("did you mean {near:?}?"));
    Complaint::usage(format!("unknown command {verb:?}"), hint)
}

/// A flag or a word that the command does not take.
fn unexpected(command: &CommandInfo, argument: &str, usage: String) -> Complaint {
    if !argument.starts_with('-') {
        // The one mistake that everybody makes: submit echo hello.
        let unquoted = command.arguments.first().is_some_and(|a| a.value == "COMMAND") && command.name != "help";
        let hint = if unquoted { format!("put the command in quotes: {} \"...\"", command.name) } else { usage };
        return Complaint::usage(format!("unexpected {argument:?} after {}", command.name), hint);
    }
    let names = command.flags.iter().map(|flag| flag.name.as_str());
    let hint = hint::nearest(argument, names).map_or(usage, |near| format!("did you mean {near:?}?"));
    Complaint::usage(format!("unknown flag {argument:?} of {}", command.name), hint)
}

fn words_of(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(_) | None => Vec::new(),
    }
}
