//! What stands below the line while it is typed: an unknown command with the nearest known one, an
//! open quote, or the usage of the present command.

use c2_shared::hint;

use super::tokens;
use crate::app::catalog::Catalog;

/// Something to say about the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Its first word is no command, nor the beginning of one.
    Unknown {
        /// The word.
        word: String,
        /// The nearest command.
        near: Option<String>,
    },
    /// A quote is open.
    OpenQuote(char),
    /// The usage and summary of the command.
    Usage {
        /// As in `help`.
        usage: String,
        /// In a few words.
        summary: String,
    },
}

/// Looks at the line as it is being typed.
#[must_use]
pub fn advise(line: &str, catalog: &Catalog) -> Option<Advice> {
    let tokens = tokens(line);
    let first = tokens.first()?;
    let word = first.word.as_str();
    if let Some(verb) = catalog.verb(word) {
        let open = tokens.last().and_then(|t| t.open);
        return Some(match open {
            Some(quote) => Advice::OpenQuote(quote),
            None => Advice::Usage { usage: verb.usage.clone(), summary: verb.summary.clone() },
        });
    }
    let still_typing = tokens.len() == 1 && first.end == line.len();
    if still_typing && catalog.names().any(|name| name.starts_with(word)) {
        return None;
    }
    let near = hint::nearest(word, catalog.names()).map(str::to_owned);
    Some(Advice::Unknown { word: word.to_owned(), near })
}
