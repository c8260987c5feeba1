//! Flags of pdsh that stand behind its command.

use clap::Parser as _;

use crate::command::grammar::Grammar;
use crate::command::pdsh::Pdsh;
use crate::command::{Command, CommandError, Verb, Word};

/// Refuses flags of pdsh behind a command in quotes, as in `pdsh @all "ls -l" --fold`: whoever
/// writes this means pdsh, and the worker would get them.
pub(crate) fn check(pdsh: &Pdsh, line: &str, words: &[Word]) -> Result<(), CommandError> {
    let (before, behind) = words.split_at(words.len() - pdsh.command.len());
    let ([verb, .., last], [command, flags @ ..]) = (before, behind) else { return Ok(()) };
    let (Some(first), Some(end)) = (flags.first(), flags.last()) else { return Ok(()) };
    if !command.is_quoted() || last.text == "--" || !first.text.starts_with("--") {
        return Ok(());
    }
    let text = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    let moved = [text(before), text(flags), vec!["--".to_owned(), command.text.clone()]].concat();
    let Ok(Grammar { verb: Verb::Command(Command::Pdsh(moved)) }) = Grammar::try_parse_from(moved) else {
        return Ok(());
    };
    if moved.target != pdsh.target || moved.command.len() != 1 {
        return Ok(());
    }
    let (before, command) = (&line[verb.span.start..last.span.end], &line[command.span.clone()]);
    let flags = &line[first.span.start..end.span.end];
    Err(CommandError::usage(
        format!("{flags:?} stands behind the command and would belong to it"),
        format!("write flags of pdsh before the command: {before} {flags} {command}"),
    ))
}
