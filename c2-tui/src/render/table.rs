//! Aligned columns without borders: for rows under a header, and for names beside values.
//!
//! Columns that say nothing in any row are left out. When the width is short, flexible columns are
//! cut in their middle, because the ends of a command tell most about it.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::render::look::{Look, Style};
use crate::render::sanitize;

/// Rows under a header.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// What stands over a column, and how it is treated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    right: bool,
    flexible: bool,
    dispensable: bool,
}

/// A text with its style; foreign text is made harmless here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

/// Between two columns.
pub(crate) const GAP: &str = "  ";
/// No cell is wider: one that a worker filled must not pad all rows.
const CELL_MAX: usize = 240;
/// A flexible column is not cut below this.
const FLEXIBLE_MIN: usize = 12;

pub(crate) const fn words(title: &'static str) -> Column {
    Column { title, right: false, flexible: false, dispensable: false }
}

pub(crate) const fn numbers(title: &'static str) -> Column {
    Column { title, right: true, flexible: false, dispensable: false }
}

/// A column of words that gives way when there is too little room.
pub(crate) const fn flexible(title: &'static str) -> Column {
    Column { title, right: false, flexible: true, dispensable: false }
}

impl Column {
    /// The same, left out where the others would not fit otherwise.
    pub(crate) const fn dispensable(self) -> Self {
        Self { dispensable: true, ..self }
    }
}

impl Cell {
    pub(crate) fn styled(text: impl AsRef<str>, style: impl Into<Style>) -> Self {
        Self { text: shortened(sanitize::cell(text.as_ref())), style: style.into() }
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(CELL_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::Plain)
    }
}

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether all columns have the width that they would like.
    pub(crate) fn fits(&self, look: &Look) -> bool {
        let shown = || (0..self.columns.len()).filter(|i| self.rows.iter().any(|row| !row[*i].text.is_empty()));
        shown().map(|i| self.natural(i) + GAP.len()).sum::<usize>() <= usize::from(look.width) + GAP.len()
    }

    /// Writes header and rows, each ending in a line end.
    pub(crate) fn render(&self, look: &Look) -> String {
        let mut shown: Vec<usize> =
            (0..self.columns.len()).filter(|i| self.rows.iter().any(|row| !row[*i].text.is_empty())).collect();
        while self.least(&shown) > look.width.into()
            && let Some(at) = shown.iter().rposition(|i| self.columns[*i].dispensable)
        {
            shown.remove(at);
        }
        let widths = self.widths(&shown, look.width.into());
        let mut text = String::new();
        let header: Vec<Cell> = self.columns.iter().map(|c| Cell::styled(c.title, Style::Head)).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            self.line(&mut text, row, &shown, &widths, look);
        }
        text
    }

    /// The width that a column would like to have.
    fn natural(&self, i: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[i].text.width());
        cells.max().unwrap_or(0).max(self.columns[i].title.width())
    }

    /// The width that these columns have when the flexible ones have given way.
    fn least(&self, shown: &[usize]) -> usize {
        let least = |i: usize| match self.columns[i].flexible {
            true => self.natural(i).min(FLEXIBLE_MIN),
            false => self.natural(i),
        };
        shown.iter().map(|i| least(*i)).sum::<usize>() + GAP.len() * shown.len().saturating_sub(1)
    }

    /// The width of each column that is shown; flexible ones give way.
    fn widths(&self, shown: &[usize], limit: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = shown.iter().map(|i| self.natural(*i)).collect();
        let total = widths.iter().sum::<usize>() + GAP.len() * shown.len().saturating_sub(1);
        let mut excess = total.saturating_sub(limit);
        // The widest gives first, so that short words stay whole for as long as they can.
        while excess > 0 {
            let gives = |at: &usize| self.columns[shown[*at]].flexible && widths[*at] > FLEXIBLE_MIN;
            let Some(widest) = (0..shown.len()).filter(gives).max_by_key(|at| widths[*at]) else { break };
            widths[widest] -= 1;
            excess -= 1;
        }
        widths
    }

    fn line(&self, text: &mut String, row: &[Cell], shown: &[usize], widths: &[usize], look: &Look) {
        for (at, (i, width)) in shown.iter().zip(widths).enumerate() {
            let cell = &row[*i];
            let cut = cut_middle(&cell.text, *width);
            let padding = " ".repeat(width.saturating_sub(cut.width()));
            let painted = look.paint(cell.style, &cut);
            let last = at + 1 == shown.len();
            match (self.columns[*i].right, last) {
                (true, _) => text.extend([padding.as_str(), &painted]),
                (false, true) => text.push_str(&painted),
                (false, false) => text.extend([painted.as_str(), &padding]),
            }
            if !last {
                text.push_str(GAP);
            }
        }
        let end = text.trim_end_matches(' ').len();
        text.truncate(end);
        text.push('\n');
    }
}

/// Names beside values; pairs without a value are left out. Values are foreign text.
pub(crate) fn fields(look: &Look, pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.width()).max().unwrap_or(0);
    let lines = pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
        let padding = " ".repeat(width - name.width());
        format!("{}{padding}  {}\n", look.paint(Style::Head, name), sanitize::cell(value))
    });
    lines.collect()
}

/// The lines of a text of so many columns, broken at blanks.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sanitize::cell(text).split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            *line = format!("{line} {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Shortens a text to so many columns, with an ellipsis in place of its middle.
fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let head = take(text.chars(), room - room / 2);
    let tail: String = take(text.chars().rev(), room / 2).chars().rev().collect();
    format!("{head}…{tail}")
}

/// The first characters that fit.
fn take(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn look(width: u16, colour: bool) -> Look {
        Look { width, colour, zone: || TimeZone::UTC }
    }

    fn table() -> Table {
        let mut table = Table::new([words("JOB"), words("NAME"), numbers("TOOK"), flexible("COMMAND")]);
        table.row(["job-1", "", "3.2s", "echo hello"].map(Cell::from));
        table.row(["job-12", "", "12s", "python train.py --epochs 100"].map(Cell::from));
        table
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        assert_eq!(
            table().render(&look(u16::MAX, false)),
            "JOB     TOOK  COMMAND\n\
             job-1   3.2s  echo hello\n\
             job-12   12s  python train.py --epochs 100\n"
        );
    }

    #[test]
    fn a_flexible_column_is_cut_in_the_middle() {
        assert_eq!(
            table().render(&look(30, false)),
            "JOB     TOOK  COMMAND\n\
             job-1   3.2s  echo hello\n\
             job-12   12s  python t…chs 100\n"
        );
        assert!(table().render(&look(1, false)).contains("python…s 100"));
    }

    #[test]
    fn the_widest_gives_way_first() {
        let mut table = Table::new([flexible("A"), flexible("B"), words("C")]);
        table.row(["short words here", "a much longer command that says a lot", "x"].map(Cell::from));
        let seen = table.render(&look(40, false));
        assert_eq!(seen.lines().last(), Some("short words here  a much lo…ays a lot  x"));
    }

    #[test]
    fn what_can_be_spared_goes_before_anything_falls_off() {
        let columns = [words("A"), words("B").dispensable(), words("C").dispensable(), flexible("D")];
        let mut table = Table::new(columns);
        table.row(["aaaa", "bbbb", "cccc", "a command of some length"].map(Cell::from));
        let head =
            |width| table.render(&look(width, false)).lines().next().unwrap().split_whitespace().collect::<String>();
        assert_eq!((head(80), head(30), head(29), head(23)), ("ABCD".into(), "ABCD".into(), "ABD".into(), "AD".into()));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut table = Table::new([words("A"), words("B")]);
        table.row([Cell::styled("x", Style::Good), "y".into()]);
        let expected = "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[32mx\x1b[0m  y\n";
        assert_eq!(table.render(&look(80, true)), expected);
    }

    #[test]
    fn foreign_text_cannot_leave_its_cell() {
        let mut table = Table::new([words("A")]);
        table.row([Cell::from("x\n\x1b[2Jy")]);
        assert_eq!(table.render(&look(80, false)), "A\nx\\u000a\\u001b[2Jy\n");
    }

    #[test]
    fn wide_characters_are_cut_whole() {
        let table = [("漢漢漢", 6, "漢漢漢"), ("漢漢漢", 5, "漢…漢"), ("漢漢漢", 4, "漢…"), ("abc", 1, "…")];
        for (text, width, expected) in table {
            assert_eq!(cut_middle(text, width), expected);
        }
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let pairs = [("name", String::new()), ("state", "queued".to_owned()), ("os", "x\ny".to_owned())];
        assert_eq!(fields(&look(80, false), &pairs), "state  queued\nos     x\\u000ay\n");
    }
}
