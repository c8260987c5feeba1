//! What a column is: its name, the room it wants, its order, and the cell it makes of a row.

use std::cmp::Ordering;

use crate::app::glyphs::Glyphs;
use crate::app::msg::Now;
use crate::app::store::Store;

/// A column of a table of `R`.
#[derive(Debug)]
pub struct Column<R> {
    /// Its head, also its name in filters (`state:failed`).
    pub name: &'static str,
    /// The room that it wants.
    pub room: Room,
    /// On which side its texts stand.
    pub align: Align,
    /// Columns with the greatest number hide first when there is not enough room.
    pub hide: u8,
    /// Makes the cell of a row.
    pub cell: fn(&R, &Sight<'_>) -> Cell,
    /// The text that a filter on this column searches.
    pub plain: fn(&R) -> String,
    /// The order of two rows.
    pub order: fn(&R, &R) -> Ordering,
}

/// The room that a column wants, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// This much, always.
    Fixed(u16),
    /// At least this much, and of the rest its share.
    Grow {
        /// The least.
        min: u16,
        /// The share of what is left.
        share: u16,
    },
}

/// The side on which texts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers and times.
    Right,
}

/// Text with a meaning that the theme turns into a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Its meaning.
    pub tone: Tone,
    /// Cut in the middle rather than at the end.
    pub cut_middle: bool,
}

/// What a text means; never shown by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Of less weight.
    Dim,
    /// Of more weight.
    Strong,
    /// Belongs to the console itself: focus, keys.
    Accent,
    /// As wanted.
    Good,
    /// Failed.
    Bad,
    /// Needs a look.
    Warn,
    /// At work.
    Busy,
}

/// What a cell may look at beside its row.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The present.
    pub now: Now,
    /// The signs.
    pub glyphs: &'static Glyphs,
    /// All data.
    pub store: &'a Store,
    /// Seconds to add to UTC for the operator's clock.
    pub utc_offset_s: i32,
}

impl Cell {
    /// A cell of plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// A cell with a meaning.
    #[must_use]
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, cut_middle: false }
    }

    /// Cut in the middle when it is too long.
    #[must_use]
    pub const fn with_both_ends(mut self) -> Self {
        self.cut_middle = true;
        self
    }
}

impl Room {
    /// The least that it takes.
    #[must_use]
    pub const fn min(self) -> u16 {
        match self {
            Self::Fixed(cells) => cells,
            Self::Grow { min, .. } => min,
        }
    }
}
