//! Splits a line into words, each with its place in the line.
//!
//! Quotes and backslashes mean what they mean to a shell, and `#` by itself begins a comment. Nothing
//! else is special: no globs, no variables, so that `#1` and `*.png` reach the command as they were
//! typed. A prompt that was copied with the line is dropped. A backslash before the end of a line joins
//! it with the next one, and so does an open quote; `Joined` puts such lines together.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The text without quotes and backslashes.
    pub(crate) text: String,
    /// The bytes of the line that it stands for, quotes included.
    pub(crate) span: Range<usize>,
}

impl Word {
    /// Whether quotes or backslashes stand in it.
    pub(crate) fn is_quoted(&self) -> bool {
        self.text.len() < self.span.len()
    }
}

/// Why a line has no words: something was opened and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LexError {
    /// A quote was opened and not closed.
    #[error("the quote {quote} at column {} is not closed", at + 1)]
    OpenQuote {
        quote: char,
        /// Its byte in the line.
        at: usize,
    },
    /// The line ends after a backslash.
    #[error("the line ends after a backslash")]
    LoneBackslash {
        /// Its byte in the line.
        at: usize,
    },
}

/// The console's prompt, as it is copied together with a line.
const PROMPT: &str = "!>";

/// The part of a line that says something: behind copied prompts and a colon as in vi, before a
/// comment. A comment begins with a word that is only `#`, or with a `#` that is the first character.
pub(crate) fn said(line: &str) -> Range<usize> {
    let mut start = line.len() - line.trim_start().len();
    while let Some(rest) = line[start..].strip_prefix(PROMPT) {
        start = line.len() - rest.trim_start().len();
    }
    if let Some(rest) = line[start..].strip_prefix(':') {
        start = line.len() - rest.trim_start().len();
    }
    if line[start..].starts_with('#') {
        return start..start;
    }
    match follow(&line[start..], &mut None) {
        Ended::Comment(at) => start..start + at,
        Ended::Joined | Ended::Whole => start..line.len(),
    }
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// In a comment that begins at this byte.
    Comment(usize),
    /// After a backslash, which joins the next one.
    Joined,
    Whole,
}

/// Follows the quotes of a line from one that is open, or none, to the one that is open at its end.
pub(crate) fn follow(line: &str, quote: &mut Option<char>) -> Ended {
    let mut begins = quote.is_none();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (*quote, c) {
            (None, '#') if begins && !line[at + 1..].starts_with(|c: char| !c.is_whitespace()) => {
                return Ended::Comment(at);
            }
            (None, '"' | '\'') => *quote = Some(c),
            (Some(open), _) if open == c => *quote = None,
            (None | Some('"'), '\\') if chars.next().is_none() => return Ended::Joined,
            _ => {}
        }
        begins = quote.is_none() && c.is_whitespace();
    }
    Ended::Whole
}

pub(crate) fn lex(line: &str) -> Result<Vec<Word>, LexError> {
    match scan(line) {
        (words, None) => Ok(words),
        (_, Some(error)) => Err(error),
    }
}

/// Splits a line that is still being typed: what is open ends with the line, and is said beside the
/// words.
pub(crate) fn scan(line: &str) -> (Vec<Word>, Option<LexError>) {
    let (mut words, mut open) = (Vec::new(), None);
    let Range { start, end } = said(line);
    let mut chars = line[..end].char_indices().peekable();
    while chars.next_if(|(at, _)| *at < start).is_some() {}
    while let Some(&(start, c)) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        if line[start..end].starts_with("\\\n") {
            chars.nth(1);
            continue;
        }
        let mut text = String::new();
        while let Some((at, c)) = chars.next_if(|(_, c)| !c.is_whitespace()) {
            match c {
                '\'' | '"' if !quoted(&mut chars, &mut text, c) => open = Some(LexError::OpenQuote { quote: c, at }),
                '\'' | '"' => {}
                '\\' => match chars.next() {
                    Some((_, '\n')) => {}
                    Some((_, protected)) => text.push(protected),
                    None => open = Some(LexError::LoneBackslash { at }),
                },
                plain => text.push(plain),
            }
        }
        let end = chars.peek().map_or(end, |(at, _)| *at);
        words.push(Word { text, span: start..end });
    }
    (words, open)
}

/// Reads up to the closing quote; false where there is none. Inside double quotes a backslash protects only what is special
/// there, `"`, `\`, `$` and the backtick, so that `"printf 'a\n'"` keeps its backslash, as in a shell.
fn quoted(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>, text: &mut String, quote: char) -> bool {
    while let Some((_, c)) = chars.next() {
        match c {
            _ if c == quote => return true,
            '\\' if quote == '"' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\' | '$' | '`' | '\n')) {
                Some((_, '\n')) => {}
                Some((_, protected)) => text.push(protected),
                None => text.push('\\'),
            },
            plain => text.push(plain),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(&str, Range<usize>)]) {
        let words = lex(line).unwrap();
        let seen: Vec<_> = words.iter().map(|w| (w.text.as_str(), w.span.clone())).collect();
        assert_eq!(seen, expected, "{line:?}");
    }

    #[test]
    fn words_and_their_places() {
        check("", &[]);
        check(" \t ", &[]);
        check("list", &[("list", 0..4)]);
        check("  info  10.0.0.15 ", &[("info", 2..6), ("10.0.0.15", 8..17)]);
        check(r#"submit "echo hello""#, &[("submit", 0..6), ("echo hello", 7..19)]);
        check("submit 'a \"b\"  c'", &[("submit", 0..6), ("a \"b\"  c", 7..17)]);
        check(r#"x --name="a b"c"#, &[("x", 0..1), ("--name=a bc", 2..15)]);
        check(r"a\ b", &[("a b", 0..4)]);
        check(r#""a\"b\\c\n$x""#, &[(r#"a"b\c\n$x"#, 0..13)]);
        check(r"'a\'", &[(r"a\", 0..4)]);
        check("''", &[("", 0..2)]);
        check("job #1 a#b", &[("job", 0..3), ("#1", 4..6), ("a#b", 7..10)]);
        check("--download=*.png", &[("--download=*.png", 0..16)]);
        check("é 'ü'", &[("é", 0..2), ("ü", 3..7)]);
        check("a\u{a0}b", &[("a", 0..1), ("b", 3..4)]);
    }

    #[test]
    fn a_backslash_means_what_it_means_to_a_shell() {
        check(r#""set -- 1 2; echo \$2""#, &[("set -- 1 2; echo $2", 0..22)]);
        check(r#""echo \`date\`""#, &[("echo `date`", 0..15)]);
        check(r#""awk '{print \$1}' \x""#, &[(r"awk '{print $1}' \x", 0..22)]);
        check(r"'\$x' \$y", &[(r"\$x", 0..5), ("$y", 6..9)]);
        check("submit true \\\n  --name=z", &[("submit", 0..6), ("true", 7..11), ("--name=z", 16..24)]);
        check("a\\\nb \"c\\\nd\" 'e\\\nf'", &[("ab", 0..4), ("cd", 5..11), ("e\\\nf", 12..18)]);
        check("submit \"a\nb\"", &[("submit", 0..6), ("a\nb", 7..12)]);
    }

    #[test]
    fn comments_and_copied_prompts_are_no_words() {
        check("list    # List all workers", &[("list", 0..4)]);
        check("submit \"echo hi\" # it's a job", &[("submit", 0..6), ("echo hi", 7..16)]);
        check("job #1 # x", &[("job", 0..3), ("#1", 4..6)]);
        check("list #", &[("list", 0..4)]);
        check("a '#' \"#\" \\# '# x'", &[("a", 0..1), ("#", 2..5), ("#", 6..9), ("#", 10..12), ("# x", 13..18)]);
        check("a \"b\"# c", &[("a", 0..1), ("b#", 2..6), ("c", 7..8)]);
        check("a \\ # x", &[("a", 0..1), (" #", 2..5), ("x", 6..7)]);
        check("# x", &[]);
        check("  #x", &[]);
        check("list #x", &[("list", 0..4), ("#x", 5..7)]);
        check("!> list", &[("list", 3..7)]);
        check(" !> !>  list # x", &[("list", 8..12)]);
        check("!> #x", &[]);
        check("!>", &[]);
        check("!> ", &[]);
        check("!>list", &[("list", 2..6)]);
        check("list !>", &[("list", 0..4), ("!>", 5..7)]);
        check("'!>' x", &[("!>", 0..4), ("x", 5..6)]);
        check(":log 5", &[("log", 1..4), ("5", 5..6)]);
        check("!> : list", &[("list", 5..9)]);
        check("list :x", &[("list", 0..4), (":x", 5..7)]);
    }

    #[test]
    fn a_line_that_is_being_typed_has_words_too() {
        let table: [(&str, &[&str], Option<char>); 6] = [
            ("submit \"a b", &["submit", "a b"], Some('"')),
            ("submit 'a' b", &["submit", "a", "b"], None),
            ("submit 'a\\", &["submit", "a\\"], Some('\'')),
            ("submit \"a\\\"", &["submit", "a\""], Some('"')),
            ("a\\ b #c", &["a b", "#c"], None),
            ("a'b c'd", &["ab cd"], None),
        ];
        for (line, expected, quote) in table {
            let (words, open) = scan(line);
            assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), expected, "{line}");
            let found = open.map(|open| matches!(open, LexError::OpenQuote { quote: q, .. } if Some(q) == quote));
            assert_eq!(found, quote.map(|_| true), "{line}");
        }
        assert_eq!(scan("list \\").1, Some(LexError::LoneBackslash { at: 5 }));
    }

    #[test]
    fn what_is_opened_must_be_closed() {
        let table = [
            ("submit \"echo", LexError::OpenQuote { quote: '"', at: 7 }),
            ("a 'b", LexError::OpenQuote { quote: '\'', at: 2 }),
            ("é \"", LexError::OpenQuote { quote: '"', at: 3 }),
            ("a\\", LexError::LoneBackslash { at: 1 }),
            ("!> a 'b", LexError::OpenQuote { quote: '\'', at: 5 }),
        ];
        for (line, error) in table {
            assert_eq!(lex(line), Err(error), "{line:?}");
        }
        assert_eq!(lex("a \"b").unwrap_err().to_string(), "the quote \" at column 3 is not closed");
    }
}
