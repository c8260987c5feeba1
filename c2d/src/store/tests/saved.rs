//! What decisions write is what a start reads.

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{Condition, JobState, Needs, Outcome};

use super::{
    EndedRecord, GrantRecord, JobRecord, KeyRecord, Lab, StoreError, add, commit, end, job, saved_with, worker,
};
use crate::sched::Decision;
use crate::sched::decision::{Back, DependencyEdge, Wanted, Wish};
use crate::sched::event::{FaultOf, Introduction, NewJob};
use crate::sched::fit::Share;

fn attempt(job: u64, number: u32) -> AttemptId {
    AttemptId { job: JobId(job), number }
}

/// A dependency on the first job.
fn edge(condition: Condition, fulfilled: bool) -> DependencyEdge {
    DependencyEdge { condition, on: JobId(1), fulfilled }
}

/// What a job holds: tags, amounts, and a part of a card.
fn share() -> Share {
    let takes = Needs { cpus: 2, vram_bytes: 1 << 40, needs: [("license".to_owned(), 1)].into(), ..Needs::default() };
    Share { tags: vec!["gpu:0".to_owned(), "disk".to_owned()], takes, card: Some(1) }
}

fn assign(id: u64, number: u32) -> Decision {
    let Introduction { id: worker, ip, .. } = worker(2).intro;
    Decision::Assign { attempt: attempt(id, number), worker, ip, share: share(), ahead: false, at_ms: 7 }
}

fn running(id: u64, number: u32) -> JobRecord {
    JobRecord {
        state: JobState::Running,
        attempt: number,
        worker: Some(worker(2).intro.id),
        started_ms: Some(7),
        ..job(id)
    }
}

fn grant(id: u64, number: u32) -> GrantRecord {
    let (share, worker) = (share(), worker(2).intro.id);
    GrantRecord { attempt: attempt(id, number), worker, share, outcome: None, ahead: false, wish: None }
}

/// What an operator wants of the first job while it waits at a worker.
fn wish() -> Wish {
    let new = NewJob { payload: r#"{"command":"false"}"#.into(), name: Some("other".into()), ..NewJob::default() };
    let change = Wanted { new, depends: true, limit_s: Some(9), before_start: true };
    Wish { hold: true, change: Some(Box::new(change)) }
}

#[test]
fn what_was_given_ahead_and_is_wanted_of_it_comes_back() {
    let lab = Lab::new();
    let Introduction { id, ip, .. } = worker(2).intro;
    let (first, at_ms) = (attempt(1, 1), 7);
    let ahead =
        Decision::Assign { attempt: first, worker: id.clone(), ip, share: Share::default(), ahead: true, at_ms };
    let wish = Some(wish());
    let wanted = Decision::Wish { attempt: first, wish: wish.clone() };
    let saved = lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2))), add(1), ahead], vec![wanted]]);
    let share = Share::default();
    let grant = GrantRecord { attempt: first, worker: id.clone(), share, outcome: None, ahead: true, wish };
    assert_eq!(saved.grants, [grant]);
    assert_eq!(saved.jobs, [running(1, 1)], "for the disk it is given, and for people queued");
    let saved = lab.commit(&[vec![Decision::Wish { attempt: first, wish: None }]]);
    assert_eq!(saved.grants[0].wish, None);

    let outcome = Outcome::Setup { reason: "unneeded".to_owned() };
    let back = Back::Returned { fault_of: FaultOf::Nobody };
    let unneeded = Decision::Requeue { attempt: first, outcome, back, at_ms: 8 };
    let saved = lab.commit(&[vec![unneeded, Decision::Free { attempt: first, worker: id }]]);
    assert_eq!(saved.jobs, [JobRecord { worker: None, state: JobState::Queued, ..running(1, 1) }]);
    assert_eq!(saved.grants, []);
}

#[test]
fn a_job_comes_back_as_it_was_added() {
    let terms = r#"{"placement":{"group":"gpu","tags":["gpu","disk"],"exclude":["pi"]},"same_machine":true,
        "priority":-3,"retries":4,"hold":true,"begin_at":99,"on_lost":"wait"}"#;
    let full = JobRecord {
        state: JobState::Held,
        name: Some("night run".into()),
        terms: serde_json::from_str(terms).unwrap(),
        depends: vec![edge(Condition::Any, true), edge(Condition::NotOk, false)],
        pinned: Some(worker(2).intro.id),
        retries_left: 3,
        ..job(2)
    };
    let lab = Lab::new();
    let saved = lab.commit(&[vec![add(1), Decision::AddJob(Box::new(full.clone()))]]);
    assert_eq!(saved, saved_with(vec![job(1), full], |_| ()));
}

#[test]
fn every_change_of_a_job_is_kept() {
    let lab = Lab::new();
    lab.commit(&[vec![Decision::PutWorker(Box::new(worker(2))), add(1), add(2)]]);
    let with_worker = |jobs| saved_with(jobs, |s| s.workers = vec![worker(2)]);
    let held = JobRecord { state: JobState::Held, ..job(1) };
    let step = |decision| lab.commit(&[vec![decision]]);
    assert_eq!(step(Decision::SetWaiting { job: JobId(1), state: JobState::Held }), with_worker(vec![held, job(2)]));
    assert_eq!(
        step(Decision::SetWaiting { job: JobId(1), state: JobState::Queued }),
        with_worker(vec![job(1), job(2)])
    );

    let mut expected = with_worker(vec![running(1, 1), job(2)]);
    expected.grants = vec![grant(1, 1)];
    assert_eq!(step(assign(1, 1)), expected);
    expected.jobs[0].cancelling = true;
    assert_eq!(step(Decision::MarkCancelling { job: JobId(1) }), expected);
    expected.jobs[0].state = JobState::Queued;
    expected.jobs[0].crashes = 1;
    let lost = Decision::Requeue {
        attempt: attempt(1, 1),
        outcome: Outcome::Lost,
        back: Back::Lost { crash: true },
        at_ms: 8,
    };
    assert_eq!(step(lost), expected);
    expected.jobs[0].state = JobState::Running;
    assert_eq!(step(Decision::Readopt { attempt: attempt(1, 1), worker: worker(2).intro.id }), expected);
    expected.grants.clear();
    assert_eq!(step(Decision::Free { attempt: attempt(1, 1), worker: worker(2).intro.id }), expected);
    expected.jobs.remove(0);
    expected.ended = vec![EndedRecord { job: JobId(1), state: JobState::Cancelled, worker: Some(worker(2).intro.id) }];
    expected.last_seq = 1;
    assert_eq!(step(end(1, 1, 1)), expected);
}

#[test]
fn a_retry_forgets_its_worker() {
    let lab = Lab::new();
    let first = JobRecord { retries_left: 2, ..job(1) };
    let add = Decision::AddJob(Box::new(first.clone()));
    let outcome = Outcome::Exit { code: 1 };
    let retry = Decision::Requeue { attempt: attempt(1, 1), outcome, back: Back::Retry, at_ms: 8 };
    let put = Decision::PutWorker(Box::new(worker(2)));
    let saved = lab.commit(&[vec![put, add, assign(1, 1), retry]]);
    let expected = JobRecord { retries_left: 1, attempt: 1, started_ms: Some(7), ..first };
    assert_eq!(saved.jobs, [expected]);
}

#[test]
fn dependencies_pins_keys_workers_and_the_pause_are_kept() {
    let lab = Lab::new();
    let blocked = JobRecord { state: JobState::Blocked, depends: vec![edge(Condition::Ok, false)], ..job(2) };
    let key = KeyRecord { key: "k".into(), digest: "d".into(), jobs: vec![JobId(1), JobId(2)], expires_ms: 9 };
    lab.commit(&[vec![
        Decision::PutWorker(Box::new(worker(2))),
        Decision::PutWorker(Box::new(worker(3))),
        add(1),
        Decision::AddJob(Box::new(blocked.clone())),
        Decision::RememberKey(key.clone()),
        Decision::SetPaused { paused: true },
    ]]);
    let saved = lab.commit(&[vec![
        Decision::Fulfil { job: JobId(2), on: JobId(1) },
        Decision::Pin { job: JobId(2), worker: worker(2).intro.id },
        Decision::RemoveWorker { worker: worker(3).intro.id },
    ]]);
    let pinned = JobRecord { depends: vec![edge(Condition::Ok, true)], pinned: Some(worker(2).intro.id), ..blocked };
    let expected = saved_with(vec![job(1), pinned], |s| {
        s.workers = vec![worker(2)];
        s.keys = vec![key];
        s.paused = true;
    });
    assert_eq!(saved, expected);
    let saved = lab.commit(&[vec![Decision::ForgetKey { key: "k".into() }, Decision::SetPaused { paused: false }]]);
    assert_eq!((saved.keys, saved.paused), (vec![], false));
}

#[test]
fn what_contradicts_the_promises_is_refused_by_the_constraints() {
    let put = Decision::PutWorker(Box::new(worker(2)));
    let table: [(&str, Vec<Decision>); 6] = [
        ("an id twice", vec![add(1), add(1)]),
        ("an end twice", vec![add(1), end(1, 0, 1), end(1, 0, 2)]),
        ("a change after the end", vec![add(1), end(1, 0, 1), Decision::MarkCancelling { job: JobId(1) }]),
        ("an attempt twice", vec![put.clone(), add(1), assign(1, 1), assign(1, 1)]),
        ("a tag twice", vec![put, add(1), add(2), assign(1, 1), assign(2, 1)]),
        ("a log line twice", vec![add(1), add(2), end(1, 0, 1), end(2, 0, 1)]),
    ];
    for (what, decisions) in table {
        let lab = Lab::new();
        let mut opened = lab.open();
        let refused = commit(&mut opened, &decisions);
        assert!(matches!(refused, Err(StoreError::Broken { .. })), "{what}: {refused:?}");
        let after = commit(&mut opened, &[add(9)]);
        assert!(matches!(after, Err(StoreError::Closed)), "{what}: nothing is written after a failure");
        opened.writer.close();
        assert_eq!(lab.saved(), saved_with(vec![], |_| ()), "{what}: all of the batch or nothing");
    }
}

#[test]
fn fifty_thousand_jobs_in_one_batch() {
    let lab = Lab::new();
    let saved = lab.commit(&[(1..=50_000).map(add).collect()]);
    assert_eq!((saved.jobs.len(), saved.last_job), (50_000, 50_000));
}
