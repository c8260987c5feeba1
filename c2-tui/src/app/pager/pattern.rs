//! What is searched for, and which lines hold it: counted block by block, so that a long output is
//! searched in slices and no line is looked at twice.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::chunk::{block_of, blocks};
use super::document::{Document, Found, Missing};
use super::rich;

/// Size of a compiled pattern: one that needs more is a mistake.
const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A regular expression, or the lines without it when it was typed with `!` in front.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: String,
    regex: Regex,
    inverse: bool,
}

impl Pattern {
    /// Compiles a pattern. Without `exact`, one without capitals finds them too.
    pub(crate) fn new(text: &str, exact: bool) -> Result<Self, String> {
        let (inverse, source) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let regex = RegexBuilder::new(source)
            .case_insensitive(!exact && !has_capitals(source))
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|error| {
                let said = error.to_string();
                said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            })?;
        Ok(Self { text: text.to_owned(), regex, inverse })
    }

    /// As it was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_match(&self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let found = if !rich::is_rich(line) {
            self.regex.is_match(line)
        } else if let Some(text) = rich::without_colours(line) {
            self.regex.is_match(&text)
        } else {
            self.regex.is_match(rich::plain(&rich::cells(line)).0.as_bytes())
        };
        found != self.inverse
    }

    /// The columns to highlight in a line; none where it is what the line lacks.
    pub(crate) fn columns(&self, text: &str, starts: &[usize]) -> Vec<Range<usize>> {
        if self.inverse {
            return Vec::new();
        }
        // The second half of a wide character starts at the same byte as the next one.
        let column = |byte: usize| match byte < text.len() {
            true => starts.partition_point(|start| *start <= byte) - 1,
            false => starts.len(),
        };
        let found = self.regex.find_iter(text.as_bytes()).filter(|m| !m.is_empty());
        found.map(|m| column(m.start())..column(m.end())).collect()
    }
}

/// Whether a pattern has capitals that are letters, and no classes such as `\S`.
fn has_capitals(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let counts = !escaped && c.is_uppercase();
        escaped = !escaped && c == '\\';
        counts
    })
}

/// A pattern and how many lines of each block it matches, as far as they were looked at.
#[derive(Clone, Debug)]
pub(super) struct Sieve {
    pub(super) pattern: Pattern,
    hits: Vec<Option<u32>>,
}

impl Sieve {
    /// A pattern for which no line was looked at.
    pub(super) const fn new(pattern: Pattern) -> Self {
        Self { pattern, hits: Vec::new() }
    }

    /// Looks at the lines of a block, unless that was done.
    pub(super) fn scan(&mut self, block: u64, bytes: &[u8]) {
        if self.of(block).is_some() {
            return;
        }
        let index = usize::try_from(block).unwrap_or(usize::MAX);
        if self.hits.len() <= index {
            self.hits.resize(index + 1, None);
        }
        let count = lines(bytes).filter(|(_, line)| self.pattern.is_match(line)).count();
        self.hits[index] = Some(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Forgets the blocks from this one on: they have changed.
    pub(super) fn forget_from(&mut self, block: u64) {
        self.hits.truncate(usize::try_from(block).unwrap_or(usize::MAX));
    }

    /// The first block at or behind `from` that was not looked at.
    pub(super) fn unseen(&self, from: u64, len: u64) -> Option<u64> {
        (from..blocks(len)).find(|block| self.of(*block).is_none())
    }

    /// How many lines match, as far as they were looked at.
    pub(super) fn total(&self) -> u64 {
        self.hits.iter().flatten().map(|n| u64::from(*n)).sum()
    }

    /// Which of the matching lines the one at `at` is, counted from 1.
    pub(super) fn rank(&self, document: &Document, at: u64) -> Option<u64> {
        let block = block_of(at);
        let before = (0..block).map(|b| self.of(b).map(u64::from)).sum::<Option<u64>>()?;
        let (start, bytes) = document.chunk(block).ok()?;
        let here = lines(bytes).take_while(|(from, _)| start + from <= at);
        Some(before + here.filter(|(_, line)| self.pattern.is_match(line)).count() as u64)
    }

    /// The first line that matches, at `from` or behind it.
    pub(super) fn forward(&self, document: &Document, from: u64) -> Found<Option<u64>> {
        for block in block_of(from)..blocks(document.len()) {
            if self.of(block).ok_or(Missing(block))? > 0 {
                let (start, bytes) = document.chunk(block)?;
                let mut lines = lines(bytes).filter(|(at, _)| start + at >= from);
                if let Some((at, _)) = lines.find(|(_, line)| self.pattern.is_match(line)) {
                    return Ok(Some(start + at));
                }
            }
        }
        Ok(None)
    }

    /// The last line that matches before `before`.
    pub(super) fn back(&self, document: &Document, before: u64) -> Found<Option<u64>> {
        if before <= document.first() {
            return Ok(None);
        }
        for block in (block_of(document.first())..=block_of(before - 1)).rev() {
            if self.of(block).ok_or(Missing(block))? > 0 {
                let (start, bytes) = document.chunk(block)?;
                let lines = lines(bytes).take_while(|(at, _)| start + at < before);
                if let Some((at, _)) = lines.filter(|(_, line)| self.pattern.is_match(line)).last() {
                    return Ok(Some(start + at));
                }
            }
        }
        Ok(None)
    }

    fn of(&self, block: u64) -> Option<u32> {
        self.hits.get(usize::try_from(block).ok()?).copied().flatten()
    }
}

/// Lines with the places at which they start.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    bytes.split_inclusive(|b| *b == b'\n').map(move |line| {
        let start = at;
        at += line.len() as u64;
        (start, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table: [(&str, bool, &[u8], bool); 14] = [
            ("error", false, b"an Error here", true),
            ("Error", false, b"an error here", false),
            ("Error", false, b"an Error here", true),
            ("error", true, b"an Error here", false),
            ("\\Serror", false, b"xERROR", true),
            ("!error", false, b"all is well", true),
            ("!error", false, b"an error", false),
            ("^ab$", false, b"ab\r", true),
            ("a b", false, b"a\x1b[31m b", true),
            ("a  +b", false, b"a\tb", true),
            ("100%$", false, b"10%\r100%", true),
            ("^10%", false, b"10%\r100%", false),
            ("\u{e4}", false, "\u{c4}".as_bytes(), true),
            (".", false, b"\xff", false),
        ];
        for (pattern, exact, line, matches) in table {
            let compiled = Pattern::new(pattern, exact).unwrap();
            assert_eq!(compiled.is_match(line), matches, "{pattern} in {:?}", String::from_utf8_lossy(line));
        }
        assert_eq!(Pattern::new("a(", false).unwrap_err(), "unclosed group");
    }

    #[test]
    fn columns_count_wide_characters_twice() {
        let pattern = Pattern::new("語x", false).unwrap();
        let (text, starts) = rich::plain(&rich::cells("日語xy".as_bytes()));
        assert_eq!(pattern.columns(&text, &starts).first(), Some(&(2..5)));
    }

    #[test]
    fn nothing_is_answered_before_it_was_looked_at() {
        let text: Vec<u8> = (0..30_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let document = Document::text(&text);
        let mut sieve = Sieve::new(Pattern::new("line 29999", false).unwrap());
        let mut looked_at = Vec::new();
        let found = loop {
            match sieve.forward(&document, 0) {
                Ok(found) => break found,
                Err(Missing(block)) => {
                    looked_at.push(block);
                    let bytes = document.chunk(block).unwrap().1;
                    sieve.scan(block, bytes);
                }
            }
        };
        assert_eq!(found, document.previous(document.len()).unwrap());
        assert_eq!(looked_at, (0..blocks(document.len())).collect::<Vec<_>>(), "each block once");
        assert_eq!((sieve.total(), sieve.rank(&document, found.unwrap())), (1, Some(1)));
        assert_eq!(sieve.back(&document, document.len()), Ok(found));
    }
}
