//! Words of the line with their places, for colours, completion and advice.
//!
//! This reads what is being typed and therefore never fails; what the command layer accepts is its
//! own business. Which part of the line says something is asked of its lexer.

use crate::command::said;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
    /// The word without its quotes.
    pub word: String,
    /// The quote that was not closed.
    pub open: Option<char>,
}

/// Splits a line at blanks outside of quotes; a copied prompt and a comment are no words.
#[must_use]
pub fn tokens(line: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let (mut inside, mut escaped) = (false, false);
    let said = said(line);
    for (at, c) in line[said.clone()].char_indices().map(|(at, c)| (said.start + at, c)) {
        let quote = if inside { found.last().and_then(|t| t.open) } else { None };
        if !escaped && quote.is_none() && c.is_whitespace() {
            inside = false;
            continue;
        }
        if !inside {
            found.push(Token { start: at, end: at, word: String::new(), open: None });
            inside = true;
        }
        let Some(token) = found.last_mut() else { continue };
        token.end = at + c.len_utf8();
        match (escaped, quote, c) {
            (true, _, _) => {
                escaped = false;
                token.word.push(c);
            }
            (_, None | Some('"'), '\\') => escaped = true,
            (_, None, '"' | '\'') => token.open = Some(c),
            (_, Some(open), _) if open == c => token.open = None,
            _ => token.word.push(c),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_places() {
        type Placed = &'static [(usize, usize, &'static str)];
        let table: [(&str, Placed); 9] = [
            ("", &[]),
            ("  list  ", &[(2, 6, "list")]),
            (r#"submit "a b" --x=1"#, &[(0, 6, "submit"), (7, 12, "a b"), (13, 18, "--x=1")]),
            (r"a\ b #c", &[(0, 4, "a b"), (5, 7, "#c")]),
            ("a'b c'd", &[(0, 7, "ab cd")]),
            ("日 本", &[(0, 3, "日"), (4, 7, "本")]),
            ("!> list # all", &[(3, 7, "list")]),
            ("job '#' #1 #", &[(0, 3, "job"), (4, 7, "#"), (8, 10, "#1")]),
            ("# it's nothing", &[]),
        ];
        for (line, expected) in table {
            let found = tokens(line);
            let found: Vec<_> = found.iter().map(|t| (t.start, t.end, t.word.as_str())).collect();
            assert_eq!(found, expected, "{line:?}");
        }
        assert_eq!(tokens("submit \"a b").last().and_then(|t| t.open), Some('"'));
        assert_eq!(tokens("submit 'a' b").last().and_then(|t| t.open), None);
    }
}
