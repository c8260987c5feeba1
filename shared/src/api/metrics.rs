//! Counters of c2d as JSON, and whether it is well.

use serde::{Deserialize, Serialize};

use crate::checkup::Check;

/// What stands before the reason in the answer of [`super::endpoint::HEALTH`], when c2d is not well.
pub const DEGRADED: &str = "degraded: ";

/// The whole answer of a c2d that stands by while another leads.
pub const STANDBY: &str = "standby";

/// How c2d is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Why it cannot do all that it should.
    pub degraded: Option<String>,
    /// Whether it stands by while another one leads.
    pub stands_by: bool,
    /// What time it has, in unix seconds, if it says so.
    pub clock_s: Option<u64>,
}

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
    /// Connections that are open.
    #[serde(default)]
    pub connections: usize,
    /// Connections that were closed or refused for the sake of others since the start.
    #[serde(default)]
    pub connections_closed: u64,
    /// Where c2d keeps everything in a database on a server: who leads, and what protects what it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub database: Vec<Check>,
}
