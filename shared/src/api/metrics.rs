//! Counters of c2d as JSON.

use serde::{Deserialize, Serialize};

/// The answer of [`super::endpoint::METRICS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metrics {
    /// c2d's version.
    pub version: String,
    /// Seconds since c2d started.
    pub uptime_s: u64,
    /// Jobs that ever ended.
    pub jobs_processed: u64,
    /// Jobs that were ever accepted.
    pub jobs_submitted: u64,
    /// Workers that are online.
    pub active_workers: usize,
    /// Jobs that have not ended.
    pub queue_size: usize,
    /// Requests answered since the start.
    pub requests: u64,
}
