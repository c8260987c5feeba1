//! The introduction, which comes before everything else.

use c2_shared::time::Mono;

use super::{Line, Slots};

impl Slots {
    /// c2d knows this worker now. An older c2d gets the results that it is owed and gives
    /// no new jobs.
    pub(crate) fn on_registered(&mut self, now: Mono, seq: u64, takes_work: bool) {
        if self.awaits(seq) {
            self.registered = true;
            self.takes_work = takes_work;
            self.line = Line::Quiet { due: now };
        }
    }

    /// The worker has to introduce itself once more, after a while.
    pub(crate) fn introduce_after(&mut self, now: Mono, seq: u64, ms: u64) {
        if self.awaits(seq) {
            self.registered = false;
            self.line = Line::Quiet { due: now.after_ms(ms) };
        }
    }

    /// It can introduce itself now, if it waits with that.
    pub(crate) fn introduce_now(&mut self, now: Mono) {
        if let (false, Line::Quiet { due }) = (self.registered, &mut self.line) {
            *due = (*due).min(now);
        }
    }

    /// This run has another number than it thought.
    pub(crate) const fn count_from(&mut self, start: u64) {
        self.identity.session.start = start;
    }
}
