//! When to yield, and when no more: pure.
//!
//! A person and the battery count at once. A process on a graphics processor counts when it is seen twice, as many
//! look in for a moment. What began goes on until nothing of it was seen for a while.

use std::collections::BTreeMap;

use c2_shared::time::Mono;
use c2_shared::worker::Neighbour;

/// Remembers what was seen of each neighbour.
#[derive(Debug)]
pub(crate) struct Courtesy {
    seen: BTreeMap<Neighbour, Seen>,
    rest_ms: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Looks in a row that saw it.
    looks: u32,
    /// It is yielded to, and was last seen then.
    since: Option<Mono>,
}

impl Courtesy {
    pub(crate) fn new(wanted: &[Neighbour], rest_ms: u64) -> Self {
        Self { seen: wanted.iter().map(|neighbour| (*neighbour, Seen::default())).collect(), rest_ms }
    }

    /// Those that are to be looked for.
    pub(crate) fn wanted(&self) -> Vec<Neighbour> {
        self.seen.keys().copied().collect()
    }

    /// Notes who is there; answers to whom is yielded.
    pub(crate) fn look(&mut self, now: Mono, present: &[Neighbour]) -> Vec<Neighbour> {
        for (neighbour, seen) in &mut self.seen {
            if present.contains(neighbour) {
                seen.looks = seen.looks.saturating_add(1);
                if seen.since.is_some() || seen.looks >= looks(*neighbour) {
                    seen.since = Some(now);
                }
            } else {
                seen.looks = 0;
                seen.since = seen.since.filter(|last| now.since_ms(*last) < self.rest_ms);
            }
        }
        self.seen.iter().filter(|(_, seen)| seen.since.is_some()).map(|(neighbour, _)| *neighbour).collect()
    }
}

/// Looks in a row that have to see it.
const fn looks(neighbour: Neighbour) -> u32 {
    match neighbour {
        Neighbour::Gpu => 2,
        Neighbour::User | Neighbour::Battery | Neighbour::Unknown => 1,
    }
}

#[cfg(test)]
mod tests {
    use Neighbour::{Battery, Gpu, User};

    use super::*;

    #[test]
    fn what_began_goes_on_until_it_was_not_seen_for_a_while() {
        let mut courtesy = Courtesy::new(&[User, Gpu], 60_000);
        let history: [(u64, &[Neighbour], &[Neighbour]); 13] = [
            (0, &[], &[]),
            (5, &[Battery], &[]),
            (10, &[Gpu], &[]),
            (15, &[], &[]),
            (20, &[Gpu], &[]),
            (25, &[Gpu], &[Gpu]),
            (30, &[Gpu, User], &[User, Gpu]),
            (35, &[], &[User, Gpu]),
            (84, &[], &[User, Gpu]),
            (85, &[Gpu], &[User, Gpu]),
            (95, &[], &[Gpu]),
            (144, &[], &[Gpu]),
            (145, &[], &[]),
        ];
        for (s, present, expected) in history {
            assert_eq!(courtesy.look(Mono(s * 1_000), present), expected, "at {s} s");
        }
        assert_eq!(courtesy.wanted(), [User, Gpu]);
    }
}
