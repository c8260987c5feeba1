//! A program's command line, by the rules that all programs share: a variable that is set and empty is as
//! good as unset, and a wrong value that came from a variable is said to come from there.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error, Parser};

use crate::settings::Origin;

/// Which arguments of a command line were given, and how; those of a subcommand stand before those of the
/// program itself.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Reads them off what was understood.
    #[must_use]
    pub fn of(command: &Command, matches: &ArgMatches) -> Self {
        let mut origins = Self::default();
        origins.add(command, matches);
        origins
    }

    fn add(&mut self, command: &Command, matches: &ArgMatches) {
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            let source = matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id));
            let origin = match source {
                Some(ValueSource::CommandLine) => arg.get_long().map(|long| Origin::Flag(format!("--{long}"))),
                Some(ValueSource::EnvVariable) => {
                    arg.get_env().map(|name| Origin::Variable(name.to_string_lossy().into_owned()))
                }
                _ => None,
            };
            // A variable says the same of both, so a flag of the program is never covered by one.
            if let Some(origin) = origin.filter(|origin| matches!(origin, Origin::Flag(_)) || !self.0.contains_key(id))
            {
                self.0.insert(id.to_owned(), origin);
            }
        }
        if let Some((name, inner)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            self.add(command, inner);
        }
    }

    /// A message with the variables from which what it speaks of came, so that nobody looks for it on the command
    /// line. `argument` is what it is about, where it does not quote the value.
    #[must_use]
    pub fn told(&self, message: &str, argument: Option<&str>) -> String {
        if let Some(Origin::Variable(name)) = argument.and_then(|argument| self.get(argument)) {
            return format!("{message} (from {name})");
        }
        let variables = self.0.values().filter_map(|origin| match origin {
            Origin::Variable(name) => Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?)),
            _ => None,
        });
        variables.fold(message.to_owned(), |text, (name, value)| with_source(&text, name, &value))
    }

    /// How an argument was given, by its name in the program; none if it was not.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Origin> {
        self.0.get(id).cloned()
    }
}

/// A message that says of a value that it is from a variable; as it was if it does not speak of the value.
fn with_source(message: &str, name: &str, value: &str) -> String {
    let quoted = format!("{value:?}");
    if let Some(at) = message.find(&quoted) {
        let (before, behind) = message.split_at(at + quoted.len());
        return format!("{before} (from {name}){behind}");
    }
    // As a whole word, like an address in front of its port.
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    let is_whole = message
        .match_indices(value)
        .any(|(at, _)| !message[..at].ends_with(is_part) && !message[at + value.len()..].starts_with(is_part));
    if is_whole { format!("{message} ({value} is from {name})") } else { message.to_owned() }
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// clap's own: what is wrong, or the help that was asked for.
pub fn read<P: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<P, Error> {
    Ok(read_with_origins(args)?.0)
}

/// The same, with where its values come from.
///
/// # Errors
/// As [`read`].
pub fn read_with_origins<P: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<(P, Origins), Error> {
    let (command, matches) = understood(P::command(), args)?;
    let read = P::from_arg_matches(&matches).map_err(|error| error.format(&mut P::command()))?;
    Ok((read, Origins::of(&command, &matches)))
}

/// What was understood of a command line, for a program that looks at it itself.
///
/// # Errors
/// As [`read`].
pub fn matches(command: Command, args: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, Error> {
    Ok(understood(command, args)?.1)
}

fn understood(command: Command, args: impl IntoIterator<Item = OsString>) -> Result<(Command, ArgMatches), Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut command = without_empty(command);
    match command.try_get_matches_from_mut(&args) {
        Ok(matches) => Ok((command, matches)),
        Err(error) => Err(misread(&error, &command, &args).unwrap_or_else(|| name_variable(error, &command, &args))),
    }
}

/// A flag with one dash whose letters begin with that of help or of the version. Its user wants neither.
fn misread(error: &Error, command: &Command, args: &[OsString]) -> Option<Error> {
    if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return None;
    }
    let words = args.iter().skip(1).map_while(|arg| arg.to_str().filter(|arg| *arg != "--"));
    let word = words.filter(|word| word.len() > 2).find(|word| word.starts_with("-h") || word.starts_with("-V"))?;
    let mut unknown = Error::new(ErrorKind::UnknownArgument).with_cmd(command);
    unknown.insert(ContextKind::InvalidArg, ContextValue::String(word.to_owned()));
    let long = word.trim_start_matches('-').split('=').next().unwrap_or_default();
    if find(command, long).is_some() {
        unknown.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{long}")));
    }
    Some(unknown)
}

fn without_empty(command: Command) -> Command {
    let command = command.mut_args(|arg| match variable(&arg) {
        Some((_, value)) if value.is_empty() => arg.env(None::<&'static str>),
        _ => arg,
    });
    command.mut_subcommands(without_empty)
}

/// The variable of an argument that is set, and its value.
fn variable(arg: &Arg) -> Option<(String, OsString)> {
    let name = arg.get_env()?;
    Some((name.to_string_lossy().into_owned(), std::env::var_os(name)?))
}

/// Says of each argument that is to blame which variable it is from, if none of the command line gave it.
fn name_variable(mut error: Error, command: &Command, args: &[OsString]) -> Error {
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        let named = match error.get(kind) {
            Some(ContextValue::String(argument)) => ContextValue::String(from_where(argument, command, args)),
            Some(ContextValue::Strings(arguments)) => {
                ContextValue::Strings(arguments.iter().map(|argument| from_where(argument, command, args)).collect())
            }
            _ => continue,
        };
        error.insert(kind, named);
    }
    error
}

fn from_where(argument: &str, command: &Command, args: &[OsString]) -> String {
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let is_given = args.iter().filter_map(|arg| arg.to_str()).any(|arg| arg.split('=').next() == Some(flag));
    let known = flag.strip_prefix("--").and_then(|long| find(command, long)).filter(|_| !is_given);
    known.and_then(variable).map_or_else(|| argument.to_owned(), |(name, _)| format!("{argument} (from {name})"))
}

fn find<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|command| find(command, long)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dash_before_a_word_is_no_wish_for_help() {
        let program = || Command::new("p").version("1").arg(Arg::new("host").long("host"));
        let kind = |words: &[&str]| {
            let args = std::iter::once("p").chain(words.iter().copied()).map(OsString::from);
            matches(program(), args).map_err(|error| (error.kind(), error.to_string())).unwrap_err()
        };
        for words in [&["-host", "x"][..], &["-host=x"]] {
            let (kind, text) = kind(words);
            assert!(kind == ErrorKind::UnknownArgument && text.contains("'--host'"), "{text}");
        }
        assert_eq!(kind(&["-Verbose"]).0, ErrorKind::UnknownArgument);
        assert_eq!((kind(&["-h"]).0, kind(&["-V"]).0), (ErrorKind::DisplayHelp, ErrorKind::DisplayVersion));
    }

    #[test]
    fn a_message_names_the_variable_of_what_it_speaks_of() {
        let table = [
            ("\"a:b:c\" is no address", "C2_SERVER", "a:b:c", "\"a:b:c\" (from C2_SERVER) is no address"),
            (
                "cannot listen on 10.9.9.9:30: no",
                "C2_HOST",
                "10.9.9.9",
                "cannot listen on 10.9.9.9:30: no (10.9.9.9 is from C2_HOST)",
            ),
            ("cannot use \"/x/y\"", "C2_DATA_DIR", "/x", "cannot use \"/x/y\""),
            ("cannot listen on 10.9.9.99:30", "C2_HOST", "10.9.9.9", "cannot listen on 10.9.9.99:30"),
        ];
        for (message, name, value, expected) in table {
            assert_eq!(with_source(message, name, value), expected);
        }
    }
}
