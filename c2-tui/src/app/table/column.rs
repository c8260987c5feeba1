//! What a column is: its name, the room it wants, its order, and the cell it makes of a row.

use std::borrow::Cow;

use super::{Order, Row};
use crate::app::glyphs::Glyphs;
use crate::app::now::Now;

/// A column of a table of `R`.
#[derive(Debug)]
pub(crate) struct Column<R: Row> {
    /// Its head, also its name in filters (`state:failed`).
    pub(crate) name: &'static str,
    pub(crate) room: Room,
    /// On which side its texts stand.
    pub(crate) align: Align,
    /// Columns with the greatest number hide first when there is not enough room.
    pub(crate) hide: u8,
    pub(crate) cell: fn(&R, &Sight<'_, R::Cache>) -> Cell,
    /// The text that a filter on this column searches.
    pub(crate) plain: for<'a> fn(&'a R) -> Cow<'a, str>,
    pub(crate) order: Order<R>,
}

/// What of a column has nothing to do with its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) name: &'static str,
    pub(crate) room: Room,
    pub(crate) align: Align,
    pub(crate) hide: u8,
}

impl<R: Row> From<&Column<R>> for Head {
    fn from(column: &Column<R>) -> Self {
        Self { name: column.name, room: column.room, align: column.align, hide: column.hide }
    }
}

/// The room that a column wants, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Fixed(u16),
    /// At least this much, and of the rest its share.
    Grow {
        min: u16,
        /// The share of what is left.
        share: u16,
    },
}

/// The side on which texts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Text with a meaning that the theme turns into a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    pub(crate) cut: Cut,
    /// What follows on `text`, with meanings of its own.
    pub(crate) more: Vec<(String, Tone)>,
}

/// Where a text is cut that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    End,
    /// In the middle of what stands behind so many bytes, which are a name and stay.
    Behind(usize),
}

/// What a text means; never shown by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Dim,
    Strong,
    /// Belongs to the console itself: focus, keys.
    Accent,
    Good,
    Bad,
    Warn,
    Busy,
}

/// What a cell may look at beside its row.
#[derive(Debug)]
pub(crate) struct Sight<'a, S> {
    pub(crate) now: Now,
    pub(crate) glyphs: &'static Glyphs,
    pub(crate) cache: &'a S,
    /// Seconds to add to UTC for the operator's clock.
    pub(crate) utc_offset_s: i32,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, cut: Cut::End, more: Vec::new() }
    }

    /// A name of so many bytes and a command behind it: the command gives way.
    pub(crate) fn titled(text: &str, name: usize) -> Self {
        Self { cut: Cut::Behind(name), ..Self::plain(text) }
    }

    /// Adds text with a meaning of its own.
    pub(crate) fn push(&mut self, text: &str, tone: Tone) {
        if self.text.is_empty() {
            (self.text, self.tone) = (text.to_owned(), tone);
        } else {
            self.more.push((text.to_owned(), tone));
        }
    }
}

impl Room {
    /// The least that it takes.
    pub(crate) const fn min(self) -> u16 {
        match self {
            Self::Fixed(cells) => cells,
            Self::Grow { min, .. } => min,
        }
    }
}
