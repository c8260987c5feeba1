//! Results on their way: what of them is on disk, and which wait for their contents.

use c2_shared::api::work::AttemptResult;
use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::time::Mono;

use super::{Action, Held, Slots};

impl Slots {
    /// Takes over an ended attempt of which an earlier run of the agent had not delivered everything.
    pub(crate) fn adopt_delivering(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.held.insert(attempt, Held::Delivering { outcome, killing: false });
    }

    /// No process of an attempt is left, but its result waits for what it leaves to be delivered.
    pub(crate) fn on_delivering(&mut self, now: Mono, attempt: AttemptId, outcome: Outcome) {
        if let Some(held @ Held::Running { .. }) = self.held.get_mut(&attempt) {
            *held = Held::Delivering { outcome, killing: false };
            self.news = true;
            self.come_sooner(now);
        }
    }

    /// Takes back the result of an attempt whose contents are to be delivered otherwise, and whether it
    /// is on disk.
    pub(crate) fn take_back(&mut self, attempt: AttemptId) -> Option<(AttemptResult, bool)> {
        let held = self.held.get_mut(&attempt)?;
        let Held::Ended { result, .. } = &*held else { return None };
        let delivering = Held::Delivering { outcome: result.outcome.clone(), killing: false };
        match std::mem::replace(held, delivering) {
            Held::Ended { result, spooled } => Some((*result, spooled)),
            Held::Ahead { .. } | Held::Staged { .. } | Held::Running { .. } => None,
            Held::Returned { .. } | Held::Delivering { .. } => None,
        }
    }

    /// Notes what became of a result that was to be kept on disk. While one cannot be, nothing new is
    /// taken.
    pub(crate) fn on_spooled(&mut self, attempt: AttemptId, on_disk: bool) {
        self.spool_fails = !on_disk;
        if let Some(Held::Ended { spooled, .. }) = self.held.get_mut(&attempt) {
            *spooled = on_disk;
        }
    }

    pub(super) fn owed_by(&self, attempt: AttemptId) -> Option<&AttemptResult> {
        match self.held.get(&attempt)? {
            Held::Ended { result, .. } => Some(&**result),
            Held::Ahead { .. } | Held::Staged { .. } | Held::Running { .. } => None,
            Held::Returned { .. } | Held::Delivering { .. } => None,
        }
    }

    /// Has those of `reports` kept on disk that are still owed and are not kept yet.
    pub(super) fn spool(&mut self, reports: &[AttemptId], actions: &mut Vec<Action>) {
        for attempt in reports {
            if let Some(Held::Ended { result, spooled: spooled @ false }) = self.held.get_mut(attempt) {
                *spooled = true;
                actions.push(Action::Spool(result.clone()));
            }
        }
    }
}
