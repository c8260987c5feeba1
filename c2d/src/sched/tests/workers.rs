//! Sessions, polls that overtake each other, plain clients, workers that are removed.

use c2_shared::id::WorkerId;
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{LEASE_MS, REBOOT_SILENCE_MS, WORKER_OFFLINE_MS};

use super::lab::{Lab, attempt, id, ip, job, plain};
use crate::sched::Reject;
use crate::sched::event::{self, FaultOf, Introduction, Place, PollToken, ResultFate, ResultSummary};

#[test]
fn a_newer_poll_takes_the_place_of_the_one_that_waits() {
    let mut lab = Lab::new(&[2]);
    let (old, new) = (lab.park(2), lab.park(2));
    assert!(lab.answers.contains_key(&old));
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(lab.answers[&old].assign.len(), 0);
    assert_eq!(lab.collect(2, new).unwrap().assign.len(), 1);
    lab.expect("answer 2; add 1 queued; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn an_assignment_that_nobody_read_is_given_again() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    let unread = lab.park(2);
    assert_eq!(lab.answers.remove(&unread).unwrap().assign[0].attempt, attempt(1, 1));
    assert_eq!(lab.poll(2).assign[0].attempt, attempt(1, 1), "the same attempt, not another");
    assert!(lab.poll(2).assign.is_empty());
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1; answer 2 +1.1; answer 2");
}

#[test]
fn an_older_poll_that_arrives_late_is_refused() {
    let mut lab = Lab::new(&[2]);
    let late = lab.poll_of(2, PollToken(100), 0);
    lab.poll(2);
    assert_eq!(lab.apply(late), Err(Reject::StalePoll { worker: id(2) }));
    lab.expect("answer 2");
}

#[test]
fn a_withdrawn_poll_is_given_nothing() {
    let mut lab = Lab::new(&[2]);
    let token = lab.park(2);
    lab.apply(event::PollDropped { token }).unwrap();
    lab.answers.clear();
    lab.submit(vec![plain()]).unwrap();
    assert_eq!((lab.state(1), lab.answers.len()), (JobState::Queued, 0));
    lab.expect("answer 2; add 1 queued");
}

#[test]
fn a_poll_waits_as_long_as_it_asked() {
    let mut lab = Lab::new(&[2]);
    let token = lab.park(2);
    lab.sleep(4_999);
    assert!(!lab.answers.contains_key(&token));
    lab.sleep(1);
    assert!(lab.answers.contains_key(&token));
    lab.expect("answer 2");
}

#[test]
fn an_agent_started_anew_adopts_what_it_still_runs_and_frees_the_rest() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain(), plain()]).unwrap();
    lab.poll(2);
    let late = lab.poll_of(2, PollToken(900), 0);
    lab.start_anew(2);
    lab.agents.get_mut(&2).unwrap().running.remove(&attempt(1, 1));
    lab.poll(2);
    assert_eq!(lab.agents[&2].running, [attempt(1, 2), attempt(2, 1)].into());
    assert_eq!(lab.apply(late), Err(Reject::SessionReplaced { worker: id(2) }));
    lab.expect(
        "add 1 queued; add 2 queued; assign 1.1 to 2; assign 2.1 to 2; answer 2 +1.1 +2.1; worker 2; \
         requeue 1.1 lost: lost; free 1.1 on 2; assign 1.2 to 2; answer 2 +1.2",
    );
}

#[test]
fn a_worker_past_its_lease_can_be_given_up_with_the_jobs_it_had() {
    let table = [
        (OnLost::Requeue, "requeue 1.1 crash: lost", "requeue 1.1 given up: lost; ", JobState::Running),
        (OnLost::Wait, "", "requeue 1.1 given up, crash: lost; ", JobState::Running),
        (OnLost::Fail, "end 1: lost", "", JobState::Failed),
    ];
    for (on_lost, at_the_lease, given_up, state) in table {
        let mut lab = Lab::new(&[2, 3]);
        lab.submit(vec![job(|j| j.on_lost = on_lost)]).unwrap();
        lab.poll(2);
        lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
        let removed = |lost| event::WorkerRemoved { worker: id(2), lost };
        assert_eq!(lab.apply(removed(true)), Err(Reject::WorkerOnline { worker: "127.0.0.2".into(), before: vec![] }));
        lab.sleep(LEASE_MS - 1);
        assert_eq!(lab.apply(removed(true)), Err(Reject::WithinLease { worker: "127.0.0.2".into(), left_ms: 1 }));
        lab.sleep(1);
        lab.expect(at_the_lease);
        let busy = Err(Reject::WorkerBusy { worker: "127.0.0.2".into(), held: vec![attempt(1, 1)] });
        assert_eq!(lab.apply(removed(false)), busy);
        assert_eq!(lab.apply(removed(true)), Ok(vec![attempt(1, 1)]));
        lab.expect(&format!("{given_up}free 1.1 on 2; remove 2"));
        // It comes back with the result, which is void.
        lab.register(2);
        lab.sleep(1_000);
        lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
        let given = lab.poll(2).assign;
        assert_eq!(lab.state(1), state);
        assert_eq!(
            given.len(),
            usize::from(state == JobState::Running),
            "its word on the old attempt counts for nothing"
        );
        lab.decided.clear();
    }
}

#[test]
fn an_unknown_worker_is_asked_to_register() {
    let mut lab = Lab::new(&[]);
    lab.agents.entry(9).or_default();
    assert!(lab.poll(9).register);
    let polled = lab.apply(event::PlainPolled { worker: id(9), ip: ip(9) });
    assert_eq!(polled, Err(Reject::UnknownWorker { worker: id(9) }));
    lab.expect("answer 9 register");
}

/// A client that knows only the README, at 127.0.0.5.
fn plain_client() -> Introduction {
    Introduction {
        id: WorkerId::of_address(ip(5)),
        place: Place::default(),
        session: "".to_owned().into(),
        ..Lab::introduction(5)
    }
}

fn plain_poll(lab: &mut Lab) -> Option<c2_shared::id::AttemptId> {
    lab.apply(event::PlainPolled { worker: plain_client().id, ip: ip(5) }).unwrap().map(|handout| handout.attempt)
}

#[test]
fn a_client_that_knows_only_the_readme_is_served() {
    let mut lab = Lab::new(&[]);
    lab.apply(event::WorkerRegistered(plain_client())).unwrap();
    lab.submit(vec![plain(), plain()]).unwrap();
    let given = [plain_poll(&mut lab), plain_poll(&mut lab), plain_poll(&mut lab)];
    assert_eq!(given, [Some(attempt(1, 1)), Some(attempt(2, 1)), None]);
    let deliver = |lab: &mut Lab, a| {
        let result =
            ResultSummary { attempt: a, outcome: Outcome::Exit { code: 0 }, fault_of: FaultOf::Worker, took_ms: None };
        lab.apply(event::ResultArrived { worker: plain_client().id, from: Some(ip(5)), result }).unwrap()
    };
    assert_eq!(deliver(&mut lab, attempt(1, 1)), ResultFate::Recorded);
    assert_eq!(deliver(&mut lab, attempt(1, 1)), ResultFate::Ended);
    assert_eq!(deliver(&mut lab, attempt(2, 2)), ResultFate::Fenced);
    lab.expect(
        "worker 5; add 1 queued; add 2 queued; assign 1.1 to 5; assign 2.1 to 5; end 1: exit 0; \
         free 1.1 on 5",
    );
}

#[test]
fn a_plain_client_that_comes_again_runs_nothing() {
    let mut lab = Lab::new(&[]);
    lab.apply(event::WorkerRegistered(plain_client())).unwrap();
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(plain_poll(&mut lab), Some(attempt(1, 1)));
    lab.expect("worker 5; add 1 queued; assign 1.1 to 5");
    lab.sleep(REBOOT_SILENCE_MS - 1);
    lab.apply(event::WorkerRegistered(plain_client())).unwrap();
    lab.expect("");
    lab.sleep(REBOOT_SILENCE_MS);
    lab.apply(event::WorkerRegistered(plain_client())).unwrap();
    lab.expect("requeue 1.1 crash: lost; free 1.1 on 5");
    lab.sleep(1_000);
    // It cannot be told to end anything, so a cancel is the end.
    assert_eq!(plain_poll(&mut lab), Some(attempt(1, 2)));
    lab.apply(event::CancelRequested { job: c2_shared::id::JobId(1) }).unwrap();
    lab.expect("assign 1.2 to 5; end 1: cancelled; free 1.2 on 5");
}

#[test]
fn a_plain_client_and_an_agent_at_one_address_are_two() {
    let mut lab = Lab::new(&[5]);
    lab.apply(event::WorkerRegistered(plain_client())).unwrap();
    lab.submit(vec![plain()]).unwrap();
    assert_eq!(plain_poll(&mut lab), Some(attempt(1, 1)));
    assert!(lab.poll(5).assign.is_empty());
    assert_eq!(lab.state(1), JobState::Running, "what the agent does not list is not its own");
    lab.expect("worker 5; add 1 queued; assign 1.1 to 5; answer 5");
}

#[test]
fn nobody_delivers_for_another() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let result = ResultSummary {
        attempt: attempt(1, 1),
        outcome: Outcome::Exit { code: 0 },
        fault_of: FaultOf::Worker,
        took_ms: None,
    };
    let reply = lab.apply(event::ResultArrived { worker: id(3), from: Some(ip(3)), result }).unwrap();
    assert_eq!(reply, ResultFate::Fenced);
    assert_eq!(lab.state(1), JobState::Running);
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn a_drained_worker_finishes_what_it_has() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.apply(event::DrainSet { worker: id(2), drain: true }).unwrap();
    lab.submit(vec![plain()]).unwrap();
    assert!(lab.poll(2).assign.is_empty());
    let removed = || event::WorkerRemoved { worker: id(2), lost: false };
    assert_eq!(lab.apply(removed()), Err(Reject::WorkerOnline { worker: "127.0.0.2".into(), before: vec![] }));
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    assert_eq!(lab.apply(removed()), Err(Reject::WorkerOnline { worker: "127.0.0.2".into(), before: vec![] }));
    lab.sleep(WORKER_OFFLINE_MS);
    lab.apply(removed()).unwrap();
    assert_eq!(lab.s.workers(lab.now).len(), 0);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; worker 2; add 2 queued; answer 2; end 1: exit 0; \
         free 1.1 on 2; answer 2 ack:1.1; remove 2",
    );
}
