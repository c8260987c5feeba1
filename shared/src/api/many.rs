//! The same done with many jobs at once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::error::ErrorBody;
use crate::api::jobs::JobStateResponse;
use crate::id::JobId;
use crate::selection::Selection;

/// The body of requests about many jobs: those that are named, and all that have something in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ManyRequest {
    /// Jobs by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_ids: Vec<JobId>,
    /// All that have this in common and have not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Selection>,
}

/// The body of [`super::endpoint::CHANGE_JOBS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ChangeRequest {
    /// Jobs by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job_ids: Vec<JobId>,
    /// All that have this in common and have not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Selection>,
    /// Fields of the specification with their new values; `null` is what a job has that does not say it.
    pub set: Map<String, Value>,
    /// Seconds that each of the jobs may run longer than it might.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_time_s: Option<u64>,
    /// From now on at most so many jobs run at once of the batch that `select` names as a whole; 0 for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
}

/// What became of each of many jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ManyResponse {
    /// Those with which it was done, and where they stand now.
    pub done: Vec<JobStateResponse>,
    /// Those with which it could not be done.
    pub refused: Vec<RefusedJob>,
    /// Those of `done` with which it is done when their worker is heard again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<JobId>,
    /// From now on at most so many jobs of the batch run at once, where that was asked for; 0 for any number. It holds
    /// for later jobs too, so that `done` may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
}

/// A job with which something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedJob {
    /// Which.
    pub job_id: JobId,
    /// Why, as for a request about this job alone.
    #[serde(flatten)]
    pub error: ErrorBody,
}
