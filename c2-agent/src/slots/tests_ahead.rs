//! Scenarios of attempts that wait for a slot: each states all that is sent and done, and nothing else.

use c2_shared::api::work::StartedAttempt;

use super::tests::{Scene, ack, assign, attempt, kill, words};
use super::*;

/// These jobs, ahead of slots.
fn ahead(jobs: &[u64]) -> PollResponse {
    let mut answer = assign(jobs);
    for given in &mut answer.assign {
        if let Given::Readable(assignment) = given {
            assignment.ahead = true;
        }
    }
    answer
}

fn recall(jobs: &[u64]) -> PollResponse {
    PollResponse { recall: jobs.iter().copied().map(attempt).collect(), ..PollResponse::default() }
}

impl Scene {
    /// A worker with so many slots, in which the first jobs run, and these wait.
    fn waiting(slots: u64, waiting: &[u64]) -> Self {
        let mut scene = Self::registered(u32::try_from(slots).unwrap());
        scene.sends();
        let running: Vec<u64> = (1..=slots).collect();
        let mut answer = assign(&running);
        answer.assign.extend(ahead(waiting).assign);
        scene.answer(2, answer);
        running.iter().for_each(|job| scene.slots.on_launched(scene.now, attempt(*job)));
        // It lingers, as a result may come at once.
        scene.pass(LINGER_MS);
        scene
    }

    fn starts(&mut self) -> String {
        let actions = self.slots.start_waiting(self.now, &Load::default());
        words(&actions)
    }
}

#[test]
fn the_end_of_one_is_the_start_of_the_next_and_both_are_said_at_once() {
    let mut scene = Scene::waiting(2, &[3, 4]);
    assert_eq!(scene.starts(), "", "no slot is free");
    scene.pass(100);
    let poll = scene.polls(3);
    assert_eq!((poll.staged, poll.slots_free, poll.takes_ahead), (vec![attempt(3), attempt(4)], 0, true));
    scene.ends(1);
    assert_eq!(scene.starts(), "start 3 53880");
    scene.slots.on_launched(scene.now, attempt(3));
    scene.pass(40);
    let poll = scene.polls(4);
    assert_eq!((poll.running, poll.staged), (vec![attempt(2), attempt(3)], vec![attempt(4)]));
    assert_eq!(poll.started, [StartedAttempt { attempt: attempt(3), age_ms: 40 }]);
    assert_eq!((poll.slots_free, poll.unsent.len()), (0, 1));
}

#[test]
fn no_more_wait_than_four_for_a_slot_and_nothing_that_is_not_to_wait() {
    let mut scene = Scene::waiting(1, &[2, 3, 4, 5, 6]);
    let poll = scene.polls(3);
    assert_eq!(poll.staged, [2, 3, 4, 5].map(attempt));
    assert_eq!(scene.answer(3, assign(&[6])), "", "it has no slot");
}

#[test]
fn what_is_called_back_goes_back_unless_it_has_started() {
    let mut scene = Scene::waiting(1, &[2]);
    scene.polls(3);
    scene.ends(1);
    assert_eq!(scene.starts(), "start 2 53980");
    scene.polls(4);
    assert_eq!(scene.answer(3, recall(&[2])), "", "the answer is to an older poll");
    assert_eq!(scene.answer(4, PollResponse { recall: vec![attempt(2)], ..ack(&[1]) }), "forget 1", "started wins");
    assert_eq!(scene.slots.running(), 1);

    let mut scene = Scene::waiting(1, &[2]);
    scene.polls(3);
    assert_eq!(scene.answer(3, recall(&[2])), "");
    let poll = scene.polls(4);
    assert_eq!((poll.staged, poll.wait_s), (vec![], 0));
    let returned: Vec<_> = poll.returned.iter().map(|one| (one.attempt, one.recalled, one.unreadable)).collect();
    assert_eq!(returned, [(attempt(2), true, false)]);
    scene.ends(1);
    assert_eq!(scene.starts(), "", "it never starts here");
    assert_eq!(scene.answer(4, ahead(&[2])), "", "also if that is late");
    scene.pass(1_000);
    let poll = scene.polls(5);
    assert_eq!((poll.returned.len(), poll.unsent.len()), (1, 1), "until it is acknowledged");
    assert_eq!(scene.answer(5, ack(&[1, 2])), "forget 1; forget 2");
}

#[test]
fn a_kill_gives_it_back_too() {
    let mut scene = Scene::waiting(1, &[2]);
    scene.polls(3);
    assert_eq!(scene.answer(3, kill(2)), "");
    let poll = scene.polls(4);
    assert_eq!((poll.returned[0].attempt, poll.returned[0].recalled), (attempt(2), true));
}

#[test]
fn nothing_starts_by_itself_when_c2d_was_silent_for_long() {
    for (silent_ms, starts) in [(9_979, "start 2 44001"), (9_980, "")] {
        let mut scene = Scene::waiting(1, &[2]);
        scene.polls(3);
        scene.pass(silent_ms);
        scene.ends(1);
        assert_eq!(scene.starts(), starts, "{silent_ms}");
        assert_eq!(scene.fail(3, Failure::NoAnswer), "", "{silent_ms}");
        scene.pass(1_000);
        let poll = scene.polls(4);
        assert_eq!(poll.returned.len(), usize::from(starts.is_empty()), "{silent_ms}");
    }
}

#[test]
fn nothing_waits_where_nothing_new_is_started() {
    let mut scene = Scene::waiting(1, &[2]);
    let full = Load { disk_full: true, ..Load::default() };
    assert_eq!(scene.slots.start_waiting(scene.now, &full), []);
    let Some(Request { kind: RequestKind::Poll(poll), .. }) = scene.slots.next_request(scene.now, &full) else {
        panic!("it has something to say");
    };
    assert_eq!((poll.takes_ahead, poll.returned.len(), poll.staged), (false, 1, vec![]));

    let mut scene = Scene::waiting(1, &[2]);
    scene.slots.on_tested(scene.now, Some("no space".to_owned()));
    assert_eq!(scene.starts(), "");
    let poll = scene.polls(3);
    assert_eq!((poll.takes_ahead, poll.returned.len()), (false, 1));
}

#[test]
fn a_job_that_may_wait_starts_at_once_where_a_slot_is_free() {
    let mut scene = Scene::registered(1);
    scene.sends();
    assert_eq!(scene.answer(2, ahead(&[1])), "start 1 54000");
    scene.slots.on_launched(scene.now, attempt(1));
    scene.pass(LINGER_MS);
    assert_eq!(scene.polls(3).started.len(), 1, "c2d does not know of it");
}

#[test]
fn results_wait_a_moment_for_others_while_enough_waits_for_the_slots() {
    let mut scene = Scene::waiting(4, &[5, 6, 7, 8]);
    scene.polls(3);
    assert_eq!(scene.answer(3, PollResponse::default()), "");
    for (ended, starts, due_in) in [(1, 5, GATHER_MS), (2, 6, GATHER_MS - 1), (3, 7, 0)] {
        scene.ends(ended);
        assert_eq!(scene.due_in(), Some(due_in), "{ended}");
        assert!(scene.starts().starts_with(&format!("start {starts} ")));
        scene.slots.on_launched(scene.now, attempt(starts));
        scene.pass(u64::from(ended == 1));
    }
    let poll = scene.polls(4);
    assert_eq!((poll.unsent.len(), poll.staged), (3, vec![attempt(8)]));
    scene.ends(4);
    scene.answer(4, PollResponse { assign: ahead(&[9, 10, 11, 12]).assign, ..ack(&[1, 2, 3]) });
    assert_eq!(scene.due_in(), Some(GATHER_MS), "what ended meanwhile too");
    scene.pass(GATHER_MS);
    assert_eq!(scene.polls(5).unsent.len(), 1, "and no longer, though no other came");

    // What is called back goes at once.
    scene.ends(5);
    scene.answer(5, PollResponse { recall: vec![attempt(12)], ..ack(&[4]) });
    assert_eq!(scene.due_in(), Some(0));
}
