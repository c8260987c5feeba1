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

/// Foreign output as lines: line ends, tabs and colours stay, but for those that hide text; everything else as in [`cell`].
/// A lone carriage return, with which a line could be overwritten, becomes a line end.
pub(crate) fn block(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len());
    let mut coloured = false;
    let mut ink = Ink::default();
    let mut rest = text.as_ref();
    while let Some(c) = rest.chars().next() {
        let colours = colour_len(rest);
        if colours > 0 {
            let (sequence, behind) = rest.split_at(colours);
            let next = ink.after(sequence);
            if next.hides() {
                sequence.chars().for_each(|c| push(&mut safe, c));
            } else {
                safe.push_str(sequence);
                (ink, coloured) = (next, true);
            }
            rest = behind;
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

/// What of the colours in force could hide text.
#[derive(Clone, Debug, Default)]
struct Ink {
    concealed: bool,
    /// A colour as its kind and its numbers: those of a palette, or of a mixture.
    front: Option<Vec<u32>>,
    back: Option<Vec<u32>>,
}

impl Ink {
    /// What a colour sequence makes of it.
    fn after(&self, sequence: &str) -> Self {
        let mut ink = self.clone();
        let numbers = sequence.trim_start_matches("\x1b[").trim_end_matches('m').split([';', ':']);
        let mut numbers = numbers.map(|number| number.parse::<u32>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            let side = if matches!(number, 30..=39 | 90..=97) { &mut ink.front } else { &mut ink.back };
            match number {
                0 => ink = Self::default(),
                8 => ink.concealed = true,
                28 => ink.concealed = false,
                30..=37 | 40..=47 => *side = Some(vec![5, number % 10]),
                90..=97 | 100..=107 => *side = Some(vec![5, number % 10 + 8]),
                38 | 48 => {
                    let kind = numbers.next().unwrap_or(0);
                    let len = if kind == 2 { 3 } else { 1 };
                    *side = Some(std::iter::once(kind).chain(numbers.by_ref().take(len)).collect());
                }
                39 | 49 => *side = None,
                _ => {}
            }
        }
        ink
    }

    fn hides(&self) -> bool {
        self.concealed || self.front.is_some() && self.front == self.back
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
        let table: [(&[u8], &str); 15] = [
            (b"a\n\tb\r\nc", "a\n\tb\nc"),
            (b"10%\r20%\r\n", "10%\n20%\n"),
            (b"\x1b[1;31mred\x1b[m", "\x1b[1;31mred\x1b[m\x1b[0m"),
            (b"\x1b[38:5:9mx", "\x1b[38:5:9mx\x1b[0m"),
            (b"\x1b[2J\x1b[H", "\\u001b[2J\\u001b[H"),
            (b"a\x1b[8mb", "a\\u001b[8mb"),
            (b"\x1b[31;1;8mb\x1b[28mc", "\\u001b[31;1;8mb\x1b[28mc\x1b[0m"),
            (b"\x1b[30;40mb", "\\u001b[30;40mb"),
            (b"\x1b[41mb\x1b[31mc", "\x1b[41mb\\u001b[31mc\x1b[0m"),
            (b"\x1b[38;5;9;101mb", "\\u001b[38;5;9;101mb"),
            (b"\x1b[38;2;1;2;3mb\x1b[48;2;1;2;3mc", "\x1b[38;2;1;2;3mb\\u001b[48;2;1;2;3mc\x1b[0m"),
            (b"\x1b[30;41mb\x1b[0;40mc", "\x1b[30;41mb\x1b[0;40mc\x1b[0m"),
            (b"\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            (b"\x1b[", "\\u001b["),
            (b"\xff\x9b1m", "\u{fffd}\u{fffd}1m"),
        ];
        for (bytes, expected) in table {
            assert_eq!(block(bytes), expected);
        }
    }
}
