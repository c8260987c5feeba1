//! Things of which there may be any number: the first of a kind is reported at once, the others
//! together after a while.

use std::collections::HashMap;
use std::hash::Hash;

use c2_shared::time::Mono;

/// Counts by kind. Kinds beyond a bound are counted together.
#[derive(Debug)]
pub(crate) struct Tally<K, V> {
    every_ms: u64,
    kinds_max: usize,
    kinds: HashMap<Option<K>, Kind<V>>,
}

/// What was counted of one kind since it was reported.
#[derive(Debug)]
struct Kind<V> {
    since: Mono,
    more: Option<More<V>>,
}

/// What is reported together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct More<V> {
    pub(crate) times: u64,
    /// The last of them.
    pub(crate) last: V,
}

impl<K: Eq + Hash, V> Tally<K, V> {
    pub(crate) fn new(every_ms: u64, kinds_max: usize) -> Self {
        Self { every_ms, kinds_max, kinds: HashMap::new() }
    }

    /// Counts one; gives it back if it is to be reported at once.
    pub(crate) fn count(&mut self, kind: K, one: V, now: Mono) -> Option<V> {
        let kind = Some(kind);
        let kind = if self.kinds.len() < self.kinds_max || self.kinds.contains_key(&kind) { kind } else { None };
        let Some(known) = self.kinds.get_mut(&kind) else {
            self.kinds.insert(kind, Kind { since: now, more: None });
            return Some(one);
        };
        let times = known.more.take().map_or(0, |more| more.times);
        known.more = Some(More { times: times + 1, last: one });
        None
    }

    /// What was counted of those kinds whose time is over. Kinds of which nothing more came are
    /// forgotten.
    pub(crate) fn due(&mut self, now: Mono) -> Vec<More<V>> {
        let mut due = Vec::new();
        self.kinds.retain(|_, kind| {
            if now.since_ms(kind.since) < self.every_ms {
                return true;
            }
            kind.since = now;
            let more = kind.more.take();
            let is_going_on = more.is_some();
            due.extend(more);
            is_going_on
        });
        due
    }

    /// What was counted of all kinds.
    pub(crate) fn rest(&mut self) -> Vec<More<V>> {
        self.kinds.drain().filter_map(|(_, kind)| kind.more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_reported_at_once_and_the_others_together() {
        let mut tally = Tally::new(60_000, 8);
        assert_eq!(tally.count("a", 0, Mono(0)), Some(0));
        for n in 1..=500 {
            assert_eq!(tally.count("a", n, Mono(n)), None);
        }
        assert_eq!(tally.count("b", 1, Mono(9)), Some(1));
        assert_eq!(tally.due(Mono(59_999)), []);
        assert_eq!(tally.due(Mono(60_000)), [More { times: 500, last: 500 }]);
        assert_eq!(tally.count("a", 501, Mono(60_001)), None, "as long as it goes on, no more than one a minute");
        assert_eq!(tally.due(Mono(120_000)), [More { times: 1, last: 501 }]);
        assert_eq!(tally.due(Mono(180_000)), []);
        assert_eq!(tally.count("a", 502, Mono(200_000)), Some(502));
        assert_eq!(tally.count("a", 503, Mono(200_000)), None);
        assert_eq!(tally.rest(), [More { times: 1, last: 503 }]);
    }

    #[test]
    fn any_number_of_kinds_takes_bounded_memory() {
        let mut tally = Tally::new(1_000, 8);
        let at_once = (0..10_000).filter(|n| tally.count(*n, (), Mono(0)).is_some()).count();
        assert_eq!((at_once, tally.kinds.len()), (9, 9));
        let more: u64 = tally.due(Mono(1_000)).iter().map(|more| more.times).sum();
        assert_eq!(more, 10_000 - 9);
    }
}
