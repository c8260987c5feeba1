//! Mistakes in the arguments of a command, or of the program, as errors of our own.
//!
//! clap finds them, but its texts speak of a program's arguments and end with advice that is wrong
//! at a prompt.

use c2_shared::hint;
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::command::{CommandError, CommandInfo, Operand};

/// Says in our words what clap found wrong with a command that exists.
pub(crate) fn of(error: &Error, command: &CommandInfo) -> CommandError {
    let name = &command.name;
    let usage = format!("usage: {}", command.usage);
    let about = |kind| words_of(error, kind).into_iter().next().unwrap_or_default();
    let argument = about(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument => unexpected(command, &argument, usage),
        ErrorKind::MissingRequiredArgument => {
            let missing = words_of(error, ContextKind::InvalidArg).join(" ");
            CommandError::usage(format!("{name} needs {missing}"), usage)
        }
        ErrorKind::InvalidValue if about(ContextKind::InvalidValue).is_empty() => {
            CommandError::usage(format!("{argument} needs a value"), usage)
        }
        ErrorKind::InvalidValue => {
            let value = about(ContextKind::InvalidValue);
            let known = words_of(error, ContextKind::ValidValue);
            let hint = hint::for_unknown(&value, known.iter().map(String::as_str), &usage);
            CommandError::usage(format!("{value:?} does not fit {argument}"), hint)
        }
        ErrorKind::ValueValidation => {
            let value = about(ContextKind::InvalidValue);
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            // Our own parsers quote the value already, those of numbers do not.
            let quoted = why.contains(&format!("{value:?}"));
            let message = if quoted { format!("{argument}: {why}") } else { format!("{argument}: {value:?}: {why}") };
            CommandError::usage(message, usage)
        }
        ErrorKind::ArgumentConflict => {
            let prior = about(ContextKind::PriorArg);
            if prior == argument || prior.is_empty() {
                CommandError::usage(format!("{argument} is given twice"), usage)
            } else {
                CommandError::usage(format!("{argument} and {prior} do not go together"), usage)
            }
        }
        ErrorKind::TooManyValues => {
            let value = about(ContextKind::InvalidValue);
            CommandError::usage(format!("{argument} takes no value, but got {value:?}"), usage)
        }
        ErrorKind::InvalidSubcommand => {
            let word = about(ContextKind::InvalidSubcommand);
            CommandError::usage(
                format!("unexpected {word:?} after {name}"),
                format!("run a command with: {name} --exec {word:?}"),
            )
        }
        // What is left are kinds that no grammar of ours can give today; clap's own first line
        // says more than silence would.
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            CommandError::usage(first, usage)
        }
    }
}

/// A flag or a word that the command does not take.
fn unexpected(command: &CommandInfo, argument: &str, usage: String) -> CommandError {
    if !argument.starts_with('-') {
        // The one mistake that everybody makes: submit echo hello.
        let unquoted = command.arguments.first().is_some_and(|argument| argument.operand == Operand::Shell);
        let hint = if unquoted { format!("put the command in quotes: {} \"...\"", command.name) } else { usage };
        return CommandError::usage(format!("unexpected {argument:?} after {}", command.name), hint);
    }
    let names = command.flags.iter().map(|flag| flag.name.as_str());
    let hint = hint::nearest(argument, names).map_or(usage, |near| format!("did you mean {near:?}?"));
    CommandError::usage(format!("unknown flag {argument:?} of {}", command.name), hint)
}

fn words_of(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(_) | None => Vec::new(),
    }
}
