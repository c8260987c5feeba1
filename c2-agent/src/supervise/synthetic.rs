//! Results that the agent makes up itself, of attempts of which only the outcome is known.

use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;

use crate::clock;

/// An attempt that could not be started, as of now.
pub(crate) fn failed_setup(attempt: AttemptId, reason: &dyn std::fmt::Display) -> AttemptResult {
    synthetic(attempt, Outcome::Setup { reason: reason.to_string() })
}

/// An attempt that was cancelled before it could start, as of now.
pub(crate) fn cancelled(attempt: AttemptId) -> AttemptResult {
    synthetic(attempt, Outcome::Cancelled)
}

/// An attempt whose runner died, as of now.
pub(crate) fn lost(attempt: AttemptId) -> AttemptResult {
    synthetic(attempt, Outcome::Lost)
}

fn synthetic(attempt: AttemptId, outcome: Outcome) -> AttemptResult {
    let wall_ms = clock::wall_ms();
    AttemptResult { started_ms: wall_ms, ended_ms: wall_ms, ..AttemptResult::new(attempt, outcome) }
}
