//! What an agent does while others need its machine: nothing new starts, and what runs stands still.

use c2_shared::worker::yields_to;

use super::Agent;
use crate::clock;
use crate::supervise::wire::Start;

impl Agent {
    /// The machine was looked at: others may need it now, or no more.
    pub(super) fn on_looked(&mut self) {
        let to = self.load.borrow_and_update().yields_to.clone();
        if to == self.yields_to {
            return;
        }
        match to.is_empty() {
            true => tracing::info!("no one else needs this machine any more; jobs continue"),
            false => tracing::info!("this machine {}; jobs stand still", yields_to(&to)),
        }
        self.yields_to = to;
        self.runners.set_yielding(self.yields());
        // c2d must know at once, so that nothing is given to this machine.
        self.slots.hurry(clock::elapsed());
        if !self.yields() {
            for start in std::mem::take(&mut self.held_back) {
                self.begin_late(start);
            }
        }
    }

    /// Whether nothing new may start.
    pub(super) const fn yields(&self) -> bool {
        !self.yields_to.is_empty()
    }

    /// Starts a job that had to wait here, unless c2d was away for too long meanwhile.
    pub(super) fn begin_late(&mut self, mut start: Start) {
        let (now, attempt) = (clock::elapsed(), start.attempt);
        start.lease_ms = start.lease_ms.map(|_| self.slots.lease_left_ms(now));
        if start.lease_ms == Some(0) {
            self.slots.on_returned(now, attempt, "c2d was away for too long".to_owned());
        } else {
            self.launch(start);
        }
    }
}
