//! What the operator chose and finds again in the next session: colours, mouse, sizes, sorts.
//!
//! Only plain values: the file that they are kept in is the event loop's.

use crate::app::panes::{Pane, Panes};
use crate::app::table::Sort;
use crate::command::Theme;

/// The choices that last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preferences {
    pub(crate) theme: Theme,
    /// Whether the mouse belongs to the console.
    pub(crate) mouse: bool,
    /// How the parts share the screen.
    pub(crate) sizes: Sizes,
    /// How the tables are sorted, in the order of [`Pane::ALL`].
    pub(crate) sorts: [Sort; Pane::ALL.len()],
}

impl Default for Preferences {
    fn default() -> Self {
        let panes = Panes::default();
        Self {
            theme: Theme::default(),
            mouse: true,
            sizes: Sizes::default(),
            sorts: Pane::ALL.map(|pane| panes.grid(pane).sort()),
        }
    }
}

/// By how many percent parts were made larger than they are by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// The workers.
    pub(crate) top: i16,
    /// The left side.
    pub(crate) side: i16,
    /// The lower part.
    pub(crate) foot: i16,
}

impl Sizes {
    const MOST: i16 = 24;

    /// So that no part ever loses all its room.
    pub(crate) fn within_bounds(self) -> Self {
        let within = |size: i16| size.clamp(-Self::MOST, Self::MOST);
        Self { top: within(self.top), side: within(self.side), foot: within(self.foot) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::{Model, Settings};

    #[test]
    fn they_come_back_as_they_were() {
        let mut model = Model::new(Settings::default());
        assert_eq!(Preferences::of(&model), Preferences::default());
        let mut chosen = Preferences { theme: Theme::Light, mouse: false, ..Preferences::default() };
        chosen.sizes.foot = -8;
        chosen.sorts[1] = Sort { column: 2, descending: true };
        chosen.apply(&mut model);
        assert_eq!(Preferences::of(&model), chosen);
    }

    #[test]
    fn what_no_key_could_have_chosen_is_brought_back_within_bounds() {
        let mut model = Model::new(Settings::default());
        let mut wild = Preferences::default();
        wild.sizes.top = i16::MAX;
        wild.sorts[0].column = 99;
        wild.apply(&mut model);
        let fitted = Preferences::of(&model);
        assert!(fitted.sizes.top < 50 && fitted.sorts[0] == Preferences::default().sorts[0], "{fitted:?}");
    }
}
