//! Times, and figures that can be read.

use std::time::Duration;

pub(crate) use c2_tests::now;

/// Time spans of one kind.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<Duration>);

impl From<Vec<Duration>> for Spans {
    fn from(mut spans: Vec<Duration>) -> Self {
        spans.sort_unstable();
        Self(spans)
    }
}

impl Spans {
    pub(crate) fn add(&mut self, span: Duration) {
        let at = self.0.partition_point(|other| *other < span);
        self.0.insert(at, span);
    }

    /// The span that so many percent do not exceed, in milliseconds; 0 where there is none.
    pub(crate) fn ms_at(&self, percent: usize) -> f64 {
        let at = self.0.len().saturating_sub(1) * percent / 100;
        self.0.get(at).map_or(0.0, |span| rounded(span.as_secs_f64() * 1_000.0))
    }
}

pub(crate) fn count(jobs: usize) -> f64 {
    f64::from(u32::try_from(jobs).unwrap_or(u32::MAX))
}

pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
