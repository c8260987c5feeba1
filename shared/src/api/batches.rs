//! Jobs that belong together: how they are submitted, and how far a batch has come.

use serde::{Deserialize, Serialize};

use crate::api::error::ErrorBody;
use crate::api::jobs::JobRow;
use crate::id::JobId;
use crate::job::JobSpec;

/// Jobs to be accepted together or not at all. A job may name another one of the batch in
/// `depends`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The jobs; a text is a command.
    #[serde(deserialize_with = "crate::job::with_texts")]
    pub jobs: Vec<JobSpec>,
    /// The same key within a day answers with the same jobs; single jobs have none of their own here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// From now on at most so many jobs run at once of each batch to which these belong; each must belong to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
}

/// The answer of [`super::endpoint::CHECK_JOBS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckResponse {
    /// Everything for which a submit of these jobs would be refused; nothing if it would be accepted.
    #[serde(default)]
    pub problems: Vec<JobProblem>,
    /// What would keep jobs from running for longer than a moment.
    #[serde(default)]
    pub notes: Vec<JobNote>,
}

/// Something for which jobs would be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobProblem {
    /// The place of the job in the request, from 0; none for all of them together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<usize>,
    /// What is wrong.
    #[serde(flatten)]
    pub error: ErrorBody,
}

/// Something that is known of jobs before they are submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobNote {
    /// The place of the first job of which it is true.
    pub job: usize,
    /// Of how many jobs it is true.
    pub jobs: usize,
    /// What, in words.
    pub message: String,
}

/// The answer of [`super::endpoint::SUBMIT_BATCH`] and [`super::endpoint::RETRY`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchResponse {
    /// The new jobs, in the order in which they were asked for.
    pub job_ids: Vec<JobId>,
    /// What keeps some of them from running for longer than a moment. An older c2d does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<JobNote>,
}

/// The answer of [`super::endpoint::SUBMIT_BATCH_WAIT`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchWaitResponse {
    /// Whether all have ended; otherwise ask again for each.
    pub done: bool,
    /// The jobs, in the order in which they were asked for.
    pub jobs: Vec<JobRow>,
}

/// The answer of [`super::endpoint::LIST_BATCHES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchList {
    /// The batches of which any job is kept, those that were begun last first.
    pub batches: Vec<BatchRow>,
}

/// A batch: the jobs that were submitted under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchRow {
    /// Its name.
    pub batch: String,
    /// Its jobs, those that were removed left out.
    pub jobs: usize,
    /// Of these, those that wait for other jobs or for a time.
    #[serde(default)]
    pub blocked: usize,
    /// Those that wait for a release.
    #[serde(default)]
    pub held: usize,
    /// Those that wait for a worker.
    #[serde(default)]
    pub queued: usize,
    /// Those that run.
    #[serde(default)]
    pub running: usize,
    /// Those that ended with exit status 0.
    #[serde(default)]
    pub succeeded: usize,
    /// Those that ended in any other way but a cancel.
    #[serde(default)]
    pub failed: usize,
    /// Those that were cancelled.
    #[serde(default)]
    pub cancelled: usize,
    /// At most so many of them run at once; any number without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
    /// When the first of them was submitted, in unix milliseconds.
    pub submitted_ms: u64,
    /// When the last of them ended, once all have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// Seconds until all have ended, if they take as long as jobs of their names, or of this batch, did; none
    /// where nothing is known of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u64>,
}

impl BatchRow {
    /// Those that have ended.
    #[must_use]
    pub const fn ended(&self) -> usize {
        self.succeeded + self.failed + self.cancelled
    }

    /// Those that have not started, or wait again.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.blocked + self.held + self.queued
    }
}
