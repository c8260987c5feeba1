//! The small signs of the console, in Unicode and in ASCII.
//!
//! A state is never told by its sign alone: its word stands beside it. Borders are the drawing
//! layer's business.

use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;

/// One set of signs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glyphs {
    states: [&'static str; 7],
    statuses: [&'static str; 3],
    /// A filled and an empty cell of a bar.
    pub(crate) bar: [&'static str; 2],
    /// Heights of a small graph, lowest first.
    pub(crate) graph: [&'static str; 8],
    /// A held and a free tag.
    pub(crate) tag: [&'static str; 2],
    /// Sorted upwards, sorted downwards.
    pub(crate) sort: [&'static str; 2],
    /// Where text was cut.
    pub(crate) cut: &'static str,
    /// In front of a marked row.
    pub(crate) mark: &'static str,
    /// Between the steps of a path through the console.
    pub(crate) step: &'static str,
    /// A branch of a tree, and its last one.
    pub(crate) tree: [&'static str; 2],
    /// A line from side to side.
    pub(crate) rule: &'static str,
    /// What stands out on such a line.
    pub(crate) run: &'static str,
    /// Work in progress, one sign a frame.
    pub(crate) spinner: &'static [&'static str],
    /// Good news, bad news, plain news.
    pub(crate) news: [&'static str; 3],
    pub(crate) link: [&'static str; 3],
    /// Between facts on one line.
    pub(crate) dot: &'static str,
    pub(crate) none: &'static str,
}

static UNICODE: Glyphs = Glyphs {
    states: ["◌", "‖", "○", "▶", "✓", "✗", "⊘"],
    statuses: ["●", "◐", "○"],
    bar: ["■", "□"],
    graph: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    tag: ["●", "○"],
    sort: ["▲", "▼"],
    cut: "…",
    mark: "▌",
    step: "›",
    tree: ["├", "└"],
    rule: "─",
    run: "━",
    spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"],
    news: ["✓", "✗", "i"],
    link: ["●", "◌", "✗"],
    dot: "·",
    none: "–",
};

static ASCII: Glyphs = Glyphs {
    states: [".", "=", "o", ">", "+", "x", "-"],
    statuses: ["*", "~", "o"],
    bar: ["#", "."],
    graph: ["_", ".", ":", "-", "=", "+", "*", "#"],
    tag: ["*", "o"],
    sort: ["^", "v"],
    cut: "~",
    mark: "*",
    step: ">",
    tree: ["|", "`"],
    rule: "-",
    run: "=",
    spinner: &["|", "/", "-", "\\"],
    news: ["+", "x", "i"],
    link: ["*", "o", "x"],
    dot: "|",
    none: "-",
};

impl Glyphs {
    pub(crate) fn of(ascii: bool) -> &'static Self {
        if ascii { &ASCII } else { &UNICODE }
    }

    pub(crate) const fn state(&self, state: JobState) -> &'static str {
        self.states[state as usize]
    }

    pub(crate) const fn status(&self, status: WorkerStatus) -> &'static str {
        let [full, half, empty] = self.statuses;
        match status {
            WorkerStatus::Online => full,
            WorkerStatus::Draining | WorkerStatus::Waking => half,
            WorkerStatus::Offline | WorkerStatus::Asleep | WorkerStatus::Quarantined | WorkerStatus::Unknown => empty,
        }
    }

    /// A bar of `width` cells for `part` of `whole`; anything above nothing shows at least one cell.
    pub(crate) fn bar(&self, part: u64, whole: u64, width: usize) -> String {
        let cells = width as u64;
        let full = (part.min(whole) * cells + whole / 2).checked_div(whole).unwrap_or(0);
        let full = if part > 0 { full.max(1) } else { 0 };
        (0..cells).map(|i| self.bar[usize::from(i >= full)]).collect()
    }

    /// A graph of percentages, oldest first, filled up with blanks to `width`.
    pub(crate) fn graph(&self, percents: &[u8], width: usize) -> String {
        let shown = &percents[percents.len().saturating_sub(width)..];
        let blanks = " ".repeat(width - shown.len());
        shown.iter().fold(blanks, |text, &p| text + self.graph[usize::from(p.min(100)) * 7 / 100])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_graphs() {
        let g = Glyphs::of(true);
        let table = [(0, 4, "...."), (1, 4, "#..."), (4, 4, "####"), (9, 4, "####"), (1, 1000, "#..."), (0, 0, "....")];
        for (part, whole, bar) in table {
            assert_eq!(g.bar(part, whole, 4), bar, "{part} of {whole}");
        }
        assert_eq!(g.graph(&[0, 50, 100, 255], 6), "  _-##");
        assert_eq!(g.graph(&[0, 50, 100], 2), "-#");
    }

    #[test]
    fn every_state_has_its_own_sign() {
        for glyphs in [&UNICODE, &ASCII] {
            let signs: std::collections::BTreeSet<_> = JobState::ALL.iter().map(|&s| glyphs.state(s)).collect();
            assert_eq!(signs.len(), JobState::ALL.len());
        }
    }
}
