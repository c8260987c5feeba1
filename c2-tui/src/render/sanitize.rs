//! Makes foreign text harmless for a terminal: commands, names and outputs come from elsewhere,
//! and an escape sequence in them could write to the clipboard, move the cursor or fake a line.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

/// Colour sequences that are remembered for a character; a terminal needs no more at once.
const COLOURS_BYTES_MAX: usize = 256;

/// Foreign text as part of one line: every control character becomes visible as `\u001b`. The form
/// is that of JSON, so that a JSON document stays the same document.
pub(crate) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut safe, c));
    safe
}

/// Foreign output as lines: line ends, tabs and colours stay, everything else as in [`cell`]. A line
/// that overwrites itself, as a progress bar does, is as a terminal leaves it.
pub(crate) fn block(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut safe = String::with_capacity(text.len());
    let mut coloured = false;
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end_matches(['\r', '\n']);
        coloured |= push_line(&mut safe, &overwritten(shown));
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
fn push_line(safe: &mut String, line: &str) -> bool {
    let (mut rest, mut coloured) = (line, false);
    while let Some(c) = rest.chars().next() {
        let length = colour_len(rest);
        if length > 0 {
            safe.push_str(&rest[..length]);
            coloured = true;
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
    // Marks of writing direction reorder what stands beside them.
    let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || direction {
        let _ = write!(safe, "\\u{:04x}", u32::from(c));
    } else {
        safe.push(c);
    }
}

/// The length of a colour sequence (`ESC [ numbers m`) at the beginning of `text`, else 0. One that
/// makes text invisible is no colour.
fn colour_len(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else { return 0 };
    let digits = parameters.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b';' | b':')).count();
    let (numbers, rest) = parameters.split_at(digits);
    if rest.starts_with('m') && !hides(numbers) { 2 + digits + 1 } else { 0 }
}

/// Whether text would be concealed, or written in the colour that is behind it.
fn hides(numbers: &str) -> bool {
    let mut numbers = numbers.split([';', ':']).map(|number| number.parse::<u16>().unwrap_or(0));
    let (mut text, mut behind) = (None, None);
    while let Some(number) = numbers.next() {
        match number {
            8 => return true,
            // Of a palette, or three numbers of one's own.
            38 | 48 => {
                let length = if numbers.next() == Some(5) { 1 } else { 3 };
                let colour: Vec<u16> = numbers.by_ref().take(length).collect();
                *(if number == 38 { &mut text } else { &mut behind }) = Some(colour);
            }
            30..=37 | 90..=97 => text = Some(vec![number % 10 + if number < 90 { 0 } else { 8 }]),
            40..=47 | 100..=107 => behind = Some(vec![number % 10 + if number < 100 { 0 } else { 8 }]),
            _ => {}
        }
    }
    text.is_some() && text == behind
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
        let table: [(&[u8], &str); 16] = [
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
            (b"\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            (b"\x1b[", "\\u001b["),
            (b"\xff\x9b1m", "\u{fffd}\u{fffd}1m"),
        ];
        for (bytes, expected) in table {
            assert_eq!(block(bytes), expected);
        }
    }
}
