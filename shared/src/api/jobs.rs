//! Requests and answers about jobs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::is_zero;
use crate::id::{JobId, WorkerId};
use crate::job::{JobSpec, JobState, Needs, Outcome, Standing};

/// The answer to a submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubmitResponse {
    /// The new job, or the one that the idempotency key named before.
    pub job_id: JobId,
    /// What keeps it from running for longer than a moment, in words. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The answer to `submit-wait`, and of `info` with `wait_s`: whether the job has ended, and the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitResponse {
    /// Whether it has ended; otherwise ask again by its id.
    pub done: bool,
    /// The job.
    #[serde(flatten)]
    pub job: JobInfo,
}

/// A job as a row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobRow {
    /// Its id.
    pub job_id: JobId,
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// What it runs, cut to 200 characters.
    pub command: String,
    /// The group it asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The batch that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// The tags it asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What it takes beside a slot. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Needs::is_none")]
    pub needs: Needs,
    /// The workers that may run it, where it names any. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
    /// Before when it does not start, in unix milliseconds. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin_at: Option<u64>,
    /// Its priority.
    #[serde(default)]
    pub priority: i32,
    /// The address of the worker that runs or last ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<IpAddr>,
    /// The id of that worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// The number of its latest attempt, 0 before the first.
    #[serde(default)]
    pub attempt: u32,
    /// A cancel was asked for and the processes are being ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelling: bool,
    /// It runs on a worker that was not heard for 15 s.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
    /// Its processes have ended, and what they wrote is on its way from the worker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delivering: bool,
    /// Its processes stand still, as its worker yields to somebody or something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// When it was submitted, in unix milliseconds of c2d's clock.
    pub submitted_ms: u64,
    /// When its latest attempt was given to a worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// How long its latest attempt ran, as the worker measured it: clocks may be set meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The most memory that its latest attempt used, in bytes. An older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// The time of processors that it used, in milliseconds. An older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// A job in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobInfo {
    /// The row.
    #[serde(flatten)]
    pub row: JobRow,
    /// What was submitted, contents of files left out.
    pub spec: JobSpec,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRow>,
    /// Seconds until it has ended, while it runs, if it takes as long as half of the jobs of its name did lately; none
    /// where none of that name succeeded. An answer that was waited for says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u64>,
    /// Standard output of its latest ended attempt as text, with U+FFFD for what is no UTF-8. Of a long
    /// one the beginning and the end, with a line in place of what is not shown or was dropped. The
    /// bytes themselves: [`super::endpoint::GET_OUTPUT`].
    #[serde(default)]
    pub stdout: String,
    /// Standard error in the same form.
    #[serde(default)]
    pub stderr: String,
    /// Bytes of standard output that were not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stdout_dropped: u64,
    /// Bytes of standard error that were not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stderr_dropped: u64,
    /// Bytes of standard output that are kept and not shown here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stdout_hidden: u64,
    /// Bytes of standard error that are kept and not shown here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stderr_hidden: u64,
}

/// One try at a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptRow {
    /// Its number.
    pub number: u32,
    /// The address of the worker that it was given to.
    pub worker: IpAddr,
    /// The id of that worker. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
    /// Where that worker was when it was given to it. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_at: Option<IpAddr>,
    /// When it was given to the worker.
    pub started_ms: u64,
    /// When its end was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// How long it ran, as its worker measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The most memory that it used, in bytes. An older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// The time of processors that it used, in milliseconds. An older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Whether its output is kept; that of a running attempt is not yet. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_kept: Option<bool>,
}

/// Which jobs [`super::endpoint::LIST_JOBS`] lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct JobsQuery {
    /// Only jobs that stand there; without it those that have not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Standing>,
    /// Ended jobs too.
    pub all: bool,
    /// Rows at most, 500 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only jobs of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only jobs that asked for this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only jobs of this batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Only jobs that asked for this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only jobs whose latest attempt was given to this worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Only jobs whose command contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The newest first, rather than the oldest.
    pub newest: bool,
    /// Only jobs after this one, for the next page; with `newest`, only jobs before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<JobId>,
}

/// A page of jobs in the order of their ids, or against it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobList {
    /// The rows.
    pub jobs: Vec<JobRow>,
    /// Pass as `after` for the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<JobId>,
}

/// Query of [`super::endpoint::GET_JOB`] and [`super::endpoint::SUBMIT_WAIT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct WaitQuery {
    /// Seconds to wait for the job's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
}

/// Query of [`super::endpoint::GET_LOG`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LogQuery {
    /// How many of the latest results, 20 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<usize>,
    /// Only results before this position, for the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Only results with this final state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Only results of this worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Only results of jobs of this batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Only results of jobs with this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Recent results, oldest first; also the form of each line of `jobs.log`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobLog {
    /// The results.
    pub results: Vec<LogEntry>,
}

/// One ended job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogEntry {
    /// Position in the log, from 1 without a gap.
    pub seq: u64,
    /// When it ended, RFC 3339 in UTC.
    pub ended_at: String,
    /// The job.
    #[serde(flatten)]
    pub job: JobRow,
}

/// An output stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// The queue in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueueStatus {
    /// Jobs in each state that is not final.
    pub blocked: usize,
    /// Held by an operator.
    pub held: usize,
    /// Waiting for a worker.
    pub queued: usize,
    /// Given to workers.
    pub running: usize,
    /// Those of the running jobs whose worker was not heard for 15 s. An older c2d does not say.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unreachable: usize,
    /// Those of the queued jobs that no worker could run as they all are now: offline ones, and what they lack,
    /// count, and jobs that are in the way do not. An older c2d does not say.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cannot_run: usize,
    /// Jobs that have not ended; the sum of the above.
    pub active: usize,
    /// How many may be active at once.
    pub capacity: usize,
    /// Ended jobs by final state since the store was made.
    pub ended: BTreeMap<JobState, u64>,
    /// Workers that can be given work.
    pub workers_online: usize,
    /// Slots of these workers.
    pub slots: u32,
    /// Slots in use.
    pub slots_used: u32,
    /// Whether c2d started less than half a minute ago and waits for workers to say what they run.
    pub recovering: bool,
    /// Whether an operator stopped the queue.
    #[serde(default)]
    pub paused: bool,
    /// Held jobs whose stored specification cannot be read; left out when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<JobId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What a cancel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CancelResponse {
    /// Which job.
    pub job_id: JobId,
    /// `cancelled` at once, or `running` while its processes are being ended.
    pub state: JobState,
}

/// The answer of [`super::endpoint::HOLD`] and [`super::endpoint::RELEASE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobStateResponse {
    /// Which job.
    pub job_id: JobId,
    /// Where it stands now.
    pub state: JobState,
}

/// The body of [`super::endpoint::RETRY`]: ended jobs to submit again. Where one depends on another
/// of them, the new one depends on the other's new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// The jobs.
    pub job_ids: Vec<JobId>,
}

/// The answer of [`super::endpoint::PAUSE`] and [`super::endpoint::UNPAUSE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PauseResponse {
    /// Whether the queue is stopped.
    pub paused: bool,
}
