//! What a poll says: all that this worker holds, as much of what it owes as fits, and how long it waits.

use c2_shared::api::output::Output;
use c2_shared::api::work::{AttemptResult, EndedAttempt, PollRequest, ReturnedAttempt, StartedAttempt};
use c2_shared::limits::{BACKOFF_S, PARK_MAX_S};
use c2_shared::time::Mono;
use c2_shared::worker::Load;

use super::{Held, Slots, Unstarted};

/// Results that take more have the line for themselves.
const LARGE_BYTES: usize = 16 * 1024;
/// What a result takes without its contents.
const RESULT_BYTES: usize = 300;
/// What a file takes without its name.
const FILE_BYTES: usize = 130;

impl Slots {
    /// The README's waiting times for answers that bring nothing, up to what keeps the worker online.
    pub(super) fn idle_step_s(&self) -> u64 {
        BACKOFF_S[self.idle.min(BACKOFF_S.len() - 1)].min(PARK_MAX_S)
    }

    pub(super) fn compose(&self, now: Mono, load: &Load) -> PollRequest {
        let (mut running, mut staged, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut started = Vec::new();
        let (mut returned, mut unsent, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (attempt, held) in &self.held {
            match held {
                Held::Ahead { .. } | Held::Staged { .. } => staged.push(*attempt),
                Held::Running { started: since, .. } => {
                    running.push(*attempt);
                    let started_at = |since: Mono| StartedAttempt { attempt: *attempt, age_ms: now.since_ms(since) };
                    started.extend(since.map(started_at));
                }
                Held::Returned { reason, why } => {
                    let (unreadable, recalled) = (*why == Unstarted::Unreadable, *why == Unstarted::Recalled);
                    let reason = reason.clone();
                    returned.push(ReturnedAttempt { attempt: *attempt, reason, unreadable, recalled });
                }
                Held::Delivering { outcome, .. } => {
                    running.push(*attempt);
                    ended.push(EndedAttempt { attempt: *attempt, outcome: outcome.clone() });
                }
                Held::Ended { result, .. } => {
                    bytes += size(result);
                    if unsent.is_empty() || bytes <= self.report_bytes {
                        // A c2d that gives no work is an older one.
                        unsent.push(if self.takes_work { (**result).clone() } else { result.brief() });
                    } else {
                        // Its turn comes; until then c2d must not think it lost.
                        running.push(*attempt);
                    }
                }
            }
        }
        PollRequest {
            worker_id: self.identity.worker_id.clone(),
            boot_id: self.identity.boot_id.clone(),
            session: self.identity.session.clone(),
            seq: self.seq,
            slots_free: if self.starts_new(load) { self.slots_free() } else { 0 },
            takes_ahead: self.takes_ahead(load),
            started,
            running,
            staged,
            ended,
            self_test_error: self.unfit.clone(),
            would_sleep: self.would_sleep(),
            wait_s: if !self.would_sleep() && unsent.is_empty() && returned.is_empty() && self.cleaned.is_empty() {
                self.idle_step_s()
            } else {
                0
            },
            unsent,
            returned,
            cleaned: self.cleaned.clone(),
            // What is no business of slots is put in later.
            upgraded: None,
            load: load.clone(),
        }
    }
}

/// Whether a poll takes so long on a slow line that transfers must wait for it.
pub(crate) fn is_large(poll: &PollRequest) -> bool {
    poll.unsent.iter().map(size).sum::<usize>() > LARGE_BYTES
}

/// About how many bytes a result takes in a poll.
pub(super) fn size(result: &AttemptResult) -> usize {
    let output = |output: &Output| output.head.0.len() + output.tail.0.len();
    let bytes = output(&result.stdout) + output(&result.stderr) + result.order.0.len();
    let names = result.files.iter().map(|file| file.path.len() + FILE_BYTES);
    RESULT_BYTES + bytes / 3 * 4 + names.sum::<usize>() + result.problems.iter().map(String::len).sum::<usize>()
}
