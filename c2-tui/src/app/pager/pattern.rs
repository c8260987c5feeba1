//! What is searched for. Which lines hold it is the matter of [`super::sieve`].

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

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
}
