//! What happens when the disk is so full that nothing can be made durable any more.
//!
//! The state goes back to what is durable, whoever waited is refused, and from then on nothing changes
//! until there is space. Workers are answered meanwhile, with nothing, so that what runs there goes on:
//! they keep their results. No time is seen to pass, so nobody is blamed for his silence.

use std::time::Duration;

use c2_shared::limits::EXHAUSTED_BYTES;
use c2_shared::time::Mono;
use tokio::sync::oneshot;

use super::task::{Engine, Pending};
use super::{Durable, Refusal};
use crate::sched::Scheduler;
use crate::sched::decision::{PollAnswer, Saved};
use crate::sched::event::{Now, TimeUnobserved, WorkerHeard, WorkerPolled};

/// How often it is looked whether there is space again.
const LOOK_EVERY_MS: u64 = 1_000;
/// Between these bounds a poll is held, as it would be by a c2d that has nothing to say.
const HELD_MIN: Duration = Duration::from_secs(1);
const HELD_MAX: Duration = Duration::from_secs(5);

impl<D: Durable> Engine<D> {
    /// Nothing of this turn is durable: the state is what was saved before it.
    pub(super) fn take_back(&mut self, now: Now, saved: Saved, pending: Pending) {
        tracing::error!("the disk is full to the last byte: nothing is recorded until there is space again");
        self.scheduler = Scheduler::restore(saved, self.capacity, now);
        self.exhausted = Some(now.mono.after_ms(LOOK_EVERY_MS));
        for (_, answer) in std::mem::take(&mut self.polls) {
            hold(HELD_MIN, answer);
        }
        self.answer(now, Vec::new(), pending, &Err(Refusal::DiskFull));
    }

    /// Looks whether there is space again.
    pub(super) fn look_for_space(&mut self, now: Now, pending: &mut Pending) {
        if self.exhausted.is_some_and(|at| at <= now.mono) {
            if self.store.free_bytes() >= EXHAUSTED_BYTES {
                tracing::info!("there is space on the disk again");
                self.exhausted = None;
                self.apply(now, TimeUnobserved, pending);
            } else {
                self.exhausted = Some(now.mono.after_ms(LOOK_EVERY_MS));
            }
        }
    }

    /// Holds a poll for a while and answers with nothing. Only that its worker lives is noted.
    pub(super) fn hold_poll(
        &mut self,
        now: Now,
        polled: &WorkerPolled,
        answer: oneshot::Sender<Result<PollAnswer, Refusal>>,
    ) {
        let mut decisions = Vec::new();
        let heard = self.scheduler.apply(
            now,
            WorkerHeard { worker: polled.poll.worker.clone(), ip: polled.poll.ip },
            &mut decisions,
        );
        debug_assert!(heard.is_ok() && decisions.is_empty(), "to be heard changes nothing durable");
        hold(Duration::from_millis(polled.poll.wait_ms).clamp(HELD_MIN, HELD_MAX), answer);
    }

    /// When it is looked again.
    pub(super) fn next_look(&self) -> Option<Mono> {
        self.exhausted
    }
}

fn hold(wait: Duration, answer: oneshot::Sender<Result<PollAnswer, Refusal>>) {
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        // The worker may be gone.
        drop(answer.send(Ok(PollAnswer::default())));
    });
}
