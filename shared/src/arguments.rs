//! A program's command line, by the rules that all programs share: a variable that is set and empty is as
//! good as unset, and a wrong value that came from a variable is said to come from there.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Command, Error, Parser};

/// Reads a command line, the program's name first.
///
/// # Errors
/// clap's own: what is wrong, or the help that was asked for.
pub fn read<P: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<P, Error> {
    P::from_arg_matches(&matches(P::command(), args)?).map_err(|error| error.format(&mut P::command()))
}

/// The same for a program that asks where its values come from.
///
/// # Errors
/// As [`read`].
pub fn matches(command: Command, args: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut command = without_empty(command);
    command.try_get_matches_from_mut(&args).map_err(|error| name_variable(error, &command, &args))
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

fn name_variable(mut error: Error, command: &Command, args: &[OsString]) -> Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let is_given = args.iter().filter_map(|arg| arg.to_str()).any(|arg| arg.split('=').next() == Some(flag));
    let known = flag.strip_prefix("--").and_then(|long| find(command, long)).filter(|_| !is_given);
    if let Some((name, _)) = known.and_then(variable) {
        let argument = format!("{argument} (from {name})");
        error.insert(ContextKind::InvalidArg, ContextValue::String(argument));
    }
    error
}

fn find<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|command| find(command, long)))
}
