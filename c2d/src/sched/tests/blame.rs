//! What a machine cannot start is not its job's failure.

use c2_shared::api::why::Obstacle;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{AVOID_MS, CRASH_LIMIT, FAULT_PAUSE_MAX_MS, FAULT_PAUSE_MS};

use super::lab::{Lab, attempt, id, ip, job, plain};
use crate::sched::event::{self, ResultSummary};

fn no_space() -> Outcome {
    Outcome::Setup { reason: "no space".into() }
}

/// A worker polls, and cannot start what it is given.
fn fail_to_start(lab: &mut Lab, last: u8) -> usize {
    let given: Vec<_> = lab.poll(last).assign.iter().map(|handout| handout.attempt).collect();
    for attempt in &given {
        lab.finish(last, *attempt, no_space());
    }
    lab.poll(last);
    given.len()
}

#[test]
fn a_job_that_could_not_be_started_goes_elsewhere() {
    for on_lost in [OnLost::Requeue, OnLost::Fail, OnLost::Wait] {
        let mut lab = Lab::new(&[2, 3]);
        lab.submit(vec![job(|j| j.on_lost = on_lost)]).unwrap();
        assert_eq!(fail_to_start(&mut lab, 2), 1);
        assert_eq!(lab.state(1), JobState::Queued, "{on_lost:?}");
        lab.sleep(FAULT_PAUSE_MS);
        assert_eq!(lab.poll(2).assign.len(), 0, "it goes elsewhere first");
        assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 2));
        lab.expect(
            "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; \
             answer 2 ack:1.1; answer 2; assign 1.2 to 3; answer 3 +1.2",
        );
    }
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
    assert_eq!(lab.poll(2).assign.len(), 1);
    let given = *lab.agents[&2].running.first().unwrap();
    lab.finish(2, given, Outcome::Exit { code: 0 });
    lab.poll(2);
    assert_eq!(lab.state(1), JobState::Succeeded);
    lab.expect_in_numbers("1 add, 722 answer, 8 assign, 1 end, 8 free, 7 requeue");
}

#[test]
fn a_worker_that_starts_nothing_is_given_less_and_less() {
    let mut lab = Lab::new(&[2]);
    lab.submit((0..500).map(|_| plain()).collect()).unwrap();
    let mut tries = 0;
    for _ in 0..600 {
        tries += fail_to_start(&mut lab, 2);
        lab.sleep(1_000);
    }
    // Four at once after 1, 2, 4, 8, 16, 32, 60, 60 .. seconds.
    assert!((40..=64).contains(&tries), "{tries} tries in ten minutes");
    let view = lab.s.worker(lab.now, &id(2)).unwrap();
    assert_eq!(view.fault.as_deref(), Some("no space"));
    lab.sleep(FAULT_PAUSE_MAX_MS);
    lab.poll(2);
    let started = *lab.agents[&2].running.first().unwrap();
    lab.finish(2, started, Outcome::Exit { code: 1 });
    lab.poll(2);
    assert_eq!(lab.s.worker(lab.now, &id(2)).unwrap().fault, None, "a command that ran clears it");
    lab.expect_in_numbers("500 add, 1202 answer, 65 assign, 1 end, 61 free, 60 requeue");
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
fn a_poll_that_waits_gets_work_when_the_pause_is_over() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    fail_to_start(&mut lab, 2);
    lab.submit(vec![plain()]).unwrap();
    let token = lab.park(2);
    assert!(!lab.answers.contains_key(&token));
    lab.sleep(FAULT_PAUSE_MS);
    assert_eq!(lab.collect(2, token).unwrap().assign[0].attempt, attempt(2, 1));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; \
         answer 2 ack:1.1; add 2 queued; assign 2.1 to 2; answer 2 +2.1",
    );
}

#[test]
fn an_operator_who_lets_a_worker_go_on_ends_its_pause() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    fail_to_start(&mut lab, 2);
    lab.submit(vec![plain()]).unwrap();
    lab.apply(event::DrainSet { worker: id(2), drain: false }).unwrap();
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(2, 1));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; \
         answer 2 ack:1.1; add 2 queued; assign 2.1 to 2; answer 2 +2.1",
    );
}

#[test]
fn why_names_the_reason() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    fail_to_start(&mut lab, 2);
    let obstacles = |lab: &Lab| lab.s.explain(lab.now, JobId(1)).unwrap().workers[0].obstacles.clone();
    let faulty = Obstacle::Faulty { reason: "no space".into(), retry_ms: FAULT_PAUSE_MS };
    assert_eq!(obstacles(&lab), [faulty, Obstacle::Avoided { retry_ms: AVOID_MS }]);
    lab.sleep(FAULT_PAUSE_MS);
    assert_eq!(obstacles(&lab), [Obstacle::Avoided { retry_ms: AVOID_MS - FAULT_PAUSE_MS }]);
    lab.poll(2);
    lab.sleep(AVOID_MS - FAULT_PAUSE_MS - 1);
    lab.poll(2);
    lab.sleep(1);
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 2));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 returned: setup; free 1.1 on 2; \
         answer 2 ack:1.1; answer 2; answer 2; assign 1.2 to 2; answer 2 +1.2",
    );
}

#[test]
fn what_no_machine_can_start_is_the_jobs_own_failure() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| (j.retries, j.retry_delay_s) = (1, Some(0)))]).unwrap();
    for number in [1, 2] {
        lab.poll(2);
        let result = ResultSummary { attempt: attempt(1, number), outcome: no_space(), of_job: true };
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
        assert_eq!((answer.ack.as_slice(), lab.state(1)), ([attempt(1, 1)].as_slice(), JobState::Running), "{lie:?}");
        assert_eq!(answer.assign[0].attempt, attempt(1, 2));
        lab.expect(
            "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 crash: lost; free 1.1 on 2; \
             assign 1.2 to 2; answer 2 +1.2 ack:1.1",
        );
    }
}
