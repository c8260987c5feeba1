//! Mistakes in the arguments of a command, or of the program, as errors of our own.
//!
//! clap finds them, but its texts speak of a program's arguments and end with advice that is wrong
//! at a prompt.

use c2_shared::hint;
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::command::{CommandError, CommandInfo, Operand, Word, foreign};

/// A line and its words.
pub(crate) type Typed<'a> = (&'a str, &'a [Word]);

/// What a shell would read in a line of its own.
const OF_SHELLS: [&str; 10] = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1", "2>"];

/// Says in our words what clap found wrong with a command that exists, or with the program's own
/// arguments, which are no line.
pub(crate) fn of(error: &Error, command: &CommandInfo, typed: Option<Typed<'_>>) -> CommandError {
    let name = &command.name;
    let usage = format!("usage: {}", command.usage);
    let about = |kind| words_of(error, kind).into_iter().next().unwrap_or_default();
    let argument = about(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument => unexpected(command, &argument, usage, typed),
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
            let message = match why.as_str() {
                _ if quoted => format!("{argument}: {why}"),
                why if why.contains(" is not in ") => format!("{argument}: {value} is {}", beyond(&value, why)),
                why if why.contains("too large") => format!("{argument}: {value} is too large"),
                why if why.contains("digit") => format!("{argument}: {value:?} is not a whole number"),
                why => format!("{argument}: {value:?}: {why}"),
            };
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
            CommandError::usage(format!("unexpected {word:?} after {name}"), usage)
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
fn unexpected(command: &CommandInfo, argument: &str, usage: String, typed: Option<Typed<'_>>) -> CommandError {
    // The one mistake that everybody makes: submit echo hello.
    let takes_shell = command.arguments.first().is_some_and(|argument| argument.operand == Operand::Shell);
    let in_quotes = typed.filter(|_| takes_shell).and_then(|typed| in_quotes(command, typed));
    let in_quotes = in_quotes.map(|line| format!("put the command in quotes: {line}"));
    if !argument.starts_with('-') {
        let redirects = argument.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>']);
        let of_shell = (redirects || OF_SHELLS.contains(&argument)).then(|| {
            let line = typed.map_or("", |(line, words)| command_before(line, words, argument));
            format!("what a shell does stands around c2-tui: c2-tui --exec {} {argument} ..", foreign::quoted(line))
        });
        let document = argument.starts_with("<<").then(|| {
            "a text of several lines stands in quotes, which may continue over lines, or in a file: submit --script=FILE"
                .to_owned()
        });
        let comment = argument.starts_with('#').then(|| "a comment begins with a # by itself: # like this".to_owned());
        let hint =
            document.or(in_quotes).or(comment).or(of_shell).or_else(|| one_target(command, typed)).unwrap_or(usage);
        return CommandError::usage(format!("unexpected {argument:?} after {}", command.name), hint);
    }
    if argument == "--json" && typed.is_some() {
        let hint = "--json stands beside --exec: c2-tui --json --exec 'LINE'";
        return CommandError::usage(format!("unknown flag \"--json\" of {}", command.name), hint);
    }
    let number = argument.strip_prefix('-').filter(|digits| digits.parse::<u64>().is_ok());
    if let (Some(number), "log") = (number, command.name.as_str()) {
        let hint = format!("write it as: log {number}");
        return CommandError::usage(format!("unknown flag {argument:?} of log"), hint);
    }
    let names = command.flags.iter().map(|flag| flag.name.as_str());
    let of_jobs = command.flag("--depends").is_some();
    let is_ours = |flag: &&str| command.flag(flag.split(['=', ',']).next().unwrap_or_default()).is_some();
    let foreign = foreign::flag(argument).filter(|flag| of_jobs || is_ours(flag));
    let foreign = foreign.map(|flag| format!("write it as: {flag}"));
    let near = hint::nearest(argument, names).filter(|_| argument.starts_with("--"));
    let near = near.map(|near| format!("did you mean {near:?}?"));
    // Behind several words a flag is rather one of the command, and so is one of a single letter.
    let hint = match in_quotes {
        Some(in_quotes) if follows_words(typed) || !argument.starts_with("--") => in_quotes,
        _ => foreign.or(near).or(in_quotes).unwrap_or(usage),
    };
    CommandError::usage(format!("unknown flag {argument:?} of {}", command.name), hint)
}

/// The line with all but its last operand as one target, where several workers stand before what they are to get.
fn one_target(command: &CommandInfo, typed: Option<Typed<'_>>) -> Option<String> {
    let (line, words) = typed?;
    let [first, second] = command.arguments.as_slice() else { return None };
    if first.operand != Operand::Target || first.many || second.many {
        return None;
    }
    let (flags, operands): (Vec<&Word>, Vec<&Word>) = words[1..].iter().partition(|word| word.text.starts_with('-'));
    let text = |words: &[&Word]| words.iter().map(|word| line[word.span.clone()].to_owned()).collect::<Vec<_>>();
    let (last, targets) = operands.split_last()?;
    let parts = [vec![command.name.clone(), text(targets).join(",")], text(&[last]), text(&flags)];
    Some(format!("write it as: {}", parts.concat().join(" ")))
}

/// On which side of a range a number lies, by the words of clap: `0 is not in 1..=1024`.
fn beyond(value: &str, why: &str) -> String {
    let range = why.rsplit(' ').next().unwrap_or_default();
    let (first, last) = range.split_once("..").unwrap_or((range, ""));
    let last = last.trim_start_matches('=');
    let number = |text: &str| text.parse::<i128>().ok();
    match (number(value), number(first), number(last)) {
        (Some(value), Some(least), _) if value < least => format!("too small; {first} is the least"),
        (_, _, Some(_)) => format!("too large; {last} is the most"),
        _ => "too large".to_owned(),
    }
}

fn command_before<'a>(line: &'a str, words: &[Word], operator: &str) -> &'a str {
    let end = words.iter().find(|word| word.text == operator).map_or(line.len(), |word| word.span.start);
    line[..end].trim()
}

/// Whether the first operand of a line is followed by another, so that a command was not quoted.
fn follows_words(typed: Option<Typed<'_>>) -> bool {
    let Some((_, [_, first, second, ..])) = typed else { return false };
    let is_word = |word: &Word| !word.text.starts_with('-') && !word.is_quoted();
    is_word(first) && is_word(second)
}

/// The line with all that is no flag of the command in quotes, unless quotes are there already.
fn in_quotes(command: &CommandInfo, (line, words): Typed<'_>) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    if rest.iter().any(Word::is_quoted) || rest.first()?.text.starts_with('-') {
        return None;
    }
    // The last operand of split is a file.
    let operands = command.arguments.len() - 1;
    let (mut shell, mut flags) = (Vec::new(), Vec::new());
    let mut words = rest.iter().map(|word| &line[word.span.clone()]);
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or(word);
        match command.flag(name) {
            Some(flag) => {
                flags.push(word);
                if flag.value.is_some() && !word.contains('=') {
                    flags.extend(words.next());
                }
            }
            None => shell.push(word),
        }
    }
    let behind = shell.split_off(shell.len().checked_sub(operands)?);
    if shell.len() < 2 {
        return None;
    }
    let parts = [vec![verb.text.clone(), foreign::quoted(&shell.join(" "))], owned(&behind), owned(&flags)];
    Some(parts.concat().join(" "))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn words_of(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(_) | None => Vec::new(),
    }
}
