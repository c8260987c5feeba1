//! Scenarios of the core: each states all that is sent and done, and nothing else.

use c2_shared::api::output::{Output, OutputBlob};
use c2_shared::api::work::{Assignment, PollRequest, ReturnedAttempt};
use c2_shared::blob::BlobId;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, Outcome};

use super::*;

const FENCE_MS: u64 = 54_000;

pub(super) fn attempt(job: u64) -> AttemptId {
    AttemptId { job: JobId(job), number: 1 }
}

fn result(job: u64) -> AttemptResult {
    AttemptResult::new(attempt(job), Outcome::Exit { code: 0 })
}

fn assignment(job: u64, on_lost: OnLost) -> Given {
    let spec = JobSpec { command: "true".to_owned(), on_lost, ..JobSpec::default() };
    let (attempt, job_id, tags) = (attempt(job), JobId(job), Vec::new());
    Given::Readable(Box::new(Assignment { attempt, job_id, tags, spec, spec_sha256: None, ahead: false }))
}

pub(super) fn assign(jobs: &[u64]) -> PollResponse {
    let assign = jobs.iter().map(|job| assignment(*job, OnLost::Requeue)).collect();
    PollResponse { assign, ..PollResponse::default() }
}

pub(super) fn ack(jobs: &[u64]) -> PollResponse {
    PollResponse { ack: jobs.iter().copied().map(attempt).collect(), ..PollResponse::default() }
}

pub(super) fn kill(job: u64) -> PollResponse {
    PollResponse { kill: vec![attempt(job)], ..PollResponse::default() }
}

/// A core with its own time, and short words for what it does.
pub(super) struct Scene {
    pub(super) slots: Slots,
    pub(super) now: Mono,
}

impl Scene {
    fn new(slots: u32) -> Self {
        Self { slots: Slots::new(Identity::default(), slots, FENCE_MS, Mono(1_000)), now: Mono(1_000) }
    }

    /// A worker that is known to c2d.
    pub(super) fn registered(slots: u32) -> Self {
        let mut scene = Self::new(slots);
        assert_eq!(scene.sends(), "1: register");
        scene.slots.on_registered(scene.now, 1, true);
        scene
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
    }

    /// What is sent now, as `seq: free/running/unsent/wait`, jobs by number.
    pub(super) fn sends(&mut self) -> String {
        match self.slots.next_request(self.now, &Load::default()) {
            None => "nothing".to_owned(),
            Some(Request { seq, kind: RequestKind::Register }) => format!("{seq}: register"),
            Some(Request { seq, kind: RequestKind::Poll(poll) }) => {
                assert_eq!(poll.seq, seq);
                let jobs = |attempts: Vec<AttemptId>| -> String {
                    attempts.iter().map(|a| a.job.0.to_string()).collect::<Vec<_>>().join(",")
                };
                let unsent = poll.unsent.iter().map(|result| result.attempt).collect();
                let running = poll.running.into_iter().chain(poll.staged).collect();
                format!("{seq}: {}/{}/{}/{}s", poll.slots_free, jobs(running), jobs(unsent), poll.wait_s)
            }
        }
    }

    /// The poll that is sent now.
    pub(super) fn polls(&mut self, seq: u64) -> PollRequest {
        match self.slots.next_request(self.now, &Load::default()) {
            Some(Request { seq: sent, kind: RequestKind::Poll(poll) }) if sent == seq => *poll,
            other => panic!("no poll {seq}: {other:?}"),
        }
    }

    pub(super) fn answer(&mut self, seq: u64, answer: PollResponse) -> String {
        let actions = self.slots.on_answer(self.now, seq, answer);
        words(&actions)
    }

    pub(super) fn fail(&mut self, seq: u64, failure: Failure) -> String {
        let actions = self.slots.on_failed(self.now, seq, failure, 0.0);
        words(&actions)
    }

    pub(super) fn ends(&mut self, job: u64) {
        self.slots.on_ended(self.now, result(job));
    }

    pub(super) fn due_in(&self) -> Option<u64> {
        self.slots.due().map(|due| due.since_ms(self.now))
    }
}

pub(super) fn words(actions: &[Action]) -> String {
    let word = |action: &Action| match action {
        Action::Start { assignment, lease_ms } => {
            format!("start {} {}", assignment.job_id.0, lease_ms.map_or("-".to_owned(), |ms| ms.to_string()))
        }
        Action::Kill(attempt) => format!("kill {}", attempt.job.0),
        Action::Forget { attempt, spooled } => format!("forget {}{}", attempt.job.0, if *spooled { "!" } else { "" }),
        Action::Spool(result) => format!("spool {}", result.attempt.job.0),
        Action::DeliverAgain(attempt) => format!("deliver {}", attempt.job.0),
        Action::Shorten(attempt) => format!("shorten {}", attempt.job.0),
        Action::Sleep => "sleep".to_owned(),
        Action::Renew { lease_ms } => format!("renew {lease_ms}"),
        Action::Limit { attempt, timeout_s } => format!("limit {attempt} {timeout_s}"),
    };
    actions.iter().map(word).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_cannot_be_read_is_handed_back_and_the_rest_runs() {
    let mut scene = Scene::registered(2);
    scene.sends();
    let newer = Given::Unreadable { attempt: attempt(1), reason: "unknown field \"cwd\"".to_owned() };
    let both = PollResponse { assign: vec![newer, assignment(2, OnLost::Requeue)], ..PollResponse::default() };
    assert_eq!(scene.answer(2, both), "start 2 54000");
    let poll = scene.polls(3);
    let reason = "this agent is too old for it: unknown field \"cwd\"".to_owned();
    assert_eq!(poll.returned, [ReturnedAttempt { attempt: attempt(1), reason, unreadable: true, recalled: false }]);
    assert_eq!((poll.staged, poll.slots_free, poll.wait_s), (vec![attempt(2)], 1, 0));
    assert_eq!(scene.answer(3, ack(&[1])), "forget 1");
    assert_eq!(scene.polls(4).returned, []);
}

#[test]
fn what_was_not_started_is_said_until_it_is_heard() {
    let mut scene = Scene::registered(2);
    scene.sends();
    assert_eq!(scene.answer(2, assign(&[1, 2])), "start 1 54000; start 2 54000");
    scene.slots.on_launched(scene.now, attempt(2));
    assert_eq!(scene.sends(), "nothing", "all slots are taken, so a result may come along");
    scene.slots.on_returned(scene.now, attempt(1), "no space".to_owned());
    let poll = scene.polls(3);
    assert_eq!((poll.running, poll.staged, poll.slots_free), (vec![attempt(2)], vec![], 1));
    assert_eq!(poll.returned[0].reason, "no space");
    assert_eq!(scene.answer(3, PollResponse::default()), "");
    assert!(scene.due_in() > Some(0), "an answer that does not take it is no reason to hurry");
    scene.pass(60_000);
    assert_eq!(scene.polls(4).returned.len(), 1);
}

#[test]
fn a_leader_of_before_does_not_count() {
    let mut scene = Scene::registered(2);
    let of = |epoch| PollResponse { epoch, ..PollResponse::default() };
    scene.sends();
    assert!(!scene.slots.is_deposed(&of(Some(1))), "nobody is known yet");
    scene.answer(2, of(Some(7)));
    let deposed = [None, Some(6), Some(7), Some(8)].map(|epoch| scene.slots.is_deposed(&of(epoch)));
    assert_eq!(deposed, [false, true, false, false], "one c2d alone has no number");
}

#[test]
fn a_machine_that_is_not_fit_says_why_at_once() {
    let mut scene = Scene::registered(2);
    scene.sends();
    assert!(scene.slots.on_tested(scene.now, Some("read-only".to_owned())));
    assert!(!scene.slots.on_tested(scene.now, Some("read-only".to_owned())));
    assert_eq!(scene.polls(3).self_test_error.as_deref(), Some("read-only"));
    assert!(scene.slots.on_tested(scene.now, None));
    assert_eq!(scene.polls(4).self_test_error, None);
}

#[test]
fn an_idle_worker_waits_longer_and_longer() {
    let mut scene = Scene::registered(4);
    for (seq, wait_s) in [(2, 1), (3, 2), (4, 4), (5, 5), (6, 5)] {
        assert_eq!(scene.sends(), format!("{seq}: 4///{wait_s}s"));
        assert_eq!(scene.sends(), "nothing", "one at a time");
        scene.pass(wait_s * 1_000);
        assert_eq!(scene.answer(seq, PollResponse::default()), "");
        assert_eq!(scene.due_in(), Some(0));
    }
    // Work makes it ask soon again.
    assert_eq!(scene.sends(), "7: 4///5s");
    assert_eq!(scene.answer(7, assign(&[1])), "start 1 54000");
    assert_eq!(scene.sends(), "8: 3/1//1s");
}

#[test]
fn empty_answers_without_a_wait_do_not_spin() {
    let mut scene = Scene::registered(4);
    assert_eq!(scene.sends(), "2: 4///1s");
    scene.answer(2, PollResponse::default());
    assert_eq!(scene.due_in(), Some(PAUSE_MS));
}

#[test]
fn a_result_takes_the_place_of_a_parked_poll() {
    let mut scene = Scene::registered(2);
    scene.sends();
    assert_eq!(scene.answer(2, assign(&[1, 2])), "start 1 54000; start 2 54000");
    assert_eq!(scene.due_in(), Some(LINGER_MS), "all slots taken: a result may come at once");
    scene.pass(LINGER_MS);
    assert_eq!(scene.sends(), "3: 0/1,2//1s");
    scene.ends(1);
    assert_eq!(scene.sends(), "4: 1/2/1/0s");
    // What the older poll is answered is not heard, whatever it says.
    assert_eq!(scene.answer(3, assign(&[3])), "");
    assert_eq!(scene.fail(3, Failure::Unknown), "");
    assert_eq!(scene.answer(4, PollResponse { assign: assign(&[3]).assign, ..ack(&[1]) }), "forget 1; start 3 54000");
}

#[test]
fn results_gather_while_one_is_reported() {
    let mut scene = Scene::registered(3);
    scene.sends();
    scene.answer(2, assign(&[1, 2, 3]));
    scene.ends(1);
    assert_eq!(scene.sends(), "3: 1/2,3/1/0s", "a result ends the lingering");
    scene.ends(2);
    scene.ends(3);
    assert_eq!(scene.sends(), "nothing");
    assert_eq!(scene.answer(3, ack(&[1])), "forget 1");
    assert_eq!(scene.sends(), "4: 3//2,3/0s");
    assert_eq!(scene.answer(4, ack(&[2, 3])), "forget 2; forget 3");
    assert_eq!(scene.sends(), "5: 3///1s");
}

#[test]
fn repeated_and_strange_orders_do_nothing() {
    let mut scene = Scene::registered(2);
    scene.sends();
    scene.answer(2, assign(&[1]));
    scene.sends();
    assert_eq!(scene.answer(3, assign(&[1])), "", "held already");
    scene.pass(PAUSE_MS);
    scene.sends();
    assert_eq!(scene.answer(4, kill(9)), "", "not held");
    scene.pass(PAUSE_MS);
    scene.sends();
    assert_eq!(scene.answer(5, ack(&[1])), "", "it runs");
    scene.pass(PAUSE_MS);
    assert_eq!(scene.sends(), "6: 1/1//5s");
    assert_eq!(scene.answer(6, kill(1)), "kill 1");
    assert_eq!(scene.sends(), "7: 1/1//1s", "it counts until its processes are gone");
    assert_eq!(scene.answer(7, kill(1)), "kill 1", "once more, should the first be lost");
    assert_eq!(scene.due_in(), Some(PAUSE_MS), "but without haste");
    scene.ends(1);
    scene.ends(1);
    assert_eq!(scene.sends(), "8: 2//1/0s");
    assert_eq!(scene.answer(8, assign(&[1])), "spool 1", "a result is owed: never started again");
    scene.ends(9);
    assert_eq!(scene.slots.running(), 0);
}

#[test]
fn more_than_fits_is_left_for_later() {
    let mut scene = Scene::registered(1);
    scene.sends();
    assert_eq!(scene.answer(2, assign(&[1, 2])), "start 1 54000");
}

#[test]
fn an_unreachable_c2d_is_asked_less_and_less() {
    let mut scene = Scene::registered(1);
    scene.sends();
    scene.answer(2, assign(&[1]));
    scene.ends(1);
    assert_eq!(scene.sends(), "3: 1//1/0s");
    assert_eq!(scene.fail(3, Failure::NoAnswer), "spool 1");
    for (seq, wait_ms) in [(4, 1_000), (5, 2_000), (6, 4_000), (7, 8_000), (8, 10_000)] {
        assert_eq!(scene.due_in(), Some(wait_ms));
        assert_eq!(scene.sends(), "nothing");
        scene.pass(wait_ms);
        assert_eq!(scene.sends(), format!("{seq}: 1//1/0s"));
        assert_eq!(scene.fail(seq, Failure::NoAnswer), "", "it is on disk already");
    }
    scene.pass(10_000);
    scene.sends();
    assert_eq!(scene.answer(9, ack(&[1])), "forget 1!");
    assert_eq!(scene.due_in(), Some(0));
}

#[test]
fn news_do_not_shorten_the_back_off() {
    let mut scene = Scene::registered(1);
    scene.sends();
    scene.answer(2, assign(&[1]));
    scene.pass(LINGER_MS);
    scene.sends();
    scene.fail(3, Failure::NoAnswer);
    scene.ends(1);
    assert_eq!(scene.due_in(), Some(1_000));
}

#[test]
fn refused_results_are_kept_and_not_pressed() {
    let mut scene = Scene::registered(1);
    scene.sends();
    scene.answer(2, assign(&[1]));
    scene.ends(1);
    for (seq, pause_ms) in (3..).zip([1_000, 2_000, 4_000, 5_000, 5_000]) {
        assert_eq!(scene.sends(), format!("{seq}: 1//1/0s"));
        let done = scene.answer(seq, PollResponse::default());
        assert_eq!(done.contains("spool 1"), seq == 3, "{done}");
        assert_eq!(scene.due_in(), Some(pause_ms), "longer, but c2d must hear that the worker lives");
        scene.pass(pause_ms);
    }
    assert_eq!(scene.sends(), "8: 1//1/0s");
    scene.fail(8, Failure::NoAnswer);
    assert_eq!(scene.due_in(), Some(1_000), "c2d was there a moment ago");
}

#[test]
fn a_forgotten_worker_introduces_itself_again() {
    let mut scene = Scene::registered(1);
    scene.sends();
    let directives = vec![Directive::Register];
    assert_eq!(scene.answer(2, PollResponse { directives, ..assign(&[1]) }), "start 1 54000");
    scene.pass(LINGER_MS);
    assert_eq!(scene.sends(), "3: register");
    scene.slots.on_registered(scene.now, 3, true);
    assert_eq!(scene.sends(), "4: 0/1//1s");
    assert_eq!(scene.fail(4, Failure::Unknown), "");
    scene.pass(1_000);
    assert_eq!(scene.sends(), "5: register");
}

#[test]
fn leases_count_from_when_the_answered_poll_was_sent() {
    let mut scene = Scene::registered(2);
    scene.sends();
    scene.pass(900);
    let waits = PollResponse { assign: vec![assignment(2, OnLost::Wait)], ..PollResponse::default() };
    let both = PollResponse { assign: [assign(&[1]).assign, waits.assign].concat(), ..PollResponse::default() };
    assert_eq!(scene.answer(2, both), "start 1 53100; start 2 -");
    scene.pass(LINGER_MS);
    scene.sends();
    scene.pass(1_000);
    assert_eq!(scene.answer(3, PollResponse::default()), "", "started just now");
    scene.sends();
    scene.pass(5_000);
    assert_eq!(scene.answer(4, PollResponse::default()), "renew 49000");
}

#[test]
fn what_an_earlier_run_left_is_taken_over() {
    let mut scene = Scene::new(2);
    scene.slots.adopt_running(attempt(1));
    scene.slots.adopt_ended(result(2), true);
    scene.slots.adopt_ended(result(2), false);
    scene.slots.adopt_running(attempt(2));
    assert_eq!(scene.sends(), "1: register");
    scene.slots.on_registered(scene.now, 1, true);
    assert_eq!(scene.sends(), "2: 1/1/2/0s");
    assert_eq!(scene.answer(2, ack(&[2])), "renew 54000; forget 2!");
}

/// A result that takes about so many KiB in a poll.
fn large(job: u64, kib: usize) -> AttemptResult {
    AttemptResult { stdout: Output::whole(vec![b'x'; kib * 1024 / 4 * 3]), ..result(job) }
}

#[test]
fn reports_grow_on_a_quick_line_and_shrink_when_they_fail() {
    let mut scene = Scene::registered(4);
    for job in 1..=7 {
        scene.slots.adopt_ended(large(job, 30), true);
    }
    assert_eq!(scene.sends(), "2: 4/3,4,5,6,7/1,2/0s", "what does not fit counts as held");
    scene.pass(900);
    assert_eq!(scene.answer(2, ack(&[1, 2])), "forget 1!; forget 2!");
    assert_eq!(scene.sends(), "3: 4/7/3,4,5,6/0s");
    for (seq, smaller) in [(3, "4: 4/5,6,7/3,4/0s"), (4, "5: 4/4,5,6,7/3/0s")] {
        assert_eq!(scene.fail(seq, Failure::NoAnswer), "");
        scene.pass(10_000);
        let said = scene.sends();
        assert_eq!(said, smaller);
    }
}

#[test]
fn a_result_alone_that_fails_is_divided() {
    let mut scene = Scene::registered(1);
    scene.slots.adopt_ended(large(1, 30), true);
    scene.sends();
    assert_eq!(scene.fail(2, Failure::NoAnswer), "shorten 1");
    let (taken, on_disk) = scene.slots.take_back(attempt(1)).unwrap();
    assert_eq!((taken, on_disk), (large(1, 30), true));
    scene.pass(10_000);
    assert_eq!(scene.sends(), "3: 1/1//1s", "it is held until it is delivered");
    scene.answer(3, PollResponse::default());
    scene.slots.on_ended_on_disk(scene.now, result(1));
    assert_eq!(scene.sends(), "4: 1//1/0s");
    assert_eq!(scene.fail(4, Failure::NoAnswer), "", "a small one is sent again as it is");
}

#[test]
fn a_delivery_frees_its_slot_and_is_told_at_once() {
    let mut scene = Scene::registered(1);
    scene.sends();
    scene.answer(2, assign(&[1]));
    scene.slots.on_launched(scene.now, attempt(1));
    scene.pass(LINGER_MS);
    assert_eq!(scene.sends(), "3: 0/1//1s");
    scene.slots.on_delivering(scene.now, attempt(1), Outcome::Exit { code: 0 });
    let Some(Request { kind: RequestKind::Poll(poll), .. }) = scene.slots.next_request(scene.now, &Load::default())
    else {
        panic!("the parked poll knows nothing of it");
    };
    let ended: Vec<_> = poll.ended.iter().map(|ended| (ended.attempt, ended.outcome.clone())).collect();
    assert_eq!(ended, [(attempt(1), Outcome::Exit { code: 0 })]);
    assert_eq!((poll.slots_free, poll.running), (1, vec![attempt(1)]));
    assert_eq!(scene.answer(4, kill(1)), "kill 1", "it can be cancelled");
    assert_eq!(scene.sends(), "5: 1/1//1s");
    scene.answer(5, assign(&[2]));
    scene.slots.on_launched(scene.now, attempt(2));
    scene.slots.on_delivering(scene.now, attempt(2), Outcome::Lost);
    assert_eq!(scene.slots.slots_free(), 0, "as many deliveries as slots may be beside the jobs");
}

#[test]
fn what_c2d_does_not_have_is_delivered_again() {
    let mut scene = Scene::registered(1);
    let blob = BlobId::of(b"x");
    let stdout = Output { blob: Some(OutputBlob { sha256: blob, size: 1, dropped_at: 1 }), ..Output::default() };
    scene.slots.adopt_ended(AttemptResult { stdout, ..result(1) }, true);
    scene.slots.adopt_ended(result(2), true);
    scene.sends();
    let answer = PollResponse { want: vec![blob, BlobId::of(b"y")], ..ack(&[2]) };
    assert_eq!(scene.answer(2, answer), "forget 2!; deliver 1");
}

#[test]
fn without_room_for_results_nothing_new_is_taken() {
    let mut scene = Scene::registered(2);
    scene.slots.adopt_ended(result(1), false);
    assert_eq!(scene.sends(), "2: 2//1/0s");
    assert_eq!(scene.fail(2, Failure::NoAnswer), "spool 1");
    scene.slots.on_spooled(attempt(1), false);
    scene.pass(10_000);
    assert_eq!(scene.sends(), "3: 0//1/0s");
    assert_eq!(scene.fail(3, Failure::NoAnswer), "spool 1", "it is tried again");
    scene.slots.on_spooled(attempt(1), true);
    scene.pass(10_000);
    assert_eq!(scene.sends(), "4: 2//1/0s");
    assert_eq!(scene.answer(4, ack(&[1])), "forget 1!");
}

#[test]
fn a_report_of_a_cleaning_goes_at_once_and_until_it_is_answered() {
    let mut scene = Scene::registered(1);
    let report = |id| CleanupReport { id, ..CleanupReport::default() };
    let told = |scene: &mut Scene| match scene.slots.next_request(scene.now, &Load::default()) {
        Some(Request { kind: RequestKind::Poll(poll), .. }) => {
            (poll.seq, poll.cleaned.iter().map(|report| report.id).collect::<Vec<_>>(), poll.wait_s)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&mut scene), (2, vec![], 1));
    scene.slots.on_cleaned(report(7));
    assert_eq!(told(&mut scene), (3, vec![7], 0), "it takes the place of the parked poll");
    scene.slots.on_cleaned(report(8));
    assert_eq!(scene.sends(), "nothing", "c2d answers at once");
    scene.fail(3, Failure::NoAnswer);
    scene.pass(1_000);
    assert_eq!(told(&mut scene), (4, vec![7, 8], 0));
    scene.answer(4, PollResponse::default());
    scene.pass(1_000);
    assert_eq!(told(&mut scene).1, [0; 0]);
}

#[test]
fn a_lease_begins_with_the_last_answer() {
    let mut scene = Scene::registered(1);
    assert_eq!(scene.slots.lease_left_ms(scene.now), 0, "nothing was heard yet");
    scene.sends();
    scene.pass(1_000);
    scene.answer(2, assign(&[1]));
    assert_eq!(scene.slots.lease_left_ms(scene.now), FENCE_MS - 1_000);
    assert_eq!(scene.slots.jobs().into_keys().collect::<Vec<_>>(), [JobId(1)]);
    scene.pass(FENCE_MS);
    assert_eq!(scene.slots.lease_left_ms(scene.now), 0);
}
