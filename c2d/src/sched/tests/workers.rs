//! Sessions, polls that overtake each other, two agents at one address.

use c2_shared::job::{JobState, OnLost, Outcome};
use c2_shared::limits::{LEASE_MS, WORKER_OFFLINE_MS};
use c2_shared::worker::WorkerStatus;

use super::lab::{Lab, attempt, ip, job, plain};
use crate::sched::Reject;
use crate::sched::event::{self, Introduction, PollToken, ResultFate, ResultSummary};

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
    assert_eq!(lab.apply(late), Err(Reject::StalePoll { worker: ip(2) }));
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
    let agent = lab.agents.get_mut(&2).unwrap();
    agent.session += 1;
    agent.seq = 0;
    agent.running.remove(&attempt(1, 1));
    lab.poll(2);
    assert_eq!(lab.agents[&2].running, [attempt(1, 2), attempt(2, 1)].into());
    let agent = lab.agents.get_mut(&2).unwrap();
    agent.session -= 1;
    agent.seq = 99;
    let old = lab.poll_of(2, PollToken(900), 0);
    assert_eq!(lab.apply(old), Err(Reject::SessionReplaced { worker: ip(2) }));
    lab.expect(
        "add 1 queued; add 2 queued; assign 1.1 to 2; assign 2.1 to 2; answer 2 +1.1 +2.1; \
         requeue 1.1 lost: lost; free 1.1 on 2; assign 1.2 to 2; answer 2 +1.2",
    );
}

#[test]
fn a_second_agent_at_the_address_of_a_living_one_is_refused() {
    let mut lab = Lab::new(&[2]);
    let other = Introduction { worker_id: "other".into(), ..Lab::introduction(2) };
    let register = event::WorkerRegistered(other);
    assert_eq!(lab.apply(register.clone()), Err(Reject::AddressTaken { worker: ip(2) }));
    lab.sleep(15_000);
    lab.apply(register).unwrap();
    let first = lab.poll_of(2, PollToken(500), 0);
    let refused = lab.apply(first);
    assert_eq!(refused, Err(Reject::AddressTaken { worker: ip(2) }), "now it is the other way round");
    lab.expect("worker 2");
}

#[test]
fn an_address_passes_on_nothing_that_belongs_to_its_worker() {
    let stranger = |lab: &mut Lab| {
        let other = Introduction { worker_id: "other".into(), ..Lab::introduction(2) };
        let registered = lab.apply(event::WorkerRegistered(other));
        let mut poll = lab.poll_of(2, PollToken(700), 0);
        poll.poll.worker_id = "other".into();
        let polled = lab.apply(poll);
        let kept = Err(Reject::AddressKept { worker: ip(2), hostname: "host2".into() });
        assert_eq!((registered, polled), (kept.clone(), kept));
    };
    let words = |word: &str| [word.to_owned()].into();
    for grouped in [true, false] {
        let mut lab = Lab::new(&[2]);
        if grouped {
            lab.apply(event::GroupsChanged { worker: ip(2), add: words("gpu"), remove: [].into() }).unwrap();
        } else {
            lab.apply(event::TagsSet { worker: ip(2), tags: words("gpu:0") }).unwrap();
        }
        lab.sleep(10 * LEASE_MS);
        stranger(&mut lab);
        lab.restart();
        stranger(&mut lab);
        lab.expect("worker 2");
    }
    // A job that runs there, also past its lease: only its own worker can say that it is over.
    let table = [(OnLost::Requeue, JobState::Queued, "requeue 1.1 crash: lost"), (OnLost::Wait, JobState::Running, "")];
    for (on_lost, state, decided) in table {
        let mut lab = Lab::new(&[2]);
        lab.submit(vec![job(|j| j.on_lost = on_lost)]).unwrap();
        lab.poll(2);
        lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
        lab.sleep(WORKER_OFFLINE_MS);
        stranger(&mut lab);
        lab.sleep(LEASE_MS);
        stranger(&mut lab);
        lab.expect(decided);
        assert_eq!(lab.state(1), state);
        lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
        lab.poll(2);
        assert_eq!(lab.state(1), JobState::Succeeded, "its own word counts as before");
        lab.expect("end 1: exit 0; free 1.1 on 2; answer 2 ack:1.1");
    }
}

#[test]
fn a_stranger_where_nothing_is_left_begins_with_nothing() {
    let mut lab = Lab::new(&[2]);
    lab.apply(event::DrainSet { worker: ip(2), drain: true }).unwrap();
    lab.sleep(WORKER_OFFLINE_MS);
    let other = Introduction { worker_id: "other".into(), boot_id: "boot9".into(), ..Lab::introduction(2) };
    lab.apply(event::WorkerRegistered(other.clone())).unwrap();
    let view = lab.s.worker(lab.now, ip(2)).unwrap();
    assert_eq!((view.intro, view.status), (other, WorkerStatus::Online));
    lab.expect("worker 2; worker 2");
}

#[test]
fn a_worker_past_its_lease_can_be_forgotten_with_the_jobs_it_had() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let removed = event::WorkerRemoved { worker: ip(2) };
    lab.sleep(LEASE_MS - 1);
    assert_eq!(lab.apply(removed), Err(Reject::WorkerBusy { worker: ip(2), jobs: 1 }));
    lab.sleep(1);
    lab.apply(removed).unwrap();
    assert_eq!(lab.poll(3).assign[0].attempt, attempt(1, 2));
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; requeue 1.1 crash: lost; free 1.1 on 2; remove 2; \
         assign 1.2 to 3; answer 3 +1.2",
    );
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![job(|j| j.on_lost = OnLost::Wait)]).unwrap();
    lab.poll(2);
    lab.sleep(LEASE_MS);
    assert_eq!(lab.apply(removed), Err(Reject::WorkerBusy { worker: ip(2), jobs: 1 }), "its job waits for it");
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn an_unknown_worker_is_asked_to_register() {
    let mut lab = Lab::new(&[]);
    lab.agents.entry(9).or_default();
    assert!(lab.poll(9).register);
    assert_eq!(lab.apply(event::PlainPolled { worker: ip(9) }), Err(Reject::UnknownWorker { worker: ip(9) }));
    lab.expect("answer 9 register");
}

#[test]
fn a_client_that_knows_only_the_readme_is_served() {
    let mut lab = Lab::new(&[]);
    let intro = Introduction { worker_id: String::new(), boot_id: String::new(), ..Lab::introduction(5) };
    lab.apply(event::WorkerRegistered(intro)).unwrap();
    lab.submit(vec![plain(), plain()]).unwrap();
    let poll = |lab: &mut Lab| lab.apply(event::PlainPolled { worker: ip(5) }).unwrap().map(|h| h.attempt);
    assert_eq!([poll(&mut lab), poll(&mut lab), poll(&mut lab)], [Some(attempt(1, 1)), Some(attempt(2, 1)), None]);
    let deliver = |lab: &mut Lab, a| {
        let result = ResultSummary { attempt: a, outcome: Outcome::Exit { code: 0 }, of_job: false };
        lab.apply(event::ResultArrived { worker: ip(5), result }).unwrap()
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
fn nobody_delivers_for_another() {
    let mut lab = Lab::new(&[2, 3]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    let result = ResultSummary { attempt: attempt(1, 1), outcome: Outcome::Exit { code: 0 }, of_job: false };
    let reply = lab.apply(event::ResultArrived { worker: ip(3), result }).unwrap();
    assert_eq!(reply, ResultFate::Fenced);
    assert_eq!(lab.state(1), JobState::Running);
    lab.expect("add 1 queued; assign 1.1 to 2; answer 2 +1.1");
}

#[test]
fn a_drained_worker_finishes_what_it_has() {
    let mut lab = Lab::new(&[2]);
    lab.submit(vec![plain()]).unwrap();
    lab.poll(2);
    lab.apply(event::DrainSet { worker: ip(2), drain: true }).unwrap();
    lab.submit(vec![plain()]).unwrap();
    assert!(lab.poll(2).assign.is_empty());
    assert!(matches!(lab.apply(event::WorkerRemoved { worker: ip(2) }), Err(Reject::WorkerBusy { jobs: 1, .. })));
    lab.finish(2, attempt(1, 1), Outcome::Exit { code: 0 });
    lab.poll(2);
    let removed = event::WorkerRemoved { worker: ip(2) };
    assert_eq!(lab.apply(removed), Err(Reject::WorkerOnline { worker: ip(2) }));
    lab.sleep(WORKER_OFFLINE_MS);
    lab.apply(removed).unwrap();
    assert_eq!(lab.s.workers(lab.now).len(), 0);
    lab.expect(
        "add 1 queued; assign 1.1 to 2; answer 2 +1.1; worker 2; add 2 queued; answer 2; end 1: exit 0; \
         free 1.1 on 2; answer 2 ack:1.1; remove 2",
    );
}
