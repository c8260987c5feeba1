//! The rows that c2d told: workers, jobs, and the shapes in which jobs wait.
//!
//! It applies snapshots and changes and says which rows changed, so that tables can follow without
//! being made anew. Ended jobs are bounded; everything else is as large as c2d's queue.

mod change;
mod job;
mod wait;
mod worker;

use std::collections::BTreeMap;

use c2_shared::api::jobs::QueueStatus;

use crate::app::table::Rows;

pub use change::Changed;
pub use job::{Job, JobScope};
pub use wait::{Wait, WaitKey};
pub use worker::{Worker, percent};

/// Everything that the console knows of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Workers by address.
    pub workers: Rows<Worker>,
    /// Jobs by id.
    pub jobs: Rows<Job>,
    /// Waiting jobs, counted by what they wait for.
    pub waits: Rows<Wait>,
    /// The queue in numbers.
    pub queue: QueueStatus,
    /// When c2d was last heard, in unix milliseconds; none before the first snapshot.
    pub heard_ms: Option<u64>,
    ended: usize,
    shapes: BTreeMap<(Option<String>, Vec<String>), usize>,
}
