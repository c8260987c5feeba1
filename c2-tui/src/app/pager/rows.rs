//! The rows on the screen: which part of which line, and what of it was searched for.

use super::document::Found;
use super::rich;
use super::row::{Mark, Row};
use super::view::Pager;
use super::walk::Spot;
use super::wrap::Part;

impl Pager {
    pub(super) fn lay_out(&mut self) -> Found<()> {
        let walk = self.walk();
        let line = match walk.at_or_behind(self.top.line)? {
            Some(line) => Some(line),
            None => walk.before(self.document.len())?,
        };
        let Some(line) = line else {
            (self.top, self.at_end) = (Spot { line: self.document.first(), row: 0 }, true);
            self.rows.clear();
            return Ok(());
        };
        let row = if line == self.top.line { self.top.row.min(walk.rows(line)?.saturating_sub(1)) } else { 0 };
        let top = walk.filled(Spot { line, row }, self.height)?;
        let mut rows = Vec::with_capacity(self.height);
        let mut at = Some(top);
        let mut known = None;
        while let Some(spot) = at.filter(|_| rows.len() < self.height) {
            let number = self.document.number(spot.line, known);
            known = number.map(|number| (spot.line, number));
            self.rows_of(spot, number, &mut rows)?;
            at = walk.behind(spot.line)?.map(|line| Spot { line, row: 0 });
        }
        let cut = rows.len() > self.height;
        rows.truncate(self.height);
        (self.top, self.at_end, self.rows) = (top, at.is_none() && !cut, rows);
        Ok(())
    }

    /// The rows of a line from one of them on.
    fn rows_of(&self, spot: Spot, number: Option<u64>, rows: &mut Vec<Row>) -> Found<()> {
        let line = self.document.line(spot.line)?;
        // Of a line that is cut nothing behind the edge is shown.
        let columns = if self.options.wrap { usize::MAX } else { self.left.saturating_add(self.room() + 2) };
        let cells = rich::beginning(line, columns);
        let mut marks = vec![Mark::Plain; cells.len()];
        if let Some(search) = self.search.as_ref().filter(|s| s.is_shown) {
            let (text, starts) = rich::plain(&cells);
            let mark =
                if search.current.is_some_and(|found| found.line == spot.line) { Mark::Current } else { Mark::Match };
            for columns in search.sieve.pattern.columns(&text, &starts) {
                marks[columns].fill(mark);
            }
        }
        let room = self.room();
        let unwrapped = || vec![Part { start: self.left, indent: 0 }];
        let parts = self.walk().wrap.map_or_else(unwrapped, |wrap| wrap.parts(&cells));
        let ends = parts.iter().skip(1).map(|part| part.start).chain([usize::MAX]);
        let filter = self.filter.as_ref().filter(|_| self.options.context > 0);
        let aside = filter.map_or(Ok(false), |filter| filter.has(spot.line).map(|has| !has))?;
        let arrival = self.arrivals.partition_point(|(at, _)| *at <= spot.line).checked_sub(1);
        for (index, (&Part { start, indent }, end)) in parts.iter().zip(ends).enumerate().skip(spot.row) {
            if rows.len() > self.height {
                break;
            }
            let cells = rich::window(&cells, start, (room - indent).min(end - start));
            let marks = marks.get(start.min(marks.len())..).unwrap_or_default().iter();
            let mut row = Row {
                at: spot.line,
                first: index == 0,
                number,
                arrived_ms: arrival.map(|at| self.arrivals[at].1).filter(|ms| *ms > 0),
                aside,
                pieces: Vec::new(),
            };
            for (at, (cell, mark)) in cells.iter().zip(marks).enumerate() {
                row.push(indent + at, &cell.text, cell.look, *mark);
            }
            rows.push(row);
        }
        Ok(())
    }
}
