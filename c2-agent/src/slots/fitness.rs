//! What this worker cannot start, and whether the machine is fit for work at all.

use c2_shared::id::AttemptId;
use c2_shared::time::Mono;

use super::{Held, Slots, Unstarted};

impl Slots {
    /// An attempt was handed over: from now on its command may run.
    pub(crate) fn on_launched(&mut self, now: Mono, attempt: AttemptId) {
        if let Some(held @ Held::Staged { .. }) = self.held.get_mut(&attempt) {
            let started = matches!(held, Held::Staged { waited: true, .. }).then_some(now);
            *held = Held::Running { killing: false, started };
        }
    }

    /// An attempt goes back to c2d: its command never started.
    pub(crate) fn on_returned(&mut self, now: Mono, attempt: AttemptId, reason: String) {
        if self.is_open(attempt) {
            self.held.insert(attempt, Held::Returned { reason, why: Unstarted::Fails });
            self.come_sooner(now);
        }
    }

    /// Something must be said at once.
    pub(crate) fn hurry(&mut self, now: Mono) {
        self.news = true;
        self.come_sooner(now);
    }

    /// Notes how the machine's test of itself ended; answers whether that is new.
    pub(crate) fn on_tested(&mut self, now: Mono, unfit: Option<String>) -> bool {
        let changed = self.unfit != unfit;
        if changed {
            self.unfit = unfit;
            self.hurry(now);
        }
        changed
    }
}
