//! A row of the screen, ready to be drawn.

use super::look::Look;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where its line starts.
    pub(crate) at: u64,
    /// Whether it is the first row of its line.
    pub(crate) first: bool,
    /// The number of its line, as far as that is known.
    pub(crate) number: Option<u64>,
    /// When it arrived, as far as that was seen.
    pub(crate) arrived_ms: Option<u64>,
    /// Whether it is here only because the filter lets a line beside it pass.
    pub(crate) aside: bool,
    pub(crate) cells: Vec<ShownCell>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShownCell {
    /// The character; empty behind a wide one.
    pub(crate) text: String,
    pub(crate) look: Look,
    /// Whether it was searched for.
    pub(crate) mark: Mark,
}

/// What a cell has to do with the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    #[default]
    Plain,
    Match,
    /// It matches, in the line that was found last.
    Current,
}
