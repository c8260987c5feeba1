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
    pub(crate) pieces: Vec<Piece>,
}

/// Cells beside each other that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Cells in front of it.
    pub(crate) at: usize,
    /// Either letters of ASCII, which take a cell each, or one other character alone.
    pub(crate) text: String,
    pub(crate) look: Look,
    /// Whether it was searched for.
    pub(crate) mark: Mark,
}

impl Row {
    pub(crate) fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// Adds the character of a cell; there is none behind a wide one.
    pub(super) fn push(&mut self, at: usize, text: &str, look: Look, mark: Mark) {
        let goes_on = |piece: &Piece| {
            (piece.look, piece.mark, piece.at + piece.text.len()) == (look, mark, at) && piece.text.is_ascii()
        };
        match self.pieces.last_mut().filter(|piece| text.is_ascii() && goes_on(piece)) {
            Some(piece) => piece.text.push_str(text),
            None if text.is_empty() => {}
            None => self.pieces.push(Piece { at, text: text.to_owned(), look, mark }),
        }
    }
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
