//! Which part of the screen has the keys.

use crate::app::panes::Pane;

/// The part that has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// The `!>` line.
    Line,
    Pane(Pane),
    /// The page over the panes.
    Page,
    /// The result of the last command.
    Result,
}
