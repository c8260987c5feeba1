//! Lines that scroll: results, job pages, outputs.

use crate::app::table::Step;

/// Text with a place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pager {
    lines: Vec<String>,
    top: usize,
    left: usize,
    height: usize,
}

impl Pager {
    /// Shows lines from their beginning.
    #[must_use]
    pub fn new(lines: Vec<String>) -> Self {
        Self { lines, top: 0, left: 0, height: 1 }
    }

    /// Shows other lines at the same place.
    pub fn set_lines(&mut self, lines: Vec<String>) {
        self.lines = lines;
        self.go_to(self.top);
    }

    /// All lines.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The lines on the screen.
    #[must_use]
    pub fn visible(&self) -> &[String] {
        let end = (self.top + self.height).min(self.lines.len());
        &self.lines[self.top.min(end)..end]
    }

    /// The number of the first line on the screen.
    #[must_use]
    pub const fn top(&self) -> usize {
        self.top
    }

    /// Cells hidden at the left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left
    }

    /// Lines on the screen.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Whether everything is in sight.
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.lines.len() <= self.height
    }

    /// Moves.
    pub fn step(&mut self, step: Step) {
        let last_top = self.lines.len().saturating_sub(self.height);
        self.go_to(step.from(self.top, last_top + 1, self.height));
    }

    /// Moves by lines.
    pub fn scroll(&mut self, lines: i16) {
        self.go_to(self.top.saturating_add_signed(lines.into()));
    }

    /// Moves sideways by cells.
    pub fn sideways(&mut self, cells: i16) {
        self.left = self.left.saturating_add_signed(cells.into()).min(10_000);
    }

    /// Tells how many lines fit on the screen.
    pub fn set_height(&mut self, height: usize) {
        self.height = height.max(1);
        self.go_to(self.top);
    }

    fn go_to(&mut self, top: usize) {
        self.top = top.min(self.lines.len().saturating_sub(self.height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_beyond_the_end() {
        let mut pager = Pager::new((0..10).map(|n| n.to_string()).collect());
        pager.set_height(4);
        let table = [
            (Step::Down, 1),
            (Step::PageDown, 5),
            (Step::PageDown, 6),
            (Step::Up, 5),
            (Step::First, 0),
            (Step::HalfDown, 2),
            (Step::Last, 6),
        ];
        for (step, top) in table {
            pager.step(step);
            assert_eq!(pager.top(), top, "{step:?}");
        }
        assert_eq!(pager.visible(), ["6", "7", "8", "9"]);
        pager.set_height(40);
        assert_eq!((pager.top(), pager.fits()), (0, true));
        pager.set_lines(Vec::new());
        pager.step(Step::Last);
        assert!(pager.visible().is_empty());
    }
}
