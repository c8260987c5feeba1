//! What the past says: how long jobs of a name run, why jobs fail, and what ran where.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{JobId, WorkerId};
use crate::job::{JobState, Outcome};

/// Query of [`super::endpoint::STATS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct StatsQuery {
    /// Only jobs of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer of [`super::endpoint::STATS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stats {
    /// The names of jobs that ended lately, those that ran most first.
    pub names: Vec<NameStats>,
    /// How often jobs failed lately on each worker, where they failed most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerStats>,
    /// Why jobs failed lately, what happened most first.
    pub failures: Vec<FailureGroup>,
    /// Seconds until the queue is empty, if each job takes as long as half of its name do, on the workers that are
    /// online; where a name is new, if jobs go on ending as in the last quarter of an hour. None where nothing
    /// is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u64>,
    /// Queued jobs that no worker could run as they all are now, which are in no forecast.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cannot_run: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// How jobs of one name ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NameStats {
    /// The name.
    pub name: String,
    /// Those that ran to an end.
    pub runs: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// Half of those that succeeded took no longer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_s: Option<f64>,
    /// Nine of ten of them took no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_s: Option<f64>,
    /// The most memory that one of all of them used, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// Half of those that succeeded used no more time of processors, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_median_s: Option<f64>,
}

/// How jobs ran on one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerStats {
    /// Its address when it ran the latest of them.
    pub ip: IpAddr,
    /// Its id.
    pub worker_id: WorkerId,
    /// Those that ran to an end.
    pub runs: usize,
    /// Those of them that failed.
    pub failed: usize,
}

/// Jobs that failed alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailureGroup {
    /// The last line that they wrote to standard error, with `*` in place of digits.
    pub line: String,
    /// How the latest of them ended.
    pub outcome: Outcome,
    /// How many of them ended in which way, the most frequent first. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeCount>,
    /// Which jobs, the latest first.
    pub job_ids: Vec<JobId>,
}

/// How many jobs ended so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeCount {
    /// In this way.
    pub outcome: Outcome,
    /// So many.
    pub jobs: usize,
}

/// Query of [`super::endpoint::TIMELINE`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TimelineQuery {
    /// From so many seconds ago on, a quarter of an hour without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_s: Option<u64>,
}

/// The answer of [`super::endpoint::TIMELINE`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Timeline {
    /// Its begin, in unix milliseconds.
    pub from_ms: u64,
    /// Its end, which is now.
    pub to_ms: u64,
    /// The attempts at jobs that ran meanwhile, in the order of their starts; of very many those that ended last.
    /// An older c2d tells the latest attempt at each job alone.
    pub spans: Vec<Span>,
}

/// When an attempt ran, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// Which job.
    pub job_id: JobId,
    /// Its number.
    pub attempt: u32,
    /// The name of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of its worker.
    pub worker: IpAddr,
    /// The id of that worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// When it was given to the worker.
    pub started_ms: u64,
    /// None as long as it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// The state of the job; of an earlier attempt the one that it would have ended in.
    pub state: JobState,
    /// It was lost with its worker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}
