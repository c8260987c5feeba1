//! What a poll says: all that this worker holds, as much of what it owes as fits, and how long it waits.

use c2_shared::api::work::{AttemptResult, PollRequest};
use c2_shared::limits::{BACKOFF_S, PARK_MAX_S};
use c2_shared::worker::Load;

use super::{Held, Slots};

/// Output in one poll; results beyond it travel with the next, so that c2d takes the body.
pub(super) const REPORT_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Slots {
    pub(super) fn compose(&self, load: &Load) -> PollRequest {
        let (mut running, mut unsent, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (attempt, held) in &self.held {
            match held {
                Held::Running { .. } => running.push(*attempt),
                Held::Ended { result, .. } => {
                    bytes += kept_bytes(result);
                    if unsent.is_empty() || bytes <= REPORT_BYTES_MAX {
                        unsent.push((**result).clone());
                    } else {
                        // Its turn comes; until then c2d must not think it lost.
                        running.push(*attempt);
                    }
                }
            }
        }
        // The README's waiting times, up to what keeps the worker online.
        let step = BACKOFF_S[self.idle.min(BACKOFF_S.len() - 1)].min(PARK_MAX_S);
        PollRequest {
            worker_id: self.identity.worker_id.clone(),
            boot_id: self.identity.boot_id.clone(),
            session: self.identity.session.clone(),
            seq: self.seq,
            // What a full disk lets start fails at once, and the next one after it.
            slots_free: if load.disk_full || !self.takes_work { 0 } else { self.slots_free() },
            running,
            wait_s: if unsent.is_empty() && self.cleaned.is_empty() { step } else { 0 },
            unsent,
            cleaned: self.cleaned.clone(),
            load: load.clone(),
        }
    }
}

fn kept_bytes(result: &AttemptResult) -> usize {
    [&result.stdout, &result.stderr].iter().map(|output| output.head.0.len() + output.tail.0.len()).sum()
}
