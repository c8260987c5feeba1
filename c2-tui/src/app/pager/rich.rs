//! One line as a terminal would show it: colours, tabs, overwriting by CR and BS; nothing else that
//! a program wrote has any effect.
//!
//! A line is a row of cells, one a column; a wide character takes two of which the second is empty.
//! Looks start anew with each line. Cursor moves, titles, clipboards, links and device strings are
//! swallowed; bytes that are no UTF-8 become U+FFFD.

use unicode_width::UnicodeWidthChar as _;
use vte::{Params, Parser, Perform};

use super::look::{Ink, Look, extended, indexed, ink, mark};
use crate::app::text;

/// Columns of a line; what lies behind them is not shown.
const COLUMNS_MAX: usize = 200_000;
/// Bytes of a long line that are looked at before it is seen whether they are enough.
const PIECE: usize = 4 * 1024;
/// Columns between two tab stops.
const TAB: usize = 8;

/// One column of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// The character with its combining marks; empty behind a wide one.
    pub(crate) text: String,
    pub(crate) look: Look,
}

pub(super) fn cells(line: &[u8]) -> Vec<Cell> {
    let mut sheet = Sheet::default();
    let mut parser = Parser::new();
    parser.advance(&mut sheet, line);
    // A character that was cut short shows itself when something else follows.
    parser.advance(&mut sheet, b"\n");
    sheet.cells
}

/// The cells of a line as far as so many columns, and a few more; all of them where what comes later may
/// overwrite these.
pub(super) fn beginning(line: &[u8], columns: usize) -> Vec<Cell> {
    let has = |byte: u8| line.contains(&byte);
    if line.len() <= PIECE.saturating_add(columns) || has(b'\r') || has(0x08) || (has(0x1b) && has(b'K')) {
        return cells(line);
    }
    let mut sheet = Sheet::default();
    let mut parser = Parser::new();
    for piece in line.chunks(PIECE) {
        parser.advance(&mut sheet, piece);
        if sheet.cells.len() >= columns {
            return sheet.cells;
        }
    }
    parser.advance(&mut sheet, b"\n");
    sheet.cells
}

/// The text of a line in which there is nothing but text and colours, without the colours. Searches
/// look at every line, and going through cells would cost many times as much.
pub(super) fn without_colours(line: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(escape) = rest.iter().position(|b| *b < b' ' || *b == 0x7f) {
        text.extend_from_slice(&rest[..escape]);
        let numbers = rest[escape..].strip_prefix(b"\x1b[")?;
        let end = numbers.iter().position(|b| !matches!(b, b'0'..=b';'))?;
        rest = numbers[end..].strip_prefix(b"m")?;
    }
    text.extend_from_slice(rest);
    Some(text)
}

/// Whether a line must be looked at cell by cell to know its text.
pub(super) fn is_rich(line: &[u8]) -> bool {
    line.iter().any(|b| matches!(b, 0x1b | 0x08 | b'\r' | b'\t'))
}

/// The text of cells, and for each cell the byte at which it starts.
pub(super) fn plain(cells: &[Cell]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(cells.len());
    let starts = cells.iter().map(|cell| {
        let at = text.len();
        text.push_str(&cell.text);
        at
    });
    let starts = starts.collect();
    (text, starts)
}

#[derive(Default)]
struct Sheet {
    cells: Vec<Cell>,
    at: usize,
    look: Look,
    /// Whether the cursor was moved back by one, as overstriking does.
    struck: bool,
}

impl Sheet {
    fn put(&mut self, c: char, width: usize) {
        if self.at + width > COLUMNS_MAX {
            return;
        }
        let end = self.at + width;
        if self.cells.len() < end {
            self.cells.resize_with(end, || Cell { text: " ".to_owned(), look: Look::default() });
        }
        // Half of a wide character that is overwritten takes the other half with it.
        if self.cells[self.at].text.is_empty() && self.at > 0 {
            self.cells[self.at - 1].text = " ".to_owned();
        }
        if self.cells.get(end).is_some_and(|cell| cell.text.is_empty()) {
            self.cells[end].text = " ".to_owned();
        }
        let mut look = self.look;
        if look.fg == look.bg {
            // Text in the colour of its ground is there to be missed.
            (look.fg, look.bg) = (Ink::Plain, Ink::Plain);
        }
        if std::mem::take(&mut self.struck) {
            let below = &self.cells[self.at].text;
            if below == "_" && c != '_' {
                look.marks |= Look::UNDERLINE;
            } else if below.starts_with(c) {
                look.marks |= Look::BOLD;
            }
        }
        self.cells[self.at] = Cell { text: c.to_string(), look };
        for cell in &mut self.cells[self.at + 1..end] {
            *cell = Cell { text: String::new(), look };
        }
        self.at = end;
    }

    /// Puts a mark over the character before.
    fn combine(&mut self, c: char) {
        if let Some(cell) = self.cells[..self.at].iter_mut().rev().find(|cell| !cell.text.is_empty())
            && cell.text.len() < 64
        {
            cell.text.push(c);
        }
    }

    fn colours(&mut self, params: &Params) {
        let mut params = params.iter();
        while let Some(param) = params.next() {
            let code = param.first().copied().unwrap_or(0);
            match code {
                0 => self.look = Look::default(),
                1..=9 => self.look.marks |= mark(code),
                21 => self.look.marks |= Look::UNDERLINE,
                22 => self.look.marks &= !(Look::BOLD | Look::DIM),
                23..=29 => self.look.marks &= !mark(code - 20),
                30..=37 => self.look.fg = indexed(code - 30),
                90..=97 => self.look.fg = indexed(code - 90 + 8),
                39 => self.look.fg = Ink::Plain,
                40..=47 => self.look.bg = indexed(code - 40),
                100..=107 => self.look.bg = indexed(code - 100 + 8),
                49 => self.look.bg = Ink::Plain,
                38 | 48 => {
                    let more: Vec<u16> = match param.len() {
                        1 => extended(|| params.next().and_then(|p| p.first().copied())),
                        _ => param[1..].to_vec(),
                    };
                    if let Some(ink) = ink(&more) {
                        if code == 38 { self.look.fg = ink } else { self.look.bg = ink }
                    }
                }
                _ => {}
            }
        }
    }
}

impl Perform for Sheet {
    fn print(&mut self, c: char) {
        // Direction overrides would swap letters on the screen, and a variation selector would
        // change a width that was already counted.
        if matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fe0f}')
        {
            return;
        }
        match c.width() {
            None => self.put('\u{fffd}', 1),
            Some(0) => self.combine(c),
            Some(width) => self.put(c, width),
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => {
                let stop = (self.at / TAB + 1) * TAB;
                while self.at < stop.min(COLUMNS_MAX) {
                    self.put(' ', 1);
                }
            }
            b'\r' => self.at = 0,
            0x08 => {
                self.at = self.at.saturating_sub(1);
                self.struck = true;
            }
            b'\n' | 0x07 | 0x0e | 0x0f | 0 => {}
            _ => self.put('\u{fffd}', 1),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        match action {
            'm' if intermediates.is_empty() && !ignore => self.colours(params),
            // Progress bars rub out the rest of the line that they overwrite.
            'K' if intermediates.is_empty() && params.iter().all(|p| p == [0]) => self.cells.truncate(self.at),
            _ => {}
        }
    }
}

/// The cells in a window of columns. Half of a wide character at either edge is a blank.
pub(super) fn window(cells: &[Cell], left: usize, width: usize) -> Vec<Cell> {
    let end = left.saturating_add(width).min(cells.len());
    let mut shown = cells.get(left.min(end)..end).unwrap_or_default().to_vec();
    if let Some(first) = shown.first_mut().filter(|cell| cell.text.is_empty()) {
        first.text = " ".to_owned();
    }
    if let Some(last) = shown.last_mut().filter(|_| cells.get(end).is_some_and(|next| next.text.is_empty())) {
        last.text = " ".to_owned();
    }
    shown
}

/// Text without any look, as it can be copied.
pub(crate) fn to_text(line: &[u8]) -> String {
    if is_rich(line) {
        return plain(&cells(line)).0.trim_end().to_owned();
    }
    text::sanitize(&String::from_utf8_lossy(line))
}

/// A line that is no output as the same renderer shows it, but for what moves the cursor: nothing is overwritten in what
/// is read to know what it says.
pub(crate) fn printable(line: &str) -> String {
    let still: String = line.chars().filter(|c| !matches!(c, '\r' | '\u{8}')).collect();
    plain(&cells(still.as_bytes())).0
}

#[cfg(test)]
mod tests {
    use super::super::wrap::Wrap;
    use super::*;

    fn shown(line: &[u8]) -> String {
        plain(&cells(line)).0
    }

    #[test]
    fn the_beginning_of_a_long_line_is_that_of_the_whole() {
        let long = |piece: &str| piece.repeat(20_000 / piece.len()).into_bytes();
        for line in [long("0123456789"), long("a\x1b[31mb\tc\u{65e5}"), long("10%\r20%"), long("xK"), b"short".to_vec()]
        {
            let (all, some) = (cells(&line), beginning(&line, 300));
            assert_eq!(some[..some.len().min(300)], all[..all.len().min(300)]);
        }
        assert!(beginning(&long("0123456789"), 300).len() <= PIECE);
    }

    #[test]
    fn only_colours_and_overwriting_have_an_effect() {
        let table: [(&[u8], &str); 22] = [
            (b"plain", "plain"),
            (b"a\tb\tc", "a       b       c"),
            (b"10%\r20%\r100%", "100%"),
            (b"downloading\r\x1b[Kdone", "done"),
            (b"windows\r", "windows"),
            (b"ab\x08c", "ac"),
            (b"\x08\x08x", "x"),
            (b"\x1b[31mred\x1b[0m", "red"),
            (b"a\x1b[2J\x1b[10;10Hb\x1b[5Ac", "abc"),
            (b"a\x1b]0;title\x07b", "ab"),
            (b"a\x1b]52;c;aGVsbG8=\x1b\\b", "ab"),
            (b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
            (b"a\x1bP1$qm\x1b\\b", "ab"),
            (b"a\x1b[?1049hb\x1b[?25l", "ab"),
            (b"a\x1b(0b\x1b7\x1b8\x1bc", "ab"),
            (b"a\x1b]52;never ends", "a"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            (b"cut \xe6\x97", "cut \u{fffd}"),
            ("c1 \u{9b}31m".as_bytes(), "c1 \u{fffd}31m"),
            ("swap \u{202e}ped".as_bytes(), "swap ped"),
            (b"bell\x07 vt\x0b nul\0.", "bell vt\u{fffd} nul."),
            ("e\u{301}\u{301}".as_bytes(), "e\u{301}\u{301}"),
        ];
        for (line, text) in table {
            assert_eq!(shown(line), text, "{:?}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn the_short_way_to_the_text_is_the_same() {
        let table: [&[u8]; 6] = [
            b"plain",
            b"\x1b[31mred\x1b[0m",
            b"\x1b[38;2;1;2;3mx\x1b[m y",
            b"\x1b[38:2::1:2:3mx",
            b"",
            "日\x1b[1m本".as_bytes(),
        ];
        for line in table {
            assert_eq!(without_colours(line).as_deref(), Some(shown(line).as_bytes()));
        }
        for line in [&b"a\tb"[..], b"a\rb", b"a\x1b[2Kb", b"a\x1b]0;t\x07b", b"a\x1b", b"a\x1b[", b"\x7f"] {
            assert_eq!(without_colours(line), None, "{line:?}");
        }
    }

    #[test]
    fn looks() {
        let look = |fg, bg, marks| Look { fg, bg, marks };
        use Ink::{Indexed, Plain, Rgb};
        let table: [(&[u8], Look); 14] = [
            (b"\x1b[31mx", look(Indexed(1), Plain, 0)),
            (b"\x1b[1;92;44mx", look(Indexed(10), Indexed(4), Look::BOLD)),
            (b"\x1b[38;5;208mx", look(Indexed(208), Plain, 0)),
            (b"\x1b[38;2;1;2;3;48;5;9mx", look(Rgb(1, 2, 3), Indexed(9), 0)),
            (b"\x1b[38:2::1:2:3mx", look(Rgb(1, 2, 3), Plain, 0)),
            (b"\x1b[38:5:7mx", look(Indexed(7), Plain, 0)),
            (b"\x1b[38;5mx", look(Plain, Plain, 0)),
            (b"\x1b[38;2;300;0;0mx", look(Plain, Plain, 0)),
            (b"\x1b[3;4;7;9mx", look(Plain, Plain, Look::ITALIC | Look::UNDERLINE | Look::REVERSE | Look::STRIKE)),
            (b"\x1b[1;2m\x1b[22mx", look(Plain, Plain, 0)),
            (b"\x1b[31m\x1b[mx", look(Plain, Plain, 0)),
            (b"\x1b[31m\x1b[39mx", look(Plain, Plain, 0)),
            (b"_\x08x", look(Plain, Plain, Look::UNDERLINE)),
            (b"x\x08x", look(Plain, Plain, Look::BOLD)),
        ];
        for (line, look) in table {
            assert_eq!(cells(line)[0].look, look, "{:?}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn wide_characters_are_never_split() {
        let line = cells("日本語x".as_bytes());
        assert_eq!(line.len(), 7);
        let cut = |left, width| plain(&window(&line, left, width)).0;
        assert_eq!([cut(0, 3), cut(1, 3), cut(1, 4), cut(6, 9), cut(9, 9)], ["日 ", " 本", " 本 ", "x", ""]);
        let wrap =
            |width| Wrap { width, between_words: false }.parts(&line).iter().map(|p| p.start).collect::<Vec<_>>();
        assert_eq!((wrap(3), wrap(4)), (vec![0, 2, 4], vec![0, 4]));
        assert_eq!(plain(&cells("日\rx".as_bytes())).0, "x ", "half of it takes the whole with it");
        assert_eq!(plain(&cells("日\x08x".as_bytes())).0, " x");
    }

    #[test]
    fn hostile_lines_stay_small() {
        assert!(cells(&vec![b'\t'; 128 * 1024]).len() <= COLUMNS_MAX);
        let marks = "a".to_owned() + &"\u{301}".repeat(10_000);
        assert!(cells(marks.as_bytes())[0].text.len() < 100);
    }
}
