//! Makes foreign text harmless for a terminal: commands, names and outputs come from elsewhere,
//! and an escape sequence in them could write to the clipboard, move the cursor or fake a line.

use std::fmt::Write as _;

/// Foreign text as part of one line: every control character becomes visible as `\u001b`. The form
/// is that of JSON, so that a JSON document stays the same document.
pub(crate) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut safe, c));
    safe
}

/// Foreign output as lines: line ends, tabs and colours stay, everything else as in [`cell`].
/// A lone carriage return, with which a line could be overwritten, becomes a line end.
pub(crate) fn block(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len());
    let mut coloured = false;
    let mut rest = text.as_ref();
    while let Some(c) = rest.chars().next() {
        let colours = colour_len(rest);
        if colours > 0 {
            safe.push_str(&rest[..colours]);
            coloured = true;
            rest = &rest[colours..];
            continue;
        }
        match c {
            '\r' if rest.starts_with("\r\n") => {}
            '\r' | '\n' => safe.push('\n'),
            '\t' => safe.push('\t'),
            other => push(&mut safe, other),
        }
        rest = &rest[c.len_utf8()..];
    }
    if coloured {
        // Colours that were left on would tint the prompt.
        safe.push_str("\x1b[0m");
    }
    safe
}

fn push(safe: &mut String, c: char) {
    // Marks of writing direction reorder what stands beside them.
    let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || direction {
        let _ = write!(safe, "\\u{:04x}", u32::from(c));
    } else {
        safe.push(c);
    }
}

/// The length of a colour sequence (`ESC [ numbers m`) at the beginning of `text`, else 0.
fn colour_len(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else { return 0 };
    let digits = parameters.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b';' | b':')).count();
    if parameters.as_bytes().get(digits) == Some(&b'm') { 2 + digits + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_one_visible_line() {
        let table = [
            ("plain ü 漢", "plain ü 漢"),
            ("a\nb\tc\rd", "a\\u000ab\\u0009c\\u000dd"),
            ("\x1b]52;c;aGk=\x07", "\\u001b]52;c;aGk=\\u0007"),
            ("\x1b[31mred", "\\u001b[31mred"),
            ("\u{9b}2J\u{7f}", "\\u009b2J\\u007f"),
            ("a\u{202e}b", "a\\u202eb"),
        ];
        for (text, expected) in table {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn blocks_keep_lines_and_colours() {
        let table: [(&[u8], &str); 8] = [
            (b"a\n\tb\r\nc", "a\n\tb\nc"),
            (b"10%\r20%\r\n", "10%\n20%\n"),
            (b"\x1b[1;31mred\x1b[m", "\x1b[1;31mred\x1b[m\x1b[0m"),
            (b"\x1b[38:5:9mx", "\x1b[38:5:9mx\x1b[0m"),
            (b"\x1b[2J\x1b[H", "\\u001b[2J\\u001b[H"),
            (b"\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            (b"\x1b[", "\\u001b["),
            (b"\xff\x9b1m", "\u{fffd}\u{fffd}1m"),
        ];
        for (bytes, expected) in table {
            assert_eq!(block(bytes), expected);
        }
    }
}
