//! The pager's keys, and what becomes of them until they are carried out.

use super::walk::Spot;
use crate::app::table::Step;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Move; with a number in front, by so many lines or to that line.
    Step(Step),
    /// To the percentage that was typed.
    Percent,
    /// A digit of the number in front of a key.
    Digit,
    /// Half a screen to the left.
    Left,
    /// Half a screen to the right.
    Right,
    /// To the first column.
    LeftEnd,
    /// To the end of the longest line in sight.
    RightEnd,
    /// Type a pattern to search forwards.
    Search,
    /// Type a pattern to search backwards.
    SearchBack,
    /// The next match in the direction of the search.
    Next,
    /// The next match the other way.
    Previous,
    /// Show or hide what was found.
    Highlight,
    /// Type a pattern that lines must match to be shown.
    Filter,
    /// Show lines around those, or not.
    Context,
    /// Stay at the end.
    Follow,
    /// The next key is an option: S, N or i.
    Option,
    /// The next key names this place.
    Mark,
    /// The next key names a place to go to.
    Jump,
    /// Type the name of a file to write.
    Save,
    CopyShown,
    CopyAll,
    /// To the next place where something is missing.
    Gap,
    /// Tell the place in full.
    About,
    /// Show or hide times of arrival.
    Times,
}

/// A key that waits for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Option,
    Mark,
    Jump,
}

/// What a key asks of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Put text into the clipboard.
    Copy(String),
    /// Write all of it to a file.
    Save(String),
}

/// A way to go that may have to wait for lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    /// By rows, downwards being positive.
    Rows(i64),
    To(Spot),
    Line(u64),
    Percent(u64),
    End,
    Find(Hunt),
    /// To a match that was found.
    Land {
        line: u64,
        /// What to say where the search went on at the other end.
        went_around: Option<&'static str>,
    },
    CopyAll,
}

/// A search under way, so that it goes on where it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hunt {
    pub(super) forward: bool,
    /// Forwards matches at this byte or behind it are meant, and otherwise those before it.
    pub(super) from: u64,
    /// The first so many of them are passed over.
    pub(super) skip: u64,
    /// Whether it went on at the other end.
    pub(super) around: bool,
    /// Whether nothing was found since it did.
    pub(super) barren: bool,
}

impl Hunt {
    pub(super) const fn new(forward: bool, from: u64, skip: u64) -> Self {
        Self { forward, from, skip, around: false, barren: false }
    }
}

/// Whether the view stays at the end of what grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Follow {
    #[default]
    Off,
    On,
    /// It did, until it was scrolled up when there were this many lines.
    Paused(Option<u64>),
}
