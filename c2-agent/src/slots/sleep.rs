//! Whether the machine may sleep: c2d is asked with a poll, and the answer to that poll alone counts.

use c2_shared::time::Mono;

use super::{Action, Line, Slots};

impl Slots {
    /// Whether nothing is held here and nothing owed.
    pub(crate) fn has_nothing(&self) -> bool {
        self.held.is_empty() && self.cleaned.is_empty()
    }

    /// The machine would sleep: c2d is asked at once.
    pub(crate) fn ask_to_sleep(&mut self, now: Mono) {
        if self.registered && self.has_nothing() && !self.sleeps {
            self.sleepy = true;
            self.hurry(now);
        }
    }

    pub(super) fn would_sleep(&self) -> bool {
        self.sleepy && self.has_nothing()
    }

    /// c2d has answered; whatever became of it, another poll asks again.
    pub(super) fn fall_asleep(&mut self, may_sleep: bool) -> Option<Action> {
        let asked = std::mem::take(&mut self.sleepy);
        self.sleeps = asked && may_sleep && self.registered && self.has_nothing();
        self.sleeps.then_some(Action::Sleep)
    }

    /// The machine is awake again, or could not sleep.
    pub(crate) fn wake_up(&mut self, now: Mono) {
        if std::mem::take(&mut self.sleeps) {
            self.line = Line::Quiet { due: now };
        }
    }

    /// Whether the machine sleeps, or is about to.
    pub(crate) const fn sleeps(&self) -> bool {
        self.sleeps
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::api::work::PollResponse;

    use crate::slots::tests::{Scene, ack, assign};

    fn yes() -> PollResponse {
        PollResponse { may_sleep: true, ..PollResponse::default() }
    }

    #[test]
    fn a_machine_sleeps_when_c2d_agrees_and_says_nothing_meanwhile() {
        let mut scene = Scene::registered(4);
        assert!(!scene.polls(2).would_sleep);
        scene.slots.ask_to_sleep(scene.now);
        let poll = scene.polls(3);
        assert_eq!((poll.would_sleep, poll.wait_s), (true, 0), "the parked poll is not waited for");
        assert_eq!(scene.answer(2, yes()), "", "only the newest answer counts");
        assert_eq!(scene.answer(3, yes()), "sleep");
        scene.pass(600_000);
        assert_eq!(scene.sends(), "nothing");
        scene.slots.wake_up(scene.now);
        assert!(!scene.polls(4).would_sleep);
    }

    #[test]
    fn it_stays_awake_when_c2d_has_work_or_does_not_agree() {
        let mut scene = Scene::registered(4);
        scene.slots.ask_to_sleep(scene.now);
        assert!(scene.polls(2).would_sleep);
        assert_eq!(scene.answer(2, PollResponse::default()), "");
        scene.pass(1_000);
        assert!(!scene.polls(3).would_sleep, "it is asked once");
        assert_eq!(scene.answer(3, yes()), "", "it was not asked");
        scene.pass(1_000);
        scene.slots.ask_to_sleep(scene.now);
        assert!(scene.polls(4).would_sleep);
        let both = PollResponse { may_sleep: true, ..assign(&[1]) };
        assert_eq!(scene.answer(4, both), "start 1 54000");
        scene.slots.ask_to_sleep(scene.now);
        assert!(!scene.polls(5).would_sleep, "a job runs");
        drop(scene.answer(5, ack(&[])));
    }
}
