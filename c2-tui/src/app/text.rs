//! Fitting text into cells: width, cuts, and the sanitizing of what could move the cursor.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::app::pager;

/// Cells that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The longest beginning of `text` that fits `cells`.
pub(crate) fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > cells {
            return &text[..at];
        }
    }
    text
}

/// The longest end of `text` that fits `cells`.
pub(crate) fn tail(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > cells {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// `text` in at most `cells`, with `sign` at its end where it was cut.
pub(crate) fn cut_end(text: &str, cells: usize, sign: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    format!("{}{sign}", head(text, cells - 1))
}

/// `text` in at most `cells`, with `sign` behind the last word that has room.
pub(crate) fn cut_words(text: &str, cells: usize, sign: &str) -> String {
    let cut = cut_end(text, cells, sign);
    let whole = cut.strip_suffix(sign).filter(|_| cut != text).and_then(|start| {
        let goes_on = text[start.len()..].starts_with(|c: char| !c.is_whitespace());
        if goes_on { start.rfind(' ').map(|at| start[..at].trim_end_matches([' ', ',', ';', ':'])) } else { None }
    });
    whole.map(|whole| format!("{whole}{sign}")).unwrap_or(cut)
}

/// `text` in at most `cells`, with `sign` in its middle where it was cut: both the program and the
/// last argument of a long command say more than what lies between them.
pub(crate) fn cut_middle(text: &str, cells: usize, sign: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells < 5 {
        return cut_end(text, cells, sign);
    }
    let front = head(text, (cells - 1).div_ceil(2));
    let back = tail(text, cells - 1 - width(front));
    format!("{front}{sign}{back}")
}

/// A line in pieces of at most so many cells, cut anywhere: a command is to be read as it stands.
pub(crate) fn folded(line: &str, cells: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    loop {
        let piece = head(rest, cells);
        // Where not even one character has room, all stands on one line.
        let piece = if piece.is_empty() { rest } else { piece };
        pieces.push(piece);
        rest = &rest[piece.len()..];
        if rest.is_empty() {
            return pieces;
        }
    }
}

/// Lines of whole words, each at most so many cells wide unless a single word is wider.
pub(crate) fn wrapped(text: &str, cells: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= cells => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// One line for a cell: nothing that anybody says can move the cursor or swap letters. What the pager shows of it is
/// the same, but that here line ends and tabs are blanks.
pub(crate) fn sanitize(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return text.to_owned();
    }
    pager::printable(&text.replace(['\n', '\t'], " "))
}

/// Text of several lines for the pager: as [`sanitize`], with tabs at every eighth column.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(pager::printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts() {
        let table = [
            ("short", 10, "short", "short"),
            ("python train.py --epochs 90", 15, "python train.p~", "python ~ochs 90"),
            ("日本語テキスト", 7, "日本語~", "日~スト"),
            ("abcdef", 3, "ab~", "ab~"),
            ("abcdef", 0, "", ""),
        ];
        for (text, cells, end, middle) in table {
            assert_eq!(cut_end(text, cells, "~"), end, "{text}");
            assert_eq!(cut_middle(text, cells, "~"), middle, "{text}");
            assert!(width(middle) <= cells);
        }
    }

    #[test]
    fn words_are_cut_between_them() {
        let table = [
            ("List the jobs, all of them", 40, "List the jobs, all of them"),
            ("List the jobs, all of them", 17, "List the jobs~"),
            ("List the jobs, all of them", 14, "List the~"),
            ("List the jobs", 9, "List the~"),
            ("Unbreakable", 5, "Unbr~"),
            ("", 5, ""),
        ];
        for (text, cells, cut) in table {
            assert_eq!(cut_words(text, cells, "~"), cut, "{text} in {cells}");
        }
    }

    #[test]
    fn folds() {
        assert_eq!(folded("make -C /src", 5), ["make ", "-C /s", "rc"]);
        assert_eq!(folded("日本語", 4), ["日本", "語"]);
        assert_eq!((folded("", 5), folded("日", 1)), (vec![""], vec!["日"]));
    }

    #[test]
    fn nothing_escapes() {
        assert_eq!(sanitize("a\x1b[2Jb\r\nc\u{202e}d"), "ab cd");
        assert_eq!(lines("a\tb\n\x07x\u{1}"), ["a       b", "x\u{fffd}"]);
        for hostile in
            ["a\x1b[31mb\x1b[0m", "\x1b]52;c;QQ==\x07x", "a\x07\u{1}\u{7f}b", "tab\tb", "\u{202e}abc", "日本"]
        {
            let paged = pager::Pager::new(hostile.as_bytes()).lines();
            assert_eq!(lines(hostile), paged, "a page and the pager show {hostile:?} alike");
        }
    }
}
