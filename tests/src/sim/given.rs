//! What c2d gave to workers, by its decisions and by the polls that reached it: how much of it waits there for a
//! slot, and how young that is which has one.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::limits::AHEAD_PER_SLOT;
use c2d::sched::Decision;
use c2d::sched::decision::GrantRecord;
use c2d::sched::event::Poll;

/// Slots that were taken so long ago attract nothing more.
const YOUNG_MS: u64 = 1_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// What each worker holds; since when it has its slot, as far as c2d knows.
    held: BTreeMap<WorkerId, BTreeMap<AttemptId, Held>>,
    /// Every attempt that was ever given ahead of a slot.
    ahead: BTreeSet<AttemptId>,
}

#[derive(Clone, Copy, Debug)]
enum Held {
    Waits,
    Slot { since_ms: Option<u64> },
}

impl Given {
    /// Whether an attempt was given ahead of a slot.
    pub(crate) fn was_ahead(&self, attempt: AttemptId) -> bool {
        self.ahead.contains(&attempt)
    }

    /// c2d was started again with what was durable, and does not know how long anything has run.
    pub(crate) fn restart(&mut self, grants: &[GrantRecord]) {
        self.held.clear();
        for GrantRecord { attempt, worker, ahead, outcome, .. } in grants {
            let held = if *ahead { Held::Waits } else { Held::Slot { since_ms: None } };
            if outcome.is_none() {
                self.held.entry(worker.clone()).or_default().insert(*attempt, held);
            }
        }
    }

    pub(crate) fn note_poll(&mut self, poll: &Poll, now_ms: u64) {
        let Some(held) = self.held.get_mut(&poll.worker) else { return };
        for attempt in &poll.running {
            if let Some(held @ Held::Waits) = held.get_mut(attempt) {
                let age_ms = poll.ages_ms.get(attempt).copied().unwrap_or(0);
                *held = Held::Slot { since_ms: Some(now_ms.saturating_sub(age_ms)) };
            }
        }
    }

    /// Follows a decision; answers whether it gives a job ahead of a slot, and if so whether more wait there by now
    /// than one for each slot.
    pub(crate) fn check(&mut self, decision: &Decision, now_ms: u64) -> Option<bool> {
        match decision {
            Decision::Assign { attempt, worker, ahead, .. } => {
                let held = self.held.entry(worker.clone()).or_default();
                let slot = Held::Slot { since_ms: Some(now_ms) };
                held.insert(*attempt, if *ahead { Held::Waits } else { slot });
                if !ahead {
                    // One of this number may have been given ahead before, which was not durable.
                    self.ahead.remove(attempt);
                    return None;
                }
                self.ahead.insert(*attempt);
                let young = |held: &&Held| matches!(held, Held::Slot { since_ms: Some(since) } if now_ms.saturating_sub(*since) < YOUNG_MS);
                let waiting = held.values().filter(|held| matches!(held, Held::Waits)).count();
                let young = held.values().filter(young).count();
                let most = AHEAD_PER_SLOT * young;
                assert!(waiting <= most, "{attempt} waits at {worker} as number {waiting} behind {young} young ones");
                Some(waiting > young)
            }
            Decision::Free { attempt, worker } | Decision::Deliver { attempt, worker, .. } => {
                self.held.get_mut(worker).and_then(|held| held.remove(attempt));
                None
            }
            Decision::RemoveWorker { worker } => {
                self.held.remove(worker);
                None
            }
            _ => None,
        }
    }
}
