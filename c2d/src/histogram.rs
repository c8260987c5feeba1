//! How often something took how long: counts by upper bounds, as Prometheus has them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds in milliseconds for what takes from an instant to a day.
pub(crate) const LONG: &[u64] =
    &[10, 100, 500, 1_000, 5_000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000, 28_800_000, 86_400_000];
/// For what is answered in a minute at the latest.
pub(crate) const SHORT: &[u64] = &[1, 5, 20, 100, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/// Counts of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    bounds_ms: &'static [u64],
    /// One for each bound, and one for what took longer.
    counts: Vec<u64>,
    sum_ms: u64,
}

impl Histogram {
    pub(crate) fn new(bounds_ms: &'static [u64]) -> Self {
        Self { bounds_ms, counts: vec![0; bounds_ms.len() + 1], sum_ms: 0 }
    }

    pub(crate) fn add(&mut self, ms: u64) {
        self.counts[place(self.bounds_ms, ms)] += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// How many took no longer than each bound, in milliseconds; without one, all.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounds = self.bounds_ms.iter().copied().map(Some).chain([None]);
        bounds.zip(&self.counts).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }

    pub(crate) const fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The same for many who count at once.
#[derive(Debug)]
pub(crate) struct SharedHistogram {
    bounds_ms: &'static [u64],
    counts: Vec<AtomicU64>,
    sum_ms: AtomicU64,
}

impl SharedHistogram {
    pub(crate) fn new(bounds_ms: &'static [u64]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds_ms.len() + 1).collect();
        Self { bounds_ms, counts, sum_ms: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, ms: u64) {
        self.counts[place(self.bounds_ms, ms)].fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(crate) fn seen(&self) -> Histogram {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Histogram {
            bounds_ms: self.bounds_ms,
            counts: self.counts.iter().map(read).collect(),
            sum_ms: read(&self.sum_ms),
        }
    }
}

fn place(bounds_ms: &[u64], ms: u64) -> usize {
    bounds_ms.partition_point(|bound| *bound < ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_counts_what_took_no_longer() {
        const BOUNDS: &[u64] = &[1, 10];
        let (mut own, shared) = (Histogram::new(BOUNDS), SharedHistogram::new(BOUNDS));
        for ms in [0, 1, 2, 10, 11, 500] {
            own.add(ms);
            shared.add(ms);
        }
        assert_eq!(own.cumulative().collect::<Vec<_>>(), [(Some(1), 2), (Some(10), 4), (None, 6)]);
        assert_eq!((own.sum_ms(), own.count()), (524, 6));
        assert_eq!(shared.seen(), own);
    }
}
