//! Results: how attempts ended, with what they wrote and left.

use serde::{Deserialize, Serialize};

use crate::api::files::{JobFile, LISTED_LEN_MAX};
use crate::api::output::Output;
use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::id::AttemptId;
use crate::job::Outcome;
use crate::json;
use crate::limits::PROBLEMS_LEN_MAX;

/// What the kernel ends a process with that uses too much memory.
const SIGKILL: i32 = 9;

/// How an attempt ended, with its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptResult {
    /// Which attempt.
    pub attempt: AttemptId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started, in unix milliseconds of the worker's clock.
    #[serde(default)]
    pub started_ms: u64,
    /// When it ended: later than the start by the time that it took, whatever the clock said by then.
    #[serde(default)]
    pub ended_ms: u64,
    /// Standard output: whole, or its head and tail.
    #[serde(default)]
    pub stdout: Output,
    /// Standard error.
    #[serde(default)]
    pub stderr: Output,
    /// In which order the two streams were written, as [`crate::order`] writes it down.
    #[serde(default, skip_serializing_if = "Bytes64::is_empty")]
    pub order: Bytes64,
    /// Processes that the job left behind and that were ended.
    #[serde(default)]
    pub swept: u32,
    /// The most memory that it used, in bytes: all of its processes together where they had a control group,
    /// otherwise the largest of them. An older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// The time of processors that it used, in milliseconds. An older agent does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Files that matched its `download` patterns; c2d has their blobs already.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "json::at_most::<LISTED_LEN_MAX, _, _>"
    )]
    pub files: Vec<JobFile>,
    /// What matched and is not among them, and why.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "json::at_most::<PROBLEMS_LEN_MAX, _, _>"
    )]
    pub problems: Vec<String>,
    /// A list too long to stand here: the content of this blob is a `Listing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<BlobId>,
    /// Identifies the result with all of its contents, in whatever form it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<BlobId>,
}

/// The body of [`crate::api::endpoint::DELIVER_RESULT`], for clients that deliver one result by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ResultRequest {
    /// Which attempt, as named in the assignment.
    pub attempt: Option<AttemptId>,
    /// The exit status; this or `outcome`.
    pub exit_code: Option<i32>,
    /// How it ended, where an exit status does not say it.
    pub outcome: Option<Outcome>,
    /// Standard output as text.
    pub stdout: String,
    /// Standard error as text.
    pub stderr: String,
}

/// What became of a delivered result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResultVerdict {
    /// It is the job's result now.
    Recorded,
    /// It was the job's result already.
    Duplicate,
}

/// The answer to a delivered result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResultResponse {
    /// What became of it.
    pub status: ResultVerdict,
}

impl AttemptResult {
    /// How long it ran; none if the worker does not say, or set its clock back.
    #[must_use]
    pub fn took_ms(&self) -> Option<u64> {
        self.ended_ms.checked_sub(self.started_ms).filter(|_| self.started_ms > 0)
    }

    /// The result of an attempt of which nothing but the outcome is told.
    #[must_use]
    pub fn new(attempt: AttemptId, outcome: Outcome) -> Self {
        Self {
            attempt,
            outcome,
            started_ms: 0,
            ended_ms: 0,
            stdout: Output::default(),
            stderr: Output::default(),
            swept: 0,
            peak_bytes: None,
            cpu_ms: None,
            order: Bytes64::default(),
            files: Vec::new(),
            problems: Vec::new(),
            listing: None,
            digest: None,
        }
    }

    /// The form that agents of 0.1.0 used: a c2d of then refuses every other field, and takes no outcome that it
    /// does not know.
    #[must_use]
    pub fn brief(&self) -> Self {
        let outcome = match &self.outcome {
            Outcome::Oom { .. } => Outcome::Signal { signal: SIGKILL },
            outcome => outcome.clone(),
        };
        let (peak_bytes, cpu_ms, order, digest) = Default::default();
        Self { outcome, peak_bytes, cpu_ms, order, digest, ..self.clone() }
    }

    /// The contents that c2d must have before it can take the result.
    pub fn blobs(&self) -> impl Iterator<Item = BlobId> {
        let of = |output: &Output| output.blob.map(|blob| blob.sha256);
        [of(&self.stdout), of(&self.stderr), self.listing].into_iter().flatten()
    }
}
