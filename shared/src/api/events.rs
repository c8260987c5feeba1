//! The live event stream: a snapshot, then changes.
//!
//! Server-sent events with `id`, `event` and `data`. The first event is `snapshot`; each later
//! `change` carries whole rows that replace what the reader has. Ids grow by one within a
//! connection's life; when a reader falls behind it is sent a new `snapshot` instead of the gap.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::jobs::{JobRow, QueueStatus};
use crate::api::workers::WorkerRow;
use crate::id::WorkerId;

/// Name of the event that carries a [`Snapshot`].
pub const SNAPSHOT: &str = "snapshot";
/// Name of the event that carries a [`Change`].
pub const CHANGE: &str = "change";

/// Everything a console shows at first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// All workers.
    pub workers: Vec<WorkerRow>,
    /// All jobs that have not ended, and the latest that have.
    pub jobs: Vec<JobRow>,
    /// The queue in numbers.
    pub queue: QueueStatus,
}

/// Rows that are new or different since the event before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// Workers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerRow>,
    /// Workers that no longer exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<GoneWorker>,
    /// Jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobRow>,
    /// The queue in numbers.
    pub queue: QueueStatus,
}

/// A worker that no longer exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoneWorker {
    /// Where it was last.
    pub ip: IpAddr,
    /// Its host name.
    pub hostname: String,
    /// Its id.
    pub worker_id: WorkerId,
}

/// One event of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Forget everything and begin with this.
    Snapshot(Box<Snapshot>),
    /// Replace these rows.
    Change(Box<Change>),
}
