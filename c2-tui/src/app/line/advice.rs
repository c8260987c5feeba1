//! What stands below the line while it is typed: an unknown command with the nearest known one, an
//! open quote, or the usage of the present command.

use crate::command::{LexError, commands, find, nearest, scan};

/// Something to say about the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Its first word is no command, nor the beginning of one.
    Unknown {
        word: String,
        near: Option<&'static str>,
    },
    OpenQuote(char),
    Usage {
        usage: &'static str,
        summary: &'static str,
    },
}

/// Looks at the line as it is being typed.
pub(crate) fn advise(line: &str) -> Option<Advice> {
    let (words, open) = scan(line);
    let first = words.first()?;
    let word = first.text.as_str();
    if let Some(command) = find(word) {
        return Some(match open {
            Some(LexError::OpenQuote { quote, .. }) => Advice::OpenQuote(quote),
            _ => Advice::Usage { usage: &command.usage, summary: &command.summary },
        });
    }
    let still_typing = words.len() == 1 && first.span.end == line.len();
    if still_typing && commands().iter().any(|command| command.name.starts_with(word)) {
        return None;
    }
    Some(Advice::Unknown { word: word.to_owned(), near: nearest(word) })
}
