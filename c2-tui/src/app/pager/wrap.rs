//! Where a line that is longer than the screen goes on in the next row: anywhere in what a program wrote, as in
//! `less`, and between words in what the console says itself.

use super::rich::Cell;

/// Below this width words have no room for more.
const NARROW: usize = 16;

#[derive(Clone, Copy, Debug)]
pub(super) struct Wrap {
    pub(super) width: usize,
    pub(super) between_words: bool,
}

/// A row of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The column of the line at which it starts.
    pub(super) start: usize,
    /// Blanks in front of it.
    pub(super) indent: usize,
}

impl Wrap {
    /// The rows of a line.
    pub(super) fn parts(self, cells: &[Cell]) -> Vec<Part> {
        let width = self.width.max(2);
        let indent = if self.between_words { hang(cells, width) } else { 0 };
        let mut parts = vec![Part::default()];
        let (mut start, mut room) = (0, width);
        while cells.len() - start > room {
            let end = start + room;
            start = match between_words(cells, start, end).filter(|_| self.between_words) {
                Some(next) => next,
                // A wide character goes to the next row as a whole.
                None if cells[end].text.is_empty() => end - 1,
                None => end,
            };
            if start == cells.len() {
                break;
            }
            parts.push(Part { start, indent });
            room = width - indent;
        }
        parts
    }
}

fn is_blank(cell: &Cell) -> bool {
    cell.text == " "
}

/// Where the word starts that has no more room in a row.
fn between_words(cells: &[Cell], start: usize, end: usize) -> Option<usize> {
    let first = start + cells[start..end].iter().position(|cell| !is_blank(cell))?;
    let blank = first + cells[first..=end].iter().rposition(is_blank)?;
    Some(blank + cells[blank..].iter().position(|cell| !is_blank(cell)).unwrap_or(cells.len() - blank))
}

/// The column under which a line goes on: that of the explanation beside a name, otherwise that of its first word.
fn hang(cells: &[Cell], width: usize) -> usize {
    let first = cells.iter().position(|cell| !is_blank(cell)).unwrap_or(0);
    let gap =
        cells[first..].windows(3).position(|three| is_blank(&three[0]) && is_blank(&three[1]) && !is_blank(&three[2]));
    let column = gap.map_or(first, |gap| first + gap + 2);
    let fits = |column: &usize| width >= NARROW && *column <= width / 2;
    Some(column).filter(fits).or(Some(first).filter(fits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::rich;
    use super::*;

    fn rows(line: &str, width: usize, between_words: bool) -> Vec<String> {
        let cells = rich::cells(line.as_bytes());
        let parts = Wrap { width, between_words }.parts(&cells);
        let ends = parts.iter().skip(1).map(|part| part.start).chain([cells.len()]);
        let row = |(part, end): (&Part, usize)| {
            let shown = rich::window(&cells, part.start, (width - part.indent).min(end - part.start));
            " ".repeat(part.indent) + rich::plain(&shown).0.trim_end()
        };
        parts.iter().zip(ends).map(row).collect()
    }

    #[test]
    fn words_stay_whole_and_explanations_below_each_other() {
        let table: [(&str, usize, &[&str]); 8] = [
            ("one two three", 8, &["one two", "three"]),
            ("one two", 7, &["one two"]),
            ("one two   ", 7, &["one two"]),
            ("abcdefghij kl", 4, &["abcd", "efgh", "ij", "kl"]),
            (
                "  --name NAME  A name that people can read",
                30,
                &["  --name NAME  A name that", "               people can read"],
            ),
            ("  indented words go on there", 16, &["  indented words", "  go on there"]),
            ("a name that is too long  and its words", 20, &["a name that is too", "long  and its words"]),
            ("日本 日本", 6, &["日本", "日本"]),
        ];
        for (line, width, wanted) in table {
            assert_eq!(rows(line, width, true), wanted, "{line:?}");
        }
        assert_eq!(rows("one two three", 8, false), ["one two", "three"]);
        assert_eq!(rows("one twenty", 8, false), ["one twen", "ty"]);
    }
}
