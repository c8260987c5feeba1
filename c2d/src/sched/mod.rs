//! The scheduler: which job runs where and when, as a pure state machine.
//!
//! It knows no clock, no disk and no network. Events and the present time go in; decisions come
//! out; [`Scheduler::next_deadline`] says when it must be asked again even if nothing happens.
//! Handlers (`on_*`) read the state and write decisions, and `evolve` is the only place where a
//! decision changes the state, so that what is stored and what is remembered are the same thing.

pub mod decision;
pub mod event;
pub mod reject;
pub mod view;

pub use decision::{Decision, Saved};
pub use event::{Event, Now, Reply};
pub use reject::Reject;
pub use view::{JobView, QueueView, WorkerView};

use std::net::IpAddr;

use c2_shared::id::JobId;
use c2_shared::time::Mono;

/// All live jobs and workers.
#[derive(Debug)]
pub struct Scheduler {}

impl Scheduler {
    /// Goes on where the store left off; with [`Saved::default`], begins.
    #[must_use]
    pub fn restore(saved: Saved, capacity: usize, now: Now) -> Self {
        let _ = (saved, capacity, now);
        unimplemented!()
    }

    /// Handles one event. On refusal nothing has changed and no decision was made.
    pub fn apply(&mut self, now: Now, event: Event, decisions: &mut Vec<Decision>) -> Result<Reply, Reject> {
        let _ = (now, event, decisions);
        unimplemented!()
    }

    /// When [`Event::TimePassed`] is due at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        unimplemented!()
    }

    /// A live job.
    #[must_use]
    pub fn job(&self, now: Now, id: JobId) -> Option<JobView> {
        let _ = (now, id);
        unimplemented!()
    }

    /// Live jobs by id, after `after`, at most `limit`.
    #[must_use]
    pub fn jobs(&self, now: Now, after: Option<JobId>, limit: usize) -> Vec<JobView> {
        let _ = (now, after, limit);
        unimplemented!()
    }

    /// The last job id given; ids up to it exist or existed.
    #[must_use]
    pub fn last_job(&self) -> u64 {
        unimplemented!()
    }

    /// All workers by address.
    #[must_use]
    pub fn workers(&self, now: Now) -> Vec<WorkerView> {
        let _ = now;
        unimplemented!()
    }

    /// One worker.
    #[must_use]
    pub fn worker(&self, now: Now, ip: IpAddr) -> Option<WorkerView> {
        let _ = (now, ip);
        unimplemented!()
    }

    /// The queue in numbers.
    #[must_use]
    pub fn queue(&self, now: Now) -> QueueView {
        let _ = now;
        unimplemented!()
    }
}
