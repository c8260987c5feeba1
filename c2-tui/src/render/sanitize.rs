//! Makes foreign text harmless for a terminal: commands, names and outputs come from elsewhere,
//! and an escape sequence in them could write to the clipboard, move the cursor or fake a line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

use c2_shared::plain;

/// Colour sequences that are remembered for a character; a terminal needs no more at once.
const COLOURS_BYTES_MAX: usize = 256;

/// Foreign text as part of one line: every control character becomes visible as `\u001b`. The form
/// is that of JSON, so that a JSON document stays the same document.
pub(crate) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut safe, c));
    safe
}

/// Foreign output as lines: line ends, tabs and colours stay, but for those that hide text; everything else as
/// in [`cell`]. A line that overwrites itself, as a progress bar does, is as a terminal leaves it.
pub(crate) fn block(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len());
    let (mut ink, mut coloured) = (Ink::default(), false);
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end_matches(['\r', '\n']);
        coloured |= push_line(&mut safe, &overwritten(shown), &mut ink);
        // A part of an output may end behind a carriage return.
        safe.push_str(if shown.len() < line.len() { "\n" } else { "" });
    }
    if coloured {
        // Colours that were left on would tint the prompt.
        safe.push_str("\x1b[0m");
    }
    safe
}

/// What a terminal shows of a line in the end: what follows a carriage return stands over what came
/// before it. Escape sequences other than colours keep their place as characters.
pub(crate) fn overwritten(line: &str) -> Cow<'_, str> {
    if !line.contains('\r') {
        return Cow::Borrowed(line);
    }
    // Each character with the colours under which it was written.
    let mut cells: Vec<(Rc<str>, char)> = Vec::new();
    let (mut at, mut colours): (usize, Rc<str>) = (0, "".into());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let length = colour_len(rest);
        if length > 0 {
            let sequence = &rest[..length];
            let kept = if colours.len() < COLOURS_BYTES_MAX { &*colours } else { "" };
            let ends = ["\x1b[m", "\x1b[0m"].contains(&sequence);
            colours = if ends { "".into() } else { format!("{kept}{sequence}").into() };
        } else if c == '\r' {
            at = 0;
        } else {
            match cells.get_mut(at) {
                Some(cell) => *cell = (Rc::clone(&colours), c),
                None => cells.push((Rc::clone(&colours), c)),
            }
            at += 1;
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    let (mut shown, mut before) = (String::with_capacity(line.len()), Rc::from(""));
    for (colours, c) in cells {
        if colours != before {
            shown.push_str("\x1b[0m");
            shown.push_str(&colours);
            before = colours;
        }
        shown.push(c);
    }
    Cow::Owned(shown)
}

/// Writes a line; answers whether it has colours.
fn push_line(safe: &mut String, line: &str, ink: &mut Ink) -> bool {
    let (mut rest, mut coloured) = (line, false);
    while let Some(c) = rest.chars().next() {
        let length = colour_len(rest);
        if length > 0 {
            let (sequence, next) = (&rest[..length], ink.after(&rest[..length]));
            if next.hides() {
                sequence.chars().for_each(|c| push(safe, c));
            } else {
                safe.push_str(sequence);
                (*ink, coloured) = (next, true);
            }
        } else if c == '\t' {
            safe.push(c);
        } else {
            push(safe, c);
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    coloured
}

fn push(safe: &mut String, c: char) {
    if plain::acts(c) {
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
    if parameters[digits..].starts_with('m') { 2 + digits + 1 } else { 0 }
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
        let table: [(&[u8], &str); 23] = [
            (b"a\n\tb\r\nc", "a\n\tb\nc"),
            (b"10%\r20%\r\n", "20%\n"),
            (b"aaaa\rbb\nx\n", "bbaa\nx\n"),
            (b"10%\r", "10%\n"),
            (b"\r\rx\r\r\ny", "x\ny"),
            (b"\x1b[31mred\x1b[m\rb", "b\x1b[0m\x1b[31med\x1b[0m"),
            (b"ab\r\x1b]0;\x07", "\\u001b]0;\\u0007"),
            (b"\x1b[8mx", "\\u001b[8mx"),
            (b"\x1b[30;40mx", "\\u001b[30;40mx"),
            (b"\x1b[38;5;0;48;5;0mx", "\\u001b[38;5;0;48;5;0mx"),
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
