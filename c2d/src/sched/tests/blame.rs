//! What a machine cannot start is not its job's failure.

use c2_shared::api::why::Obstacle;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{AVOID_MS, CRASH_LIMIT, PROOF_MS, QUARANTINE_MS};
use c2_shared::worker::WorkerStatus;

use super::lab::{Lab, attempt, id, ip, job, plain};
use crate::sched::event::{self, FaultOf, ResultSummary};

/// A worker polls, and gives back what it is given.
fn fail_to_start(lab: &mut Lab, last: u8) -> usize {
    let given: Vec<_> = lab.poll(last).assign.iter().map(|handout| handout.attempt).collect();
    for attempt in &given {
        lab.give_back(last, *attempt, FaultOf::Worker);
    }
    lab.poll(last);
    given.len()
}

fn status(lab: &Lab, last: u8) -> WorkerStatus {
    lab.s.worker(lab.now, &id(last)).unwrap().status
}

#[test]
fn a_job_that_could_not_be_started_goes_elsewhere() {
    for on_lost in [OnLost::Requeue, OnLost::Fail, OnLost::Wait] {
        let mut lab = Lab::new(&[2, 3]);
        lab.submit(vec![job(|j| j.on_lost = on_lost)]).unwrap();
        assert_eq!(fail_to_start(&mut lab, 2), 1);
        assert_eq!(lab.state(1), JobState::Queued, "{on_lost:?}");
        assert_eq!(lab.poll(2).assign.len(), 0, "it goes elsewhere first");
        assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 2));
        assert_eq!(status(&lab, 2), WorkerStatus::Online, "one job may be at fault itself");
        lab.expect(
            "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; \
             answer 2 ack:1.1; answer 2; assign 1.2 to 3; answer 3 +1.2",
        );
    }
}

#[test]
fn an_agent_of_old_says_it_with_a_result() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.finish(2, attempt(1, 1), Outcome::Setup { reason: "no space".into() });
    lab.poll(2);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn a_lone_worker_gets_it_again_and_again_and_the_job_never_fails() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    let mut tries = 0;
    for _ in 0..6 * 60 {
        tries += fail_to_start(&mut lab, 2);
        lab.sleep(10_000);
    }
    assert_eq!(lab.state(1), JobState::Queued);
    assert!((6..=9).contains(&tries), "{tries} tries in an hour: after 1, 2, 4, 8, 15, 15 minutes");
    assert!(tries > usize::try_from(CRASH_LIMIT).unwrap(), "none of them counts as a crash");
    lab.sleep(15 * 60_000);
    lab.run(2, 1, 0);
    assert_eq!(lab.state(1), JobState::Succeeded);
    lab.expect_in_numbers("1 add, 722 answer, 8 assign, 1 end, 8 free, 7 requeue");
}

#[test]
fn a_worker_that_gives_back_different_jobs_is_tried_with_one_a_minute() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..500).map(|_| plain()).collect()).unwrap();
    assert_eq!(fail_to_start(&mut lab, 2), 4);
    assert_eq!(status(&lab, 2), WorkerStatus::Quarantined);
    let mut tries = 0;
    for _ in 0..600 {
        lab.sleep(1_000);
        tries += fail_to_start(&mut lab, 2);
    }
    assert_eq!(tries, 10, "in ten minutes");
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().fault.as_deref(), Some("no space"));
    lab.sleep(QUARANTINE_MS);
    assert_eq!(lab.poll(2).assign.len(), 1);
    let tried = *lab.agents[&2].running.first().unwrap();
    assert_eq!(lab.poll(2).assign.len(), 0, "one until it has started");
    lab.finish(2, tried, Outcome::Exit { code: 1 });
    assert_eq!(lab.poll(2).assign.len(), 4, "a command that ran clears it");
    assert_eq!(status(&lab, 2), WorkerStatus::Online);
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().fault, None);
    lab.expect_in_numbers("500 add, 1205 answer, 19 assign, 1 end, 15 free, 14 requeue, 2 worker");
}

#[test]
fn a_failed_test_of_itself_is_enough_and_one_that_passes_ends_it() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit((0..3).map(|_| plain()).collect()).unwrap();
    let unfit = |lab: &mut Lab, reason: Option<&str>| {
        lab.agents.get_mut(&2).unwrap().unfit = reason.map(str::to_owned);
    };
    unfit(&mut lab, Some("read-only"));
    assert_eq!(lab.poll(2).assign.len(), 0);
    assert_eq!(status(&lab, 2), WorkerStatus::Quarantined);
    lab.sleep(3 * QUARANTINE_MS);
    assert_eq!(lab.poll(2).assign.len(), 0, "while the test fails no job is risked");
    unfit(&mut lab, None);
    assert_eq!(lab.poll(2).assign.len(), 1, "one job shows that it is fit again");
    lab.sleep(PROOF_MS - 1);
    assert_eq!(lab.poll(2).assign.len(), 0, "that it is under way is no proof");
    lab.sleep(PROOF_MS);
    lab.poll(2);
    assert_eq!(status(&lab, 2), WorkerStatus::Online);
    lab.expect(
        "add 1 queued; add 2 queued; add 3 queued; worker 2 quarantined; answer 2; answer 2; assign 1.1 to 2; \
         answer 2 +1.1; answer 2; worker 2; assign 2.1 to 2; assign 3.1 to 2; answer 2 +2.1 +3.1",
    );
}

#[test]
fn quarantine_outlives_c2d_and_counts_of_faults_too() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..4).map(|_| plain()).collect()).unwrap();
    fail_to_start(&mut lab, 2);
    lab.restart();
    lab.start_anew(2);
    assert_eq!(status(&lab, 2), WorkerStatus::Quarantined);
    assert_eq!(lab.poll(2).assign.len(), 0);
    lab.sleep(QUARANTINE_MS);
    assert_eq!(fail_to_start(&mut lab, 2), 1, "delays begin anew with c2d, so the first of all is tried");
    let obstacles = lab.s.explain(lab.now, JobId(1)).unwrap().workers[0].obstacles.clone();
    assert!(obstacles.contains(&Obstacle::Avoided { retry_ms: 2 * AVOID_MS }), "{obstacles:?}");
    lab.expect(
        "add 1 queued; add 2 queued; add 3 queued; add 4 queued; assign 1.1 to 2; assign 2.1 to 2; assign 3.1 to 2; \
         assign 4.1 to 2; answer 2 +1.1 +2.1 +3.1 +4.1; requeue 1.1 returned: setup; free 1.1 on 2; \
         requeue 2.1 returned: setup; free 2.1 on 2; requeue 3.1 returned: setup; worker 2 quarantined; free 3.1 on 2; \
         requeue 4.1 returned: setup; free 4.1 on 2; answer 2 ack:1.1 ack:2.1 ack:3.1 ack:4.1; worker 2 quarantined; \
         answer 2; assign 1.2 to 2; answer 2 +1.2; requeue 1.2 returned: setup; free 1.2 on 2; answer 2 ack:1.2",
    );
}

#[test]
fn it_uses_up_no_retry() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![job(|j| (j.retries, j.retry_delay_s) = (1, Some(0)))]).unwrap();
    fail_to_start(&mut lab, 2);
    lab.run(3, 1, 7);
    assert_eq!(lab.state(1), JobState::Running, "the retry was left, and is used now");
    lab.finish(3, attempt(1, 3), Outcome::Exit { code: 7 });
    lab.poll(3);
    assert_eq!(lab.outcome(1), Some(Outcome::Exit { code: 7 }));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; \
         answer 2 ack:1.1; assign 1.2 to 3; answer 3 +1.2; requeue 1.2 retry: exit 7; free 1.2 on 3; \
         assign 1.3 to 3; answer 3 +1.3 ack:1.2; end 1: exit 7; free 1.3 on 3; answer 3 ack:1.3",
    );
}

#[test]
fn a_cancelled_job_that_was_not_started_is_cancelled() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.apply(event::CancelRequested { job: JobId(1) }).unwrap();
    lab.give_back(2, attempt(1, 1), FaultOf::Worker);
    lab.poll(2);
    assert_eq!(lab.outcome(1), Some(Outcome::Cancelled));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; cancel 1; end 1: cancelled; free 1.1 on 2; answer 2 ack:1.1",
    );
}

#[test]
fn an_agent_that_cannot_read_a_job_never_gets_it_again() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.give_back(2, attempt(1, 1), FaultOf::Version);
    lab.poll(2);
    for _ in 0..60 {
        lab.sleep(AVOID_MS);
        assert_eq!(lab.poll(2).assign.len(), 0);
    }
    let obstacles = lab.s.explain(lab.now, JobId(1)).unwrap().workers[0].obstacles.clone();
    assert_eq!(obstacles, [Obstacle::TooOld { reason: "no space".into() }]);
    lab.decided.clear();
    let newer = event::Introduction { version: "0.3.0".into(), ..Lab::introduction(2) };
    lab.apply(event::WorkerRegistered(newer)).unwrap();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 2));
    lab.expect("worker 2; assign 1.2 to 2; answer 2 +1.2");
}

#[test]
fn a_poll_that_waits_gets_work_when_the_quarantine_is_over() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..3).map(|_| plain()).collect()).unwrap();
    fail_to_start(&mut lab, 2);
    lab.submit(vec![plain()]).unwrap();
    lab.sleep(QUARANTINE_MS - 1_000);
    let token = lab.park(2);
    assert!(!lab.answers.contains_key(&token));
    lab.decided.clear();
    lab.sleep(1_000);
    assert_eq!(lab.collect(2, token).unwrap().assign[0].attempt, attempt(1, 2));
    lab.expect("assign 1.2 to 2; answer 2 +1.2");
}

#[test]
fn an_operator_who_lets_a_worker_go_on_has_it_tried_at_once() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..3).map(|_| plain()).collect()).unwrap();
    fail_to_start(&mut lab, 2);
    lab.decided.clear();
    lab.apply(event::DrainSet { worker: id(2), drain: false }).unwrap();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 2), "jobs do not keep away from it any more");
    lab.expect("assign 1.2 to 2; answer 2 +1.2");
}

#[test]
fn why_names_the_reason() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..3).map(|_| plain()).collect()).unwrap();
    fail_to_start(&mut lab, 2);
    let obstacles = |lab: &Lab| lab.s.explain(lab.now, JobId(1)).unwrap().workers[0].obstacles.clone();
    let quarantined = Obstacle::Quarantined { reason: "no space".into(), retry_ms: QUARANTINE_MS };
    assert_eq!(obstacles(&lab), [quarantined, Obstacle::Avoided { retry_ms: AVOID_MS }]);
    lab.decided.clear();
}

#[test]
fn what_no_machine_can_start_is_the_jobs_own_failure() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| (j.retries, j.retry_delay_s) = (1, Some(0)))]).unwrap();
    let no_space = || Outcome::Setup { reason: "no space".into() };
    for number in [1, 2] {
        lab.poll(2);
        let result =
            ResultSummary { attempt: attempt(1, number), outcome: no_space(), fault_of: FaultOf::Job, took_ms: None };
        lab.apply(event::ResultArrived { worker: id(2), from: Some(ip(2)), result }).unwrap();
        lab.agents.get_mut(&2).unwrap().running.clear();
    }
    assert_eq!(lab.outcome(1), Some(no_space()));
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().fault, None);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 retry: setup; free 1.1 on 2; \
         assign 1.2 to 2; answer 2 +1.2; end 1: setup; free 1.2 on 2",
    );
}

#[test]
fn ends_that_only_c2d_decides_are_losses() {
    let lies = [Outcome::Cancelled, Outcome::CrashLimit, Outcome::Dependency { root: JobId(1) }];
    for lie in lies {
        let mut lab = Lab::new(&[2]);
        lab.submit(vec![job(|j| j.retries = 3)]).unwrap();
        lab.poll(2);
        lab.finish(2, attempt(1, 1), lie.clone());
        let answer = lab.poll(2);
        assert_eq!((answer.ack.as_slice(), lab.state(1)), ([attempt(1, 1)].as_slice(), JobState::Queued), "{lie:?}");
        lab.sleep(1_000);
        assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 2));
        lab.expect(
            "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 crash: lost; free 1.1 on 2; answer 2 ack:1.1; \
             assign 1.2 to 2; answer 2 +1.2",
        );
    }
}
