//! Counters of c2d as JSON.

use serde::{Deserialize, Serialize};

/// The answer of [`super::route::METRICS`]: counters since the start of c2d.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// c2d's version.
    pub version: String,
    /// Seconds since c2d started.
    pub uptime_s: u64,
    /// Jobs that ended.
    pub jobs_processed: u64,
    /// Jobs that were accepted.
    pub jobs_submitted: u64,
    /// Workers that are online.
    pub active_workers: usize,
    /// Jobs that have not ended.
    pub queue_size: usize,
    /// Commits of the store.
    pub commits: u64,
    /// Microseconds spent in them.
    pub commit_us: u64,
    /// Requests answered.
    pub requests: u64,
}
