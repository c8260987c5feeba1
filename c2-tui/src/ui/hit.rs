//! What lies where, for the mouse.

use crate::app::layout::Area;
use crate::app::msg::Target;

/// Areas of the last frame with what they stand for; later ones lie over earlier ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct HitMap {
    zones: Vec<(Area, Target)>,
}

impl HitMap {
    pub(super) fn add(&mut self, area: Area, target: Target) {
        self.zones.push((area, target));
    }

    /// What lies at a cell.
    pub(crate) fn at(&self, x: u16, y: u16) -> Target {
        let inside = |area: &Area| {
            (area.x..area.x.saturating_add(area.width)).contains(&x)
                && (area.y..area.y.saturating_add(area.height)).contains(&y)
        };
        let zone = self.zones.iter().rev().find(|(area, _)| inside(area));
        match zone {
            Some((area, Target::Caret(_))) => Target::Caret(x - area.x),
            Some((_, target)) => *target,
            None => Target::Nowhere,
        }
    }
}
