//! The kill ring: what was cut, newest last; kills in a row join into one.

/// Kills that are kept, as many as readline keeps.
const RING_MAX: usize = 10;

/// Texts that were cut and can be yanked.
#[derive(Clone, Debug, Default)]
pub(super) struct KillRing {
    kills: Vec<String>,
    /// How far `rotate` went back from the newest.
    back: usize,
}

/// On which side of an earlier kill in a row the next one joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Cut backwards: goes in front.
    Before,
    /// Cut forwards: goes behind.
    After,
}

impl KillRing {
    /// Keeps a cut text; joined to the newest one if `joins`.
    pub(super) fn keep(&mut self, text: &str, side: Side, joins: bool) {
        self.back = 0;
        match self.kills.last_mut().filter(|_| joins) {
            Some(newest) if side == Side::Before => newest.insert_str(0, text),
            Some(newest) => newest.push_str(text),
            None => {
                if self.kills.len() == RING_MAX {
                    self.kills.remove(0);
                }
                self.kills.push(text.to_owned());
            }
        }
    }

    /// The text that a yank inserts.
    pub(super) fn current(&self) -> Option<&str> {
        let at = self.kills.len().checked_sub(self.back + 1)?;
        self.kills.get(at).map(String::as_str)
    }

    /// Turns to the kill before, and from the oldest to the newest.
    pub(super) fn rotate(&mut self) {
        self.back = (self.back + 1) % self.kills.len().max(1);
    }

    /// Turns back to the newest kill.
    pub(super) const fn newest(&mut self) {
        self.back = 0;
    }
}
