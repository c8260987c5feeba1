//! Submitting jobs, one or many, and what c2d says of them.

use serde::{Deserialize, Serialize};

use crate::api::error::ErrorBody;
use crate::api::jobs::JobRow;
use crate::id::JobId;
use crate::job::JobSpec;

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
