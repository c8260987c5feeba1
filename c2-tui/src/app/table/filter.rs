//! The `/` filter of a table: words that must all be found, with `!`, `re:` and `column:`.
//!
//! `train` finds a substring, ignoring case unless it has a capital; `!train` what lacks it;
//! `re:^job-1` a regular expression, to which all belongs that follows, blanks too; `state:failed` looks into
//! one column, `tags:=gpu,disk` for these words and no others there, `tags:=-` for none. A wrong expression is told
//! and hides nothing.

use std::borrow::Cow;

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use super::{Column, Row, Rows};

/// A filter as typed and as understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    text: String,
    terms: Vec<Term>,
    error: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Term {
    inverse: bool,
    column: Option<usize>,
    needle: Needle,
}

#[derive(Clone, Debug)]
enum Needle {
    Exact(Finder<'static>),
    /// Found in any case; already in lower case.
    Folded(Finder<'static>),
    Regex(Regex),
    /// Found in any case. Searching text that is in lower case anyway is many times faster than
    /// an expression that takes both.
    FoldedRegex(Regex),
    /// All words of a column, in order.
    Words(Vec<String>),
}

/// Stands for no word at all.
pub(crate) const NO_WORD: &str = "-";

impl Filter {
    /// Reads a filter for a table with these columns.
    pub(crate) fn parse(text: &str, columns: &[&str]) -> Self {
        let mut filter = Self { text: text.to_owned(), ..Self::default() };
        for word in words(text) {
            match Term::parse(word, columns) {
                Ok(term) => filter.terms.extend(term),
                Err(error) => filter.error = Some(error),
            }
        }
        // What costs least goes first; the others then see few rows.
        filter.terms.sort_by_key(Term::cost);
        filter
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(super) const fn lets_all_pass(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the row of a slot passes.
    pub(super) fn keeps<R: Row>(&self, rows: &Rows<R>, slot: usize, columns: &[Column<R>]) -> bool {
        self.terms.iter().all(|term| term.found(rows, slot, columns) != term.inverse)
    }
}

/// The words of a filter; the one with `re:` goes on to the end.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let word = rest.split_whitespace().next().unwrap_or_default();
        let is_pattern = word.trim_start_matches('!').split(':').rev().skip(1).any(|part| part == "re");
        let word = if is_pattern { rest } else { word };
        words.push(word);
        rest = rest[word.len()..].trim_start();
    }
    words
}

impl Term {
    /// Reads one word; a word that is still being typed (`!`, `re:`, `state:`) asks for nothing.
    fn parse(word: &str, columns: &[&str]) -> Result<Option<Self>, String> {
        let (inverse, rest) = match word.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        let (column, rest) = match rest.split_once(':') {
            Some((name, value)) => match columns.iter().position(|c| c.eq_ignore_ascii_case(name)) {
                Some(column) => (Some(column), value),
                None => (None, rest),
            },
            None => (None, rest),
        };
        if let (Some(_), Some(said)) = (column, rest.strip_prefix('=')) {
            let mut words: Vec<String> = said.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            words.sort_unstable();
            let asks = !words.is_empty();
            words.retain(|word| word != NO_WORD);
            return Ok(asks.then_some(Self { inverse, column, needle: Needle::Words(words) }));
        }
        let needle = match rest.strip_prefix("re:") {
            Some("") => return Ok(None),
            Some(pattern) if pattern.chars().any(char::is_uppercase) => Needle::Regex(regex(pattern)?),
            Some(pattern) => Needle::FoldedRegex(regex(pattern)?),
            None if rest.is_empty() => return Ok(None),
            None if rest.chars().any(char::is_uppercase) => Needle::Exact(Finder::new(rest).into_owned()),
            None => Needle::Folded(Finder::new(rest).into_owned()),
        };
        Ok(Some(Self { inverse, column, needle }))
    }

    /// A rank: text that is at hand, text that is made, expressions.
    const fn cost(&self) -> u8 {
        let regex = matches!(self.needle, Needle::Regex(_) | Needle::FoldedRegex(_));
        (self.column.is_some() as u8) + 2 * (regex as u8)
    }

    fn found<R: Row>(&self, rows: &Rows<R>, slot: usize, columns: &[Column<R>]) -> bool {
        match self.column {
            None => {
                let (written, folded) = rows.searched(slot);
                self.needle.found(written, folded)
            }
            Some(column) => rows.at(slot).is_some_and(|row| {
                let text = (columns[column].plain)(row);
                let is_folded = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
                let folded = if is_folded { Cow::Borrowed(&*text) } else { Cow::Owned(text.to_lowercase()) };
                self.needle.found(&text, &folded)
            }),
        }
    }
}

impl Needle {
    fn found(&self, written: &str, folded: &str) -> bool {
        match self {
            Self::Exact(text) => text.find(written.as_bytes()).is_some(),
            Self::Folded(text) => text.find(folded.as_bytes()).is_some(),
            Self::Regex(regex) => regex.is_match(written),
            Self::FoldedRegex(regex) => regex.is_match(folded),
            Self::Words(words) => {
                let mut found: Vec<&str> = written.split_whitespace().collect();
                found.sort_unstable();
                found == *words
            }
        }
    }
}

fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|e| match e {
        regex::Error::Syntax(text) => text.lines().last().unwrap_or("wrong").trim_start_matches("error: ").to_owned(),
        _ => "this expression is too large".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn whole_words_of_a_column() {
        let found = |term: &str, text: &str| {
            let term = super::Term::parse(term, &["tags"]).unwrap();
            term.map(|term| term.needle.found(text, text) != term.inverse)
        };
        let table = [
            ("tags:=gpu", "gpu", Some(true)),
            ("tags:=gpu", "gpu2", Some(false)),
            ("tags:=gpu", "disk gpu", Some(false)),
            ("tags:=gpu,disk", "disk gpu", Some(true)),
            ("!tags:=gpu", "gpu2", Some(true)),
            ("tags:=-", "", Some(true)),
            ("tags:=-", "gpu", Some(false)),
            ("tags:=", "gpu", None),
            ("tags:gpu", "gpu2", Some(true)),
        ];
        for (term, text, wanted) in table {
            assert_eq!(found(term, text), wanted, "{term} {text:?}");
        }
    }

    #[test]
    fn an_expression_goes_on_to_the_end() {
        let table: [(&str, &[&str]); 6] = [
            ("a  b ", &["a", "b"]),
            ("state:failed re:exit [12]  now", &["state:failed", "re:exit [12]  now"]),
            ("!re:a b", &["!re:a b"]),
            ("x job:re:a b: c", &["x", "job:re:a b: c"]),
            ("more:a b", &["more:a", "b"]),
            ("re", &["re"]),
        ];
        for (text, words) in table {
            assert_eq!(super::words(text), words, "{text:?}");
        }
    }
}
