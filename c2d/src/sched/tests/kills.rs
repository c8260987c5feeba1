//! c2d repeats what a worker must end until it is gone, even if answers are lost.

use c2_shared::id::JobId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{KILL_REPEAT_MS, LEASE_MS};

use super::lab::{Lab, attempt, job, plain};
use crate::sched::event::{self, PollToken};

fn running(on_lost: OnLost) -> Lab {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| j.on_lost = on_lost)]).unwrap();
    lab.poll(2);
    lab
}

fn cancel(lab: &mut Lab) -> JobState {
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap()
}

/// What a waiting poll was told to end, if it was answered.
fn told(lab: &mut Lab, token: PollToken) -> Option<Vec<c2_shared::id::AttemptId>> {
    lab.answers.remove(&token).map(|answer| answer.kill)
}

#[test]
fn a_cancel_answers_the_poll_that_waits_and_is_said_again_while_the_attempt_is_listed() {
    let mut lab = running(OnLost::Requeue);
    let lost = lab.park(2);
    cancel(&mut lab);
    assert_eq!(told(&mut lab, lost), Some(vec![attempt(1, 1)]));
    // Nobody read that answer. The next poll waits, as it may have been read, but not for long.
    let next = lab.park(2);
    lab.sleep(KILL_REPEAT_MS - 1);
    assert_eq!(told(&mut lab, next), None, "an agent that ends it is not asked again at once");
    lab.sleep(1);
    assert_eq!(told(&mut lab, next), Some(vec![attempt(1, 1)]));
    lab.sleep(KILL_REPEAT_MS);
    let late = lab.park(2);
    assert_eq!(told(&mut lab, late), Some(vec![attempt(1, 1)]), "the time to say it again has passed");
    lab.finish(2, attempt(1, 1), Outcome::Cancelled);
    assert_eq!(lab.poll(2).kill, []);
    assert_eq!(lab.state(1), JobState::Cancelled);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; answer 2 -1.1; answer 2 -1.1; answer 2 -1.1; \
         end 1: cancelled; free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn an_answer_for_another_reason_says_it_too() {
    let mut lab = running(OnLost::Requeue);
    let first = lab.park(2);
    cancel(&mut lab);
    assert_eq!(told(&mut lab, first), Some(vec![attempt(1, 1)]));
    let second = lab.park(2);
    lab.submit(vec![plain()]).unwrap();
    let answer = lab.collect(2, second).unwrap();
    assert_eq!((answer.assign.len(), answer.kill), (1, vec![attempt(1, 1)]));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; answer 2 -1.1; add 2 queued; assign 2.1 to 2; \
         answer 2 +2.1 -1.1",
    );
}

#[test]
fn an_operator_who_cancels_again_has_it_said_again() {
    let mut lab = running(OnLost::Requeue);
    for _ in 0..2 {
        let token = lab.park(2);
        cancel(&mut lab);
        assert_eq!(told(&mut lab, token), Some(vec![attempt(1, 1)]));
    }
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; answer 2 -1.1; answer 2 -1.1");
}

#[test]
fn a_job_cancelled_while_its_worker_was_away_is_ended_when_that_is_back() {
    for on_lost in [OnLost::Requeue, OnLost::Fail, OnLost::Wait] {
        let mut lab = running(on_lost);
        lab.sleep(1_000);
        cancel(&mut lab);
        lab.sleep(LEASE_MS);
        assert_eq!(lab.state(1), JobState::Cancelled, "{on_lost:?}");
        let token = lab.park(2);
        assert_eq!(told(&mut lab, token), Some(vec![attempt(1, 1)]), "{on_lost:?}");
        let again = lab.park(2);
        lab.sleep(KILL_REPEAT_MS);
        assert_eq!(told(&mut lab, again), Some(vec![attempt(1, 1)]), "{on_lost:?}");
        lab.expect(
            "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; end 1: cancelled; answer 2 -1.1; \
             answer 2 -1.1",
        );
    }
}

#[test]
fn a_cancel_after_the_lease_ends_a_job_that_waits_for_its_worker() {
    let mut lab = running(OnLost::Wait);
    lab.sleep(LEASE_MS);
    assert_eq!(lab.state(1), JobState::Running);
    assert_eq!(cancel(&mut lab), JobState::Cancelled);
    assert_eq!(lab.poll(2).kill, [attempt(1, 1)]);
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1; end 1: cancelled; answer 2 -1.1");
}

#[test]
fn a_cancel_after_a_restart_ends_such_a_job_when_the_lease_is_over() {
    let mut lab = running(OnLost::Wait);
    lab.restart();
    cancel(&mut lab);
    lab.sleep(LEASE_MS - 1);
    assert_eq!(lab.state(1), JobState::Running);
    lab.sleep(1);
    assert_eq!(lab.state(1), JobState::Cancelled);
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; end 1: cancelled");
}

#[test]
fn an_attempt_that_c2d_never_issued_is_to_be_ended() {
    let mut lab = Lab::new(&[2]);
    lab.agents.get_mut(&2).unwrap().running.insert(attempt(9, 1));
    assert_eq!(lab.poll(2).kill, [attempt(9, 1)]);
    lab.expect("answer 2 -9.1");
}

#[test]
fn kills_that_are_said_again_do_not_spin() {
    let mut lab = running(OnLost::Requeue);
    cancel(&mut lab);
    let mut answers = 0;
    let mut waiting = None;
    for _ in 0..100 {
        let token = waiting.take().unwrap_or_else(|| lab.park(2));
        match told(&mut lab, token) {
            Some(_) => answers += 1,
            None => waiting = Some(token),
        }
        lab.sleep(100);
    }
    assert!((5..=10).contains(&answers), "{answers} answers in 10 s");
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; answer 2 -1.1; answer 2 -1.1; answer 2 -1.1; \
         answer 2 -1.1; answer 2 -1.1; answer 2 -1.1",
    );
}
