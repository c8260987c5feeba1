//! What a result says, and in which forms.

use crate::api::output::Output;
use crate::api::work::AttemptResult;
use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::id::AttemptId;
use crate::job::Outcome;

/// What the kernel ends a process with that uses too much memory.
const SIGKILL: i32 = 9;

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
