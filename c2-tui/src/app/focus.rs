//! Which part of the screen has the keys.

use crate::app::panes::Pane;

/// The part that has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    Line,
    Pane(Pane),
    Page,
    Result,
}
