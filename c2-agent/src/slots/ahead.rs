//! Attempts that wait here for a slot, so that the end of one job and the start of the next need no round trip.
//!
//! They are started here only while c2d is known to believe that this worker is online. After that they go back: it
//! may have given this worker up, and would wait for them. Whatever waited when an agent ended was not started.

use c2_shared::api::work::Given;
use c2_shared::id::AttemptId;
use c2_shared::job::OnLost;
use c2_shared::limits::{AHEAD_FRESH_MS, AHEAD_PER_SLOT};
use c2_shared::time::Mono;
use c2_shared::worker::Load;

use super::{Action, Held, Slots, Unstarted};

impl Slots {
    /// Whether an attempt may wait here: no more than c2d gives ahead of so many slots.
    pub(super) fn may_wait(&self, given: &Given) -> bool {
        let room = AHEAD_PER_SLOT * self.slots as usize;
        matches!(given, Given::Readable(assignment) if assignment.ahead) && self.waiting() < room
    }

    /// Whether results may wait for others: more waits here for the slots than results are owed, and nothing goes back,
    /// which is wanted elsewhere.
    pub(super) fn gathers(&self) -> bool {
        let goes_back = self.held.values().any(|held| matches!(held, Held::Returned { .. }));
        let owed = self.held.values().filter(|held| matches!(held, Held::Ended { .. })).count();
        !goes_back && (1..self.waiting()).contains(&owed)
    }

    fn waiting(&self) -> usize {
        self.held.values().filter(|held| matches!(held, Held::Ahead { .. })).count()
    }

    /// Whether attempts may wait here for slots that will be free: not where nothing new is started at present.
    pub(super) fn takes_ahead(&self, load: &Load) -> bool {
        self.starts_new(load) && self.unfit.is_none()
    }

    /// Whether anything new is started here at present.
    pub(super) fn starts_new(&self, load: &Load) -> bool {
        // What a full disk lets start fails at once, and the next one after it.
        self.takes_work && !load.disk_full && load.yields_to.is_empty() && !(self.spool_fails && self.owes())
    }

    /// Starts what waits here, as far as there are slots for it, the oldest first; or gives all of it back.
    pub(crate) fn start_waiting(&mut self, now: Mono, load: &Load) -> Vec<Action> {
        let waits = |(attempt, held): (&AttemptId, &Held)| matches!(held, Held::Ahead { .. }).then_some(*attempt);
        let waiting: Vec<AttemptId> = self.held.iter().filter_map(waits).collect();
        let mut actions = Vec::new();
        if waiting.is_empty() {
            return actions;
        }
        let is_fresh = self.heard.is_some_and(|heard| now.since_ms(heard) < AHEAD_FRESH_MS);
        if !is_fresh || !self.takes_ahead(load) {
            for attempt in waiting {
                self.give_back(attempt, "this worker starts nothing new at present");
            }
            self.come_sooner(now);
            return actions;
        }
        for attempt in waiting {
            if self.slots_free() == 0 {
                break;
            }
            let staged = Held::Staged { killing: false, waited: true };
            if let Some(Held::Ahead { assignment }) = self.held.insert(attempt, staged) {
                let lease_ms = (assignment.spec.on_lost != OnLost::Wait).then(|| self.lease_left_ms(now));
                actions.push(Action::Start { assignment, lease_ms });
            }
        }
        actions
    }

    /// Gives back what waits here; says whether it did.
    pub(super) fn give_back(&mut self, attempt: AttemptId, reason: &str) -> bool {
        let Some(held @ Held::Ahead { .. }) = self.held.get_mut(&attempt) else { return false };
        *held = Held::Returned { reason: reason.to_owned(), why: Unstarted::Recalled };
        true
    }
}
