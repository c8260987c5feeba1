//! Room that is kept for large jobs: they start within a bound, whatever small ones come after them.

use c2_shared::api::why::{Obstacle, Reason};
use c2_shared::job::{JobState, Outcome};
use c2_shared::limits::KEEP_ROOM_MS;
use c2_shared::resources::Capacity;

use super::lab::{Lab, ip, job, placed, plain};
use crate::sched::event::{self, Introduction, NewJob};

/// How long small jobs run here.
const RUNS_MS: u64 = 5_000;
const DONE: Outcome = Outcome::Exit { code: 0 };

/// Workers with eight processors and four slots.
fn lab(workers: &[u8]) -> Lab {
    let mut lab = Lab::new(workers);
    for last in workers {
        let has = Capacity { cpus: 8, ..Capacity::default() };
        let intro = Introduction { has, ..Lab::introduction(*last) };
        lab.apply(event::WorkerRegistered(intro)).unwrap();
    }
    lab
}

fn takes(cpus: u32) -> NewJob {
    placed(|placement| placement.takes.cpus = cpus)
}

/// Lets the time pass after which room is kept, with all workers in contact.
fn keep_in_contact(lab: &mut Lab, workers: &[u8]) {
    for _ in 0..KEEP_ROOM_MS / 5_000 {
        lab.sleep(5_000);
        workers.iter().for_each(|worker| drop(lab.poll(*worker)));
    }
}

/// Lets small jobs come and go for a while; each runs for five seconds, one starts each second. Answers when the
/// job of a number started, if it did.
fn crowd(lab: &mut Lab, workers: &[u8], small: &dyn Fn() -> NewJob, watched: u64, seconds: u64) -> Option<u64> {
    let mut ends: Vec<(u64, u8, c2_shared::id::AttemptId)> = Vec::new();
    let old: Vec<_> =
        workers.iter().flat_map(|last| lab.agents[last].running.iter().map(|one| (RUNS_MS, *last, *one))).collect();
    ends.extend(old);
    for second in 0..seconds {
        lab.sleep(1_000);
        let now = second * 1_000;
        for (_, worker, attempt) in ends.extract_if(.., |(at, ..)| *at <= now) {
            lab.finish(worker, attempt, DONE);
        }
        for worker in workers {
            lab.submit(vec![small(), small()]).unwrap();
            for given in lab.poll(*worker).assign {
                ends.push((now + RUNS_MS, *worker, given.attempt));
            }
        }
        if watched > 0 && lab.state(watched) == JobState::Running {
            return Some(now);
        }
    }
    None
}

#[test]
fn a_large_job_waits_a_minute_and_no_longer_than_what_runs_then() {
    for workers in [&[2_u8][..], &[2, 3, 4]] {
        let mut lab = lab(workers);
        assert_eq!(crowd(&mut lab, workers, &|| takes(2), 0, 10), None);
        let large = lab.submit(vec![takes(8)]).unwrap()[0];
        let at = crowd(&mut lab, workers, &|| takes(2), large.0, 200);
        let at = at.unwrap_or_else(|| panic!("it never started among {} workers", workers.len()));
        assert!((RUNS_MS..=KEEP_ROOM_MS + 2 * RUNS_MS).contains(&at), "it started after {at} ms");
        lab.decided.clear();
    }
}

#[test]
fn room_is_kept_only_of_what_the_large_one_lacks_and_why_says_so() {
    let mut lab = lab(&[2]);
    lab.submit(vec![takes(4), takes(1)]).unwrap();
    assert_eq!(lab.poll(2).assign.len(), 2);
    let large = lab.submit(vec![takes(8)]).unwrap()[0];
    let pass = |lab: &mut Lab| {
        let small = lab.submit(vec![takes(1)]).unwrap()[0];
        let given = lab.poll(2).assign;
        given.iter().for_each(|given| lab.finish(2, given.attempt, DONE));
        (small, given.len())
    };
    assert_eq!(pass(&mut lab).1, 1, "it is passed over");
    assert_eq!(lab.s.explain(lab.now, large).unwrap().reasons, []);
    keep_in_contact(&mut lab, &[2]);
    assert_eq!(pass(&mut lab).1, 1, "for the last time");
    let (small, given) = pass(&mut lab);
    assert_eq!(given, 0, "what is free is kept");
    let why = lab.s.explain(lab.now, large).unwrap();
    assert_eq!(why.reasons, [Reason::RoomKept { worker: ip(2) }]);
    let [Obstacle::Short { resource, needed: 8, total: 8, free: 3, holders, .. }] = &why.workers[0].obstacles[..]
    else {
        panic!("{why:?}");
    };
    assert_eq!((resource.as_str(), holders.len()), ("cpus", 2));
    let why = lab.s.explain(lab.now, small).unwrap();
    assert_eq!(why.workers[0].obstacles, [Obstacle::RoomKept { job_id: large }]);
    // What takes no processors, or is of a higher rank, goes on.
    lab.submit(vec![
        plain(),
        job(|terms| {
            terms.priority = 1;
            std::sync::Arc::make_mut(&mut terms.placement).takes.cpus = 3;
        }),
    ])
    .unwrap();
    assert_eq!(lab.poll(2).assign.len(), 2);
    // Without the large one its room is everybody's.
    lab.apply(event::CancelRequested { job: large }).unwrap();
    let urgent: Vec<_> = lab.agents[&2].running.iter().copied().filter(|a| a.job > large).collect();
    urgent.into_iter().for_each(|attempt| lab.finish(2, attempt, DONE));
    assert_eq!(lab.poll(2).assign.len(), 1, "the small one");
    lab.decided.clear();
}

#[test]
fn nothing_is_kept_for_a_job_that_fits_nowhere() {
    let mut lab = lab(&[2]);
    let large = lab.submit(vec![takes(9)]).unwrap()[0];
    assert_eq!(crowd(&mut lab, &[2], &|| takes(1), large.0, 150), None);
    assert_eq!(lab.agents[&2].running.len(), 4, "small ones go on");
    assert_eq!(lab.s.explain(lab.now, large).unwrap().reasons, []);
    lab.decided.clear();
}

#[test]
fn a_worker_that_is_gone_keeps_no_room() {
    let mut lab = lab(&[2, 3]);
    lab.submit(vec![takes(4), takes(4)]).unwrap();
    lab.poll(2);
    lab.poll(3);
    lab.submit(vec![takes(8)]).unwrap();
    let pass = |lab: &mut Lab, worker: u8| {
        lab.submit(vec![takes(1)]).unwrap();
        let given = lab.poll(worker).assign;
        given.iter().for_each(|given| lab.finish(worker, given.attempt, DONE));
        given.len()
    };
    pass(&mut lab, 2);
    keep_in_contact(&mut lab, &[3]);
    // Only one of them is heard by now.
    pass(&mut lab, 3);
    assert_eq!(pass(&mut lab, 3), 0, "the one that is here keeps it");
    lab.decided.clear();
}
