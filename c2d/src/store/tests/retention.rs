//! Old jobs go, by each bound; their verdicts, and what is still needed, stay.

use c2_shared::config::Retention;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Condition;
use c2_shared::time::Mono;

use super::{Lab, StoreError, add, end, job, worker};
use crate::engine::{Batch, Durable as _};
use crate::sched::Decision;
use crate::sched::decision::DependencyEdge;
use crate::sched::event::Now;
use crate::sched::fit::Share;
use crate::store::{History, JobFilter, open};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// When [`end`] lets the first job end.
const ENDED_MS: u64 = 1_700_000_000_000;
const ALL: Retention = Retention {
    keep_days: 30,
    keep_jobs: 1_000_000,
    keep_bytes: u64::MAX,
    output_keep_bytes: u64::MAX,
    keep_blob_bytes: u64::MAX,
};

/// Commits, goes on for 40 days by the end of which it is `wall_ms`, waits until `left` jobs are there,
/// and answers what became of each.
fn remove_old(lab: &Lab, keep: Retention, decisions: Vec<Decision>, wall_ms: u64, left: &[u64]) -> History {
    remove_after(lab, keep, decisions, (40, wall_ms), left)
}

fn remove_after(
    lab: &Lab,
    keep: Retention,
    decisions: Vec<Decision>,
    (days, wall_ms): (u64, u64),
    left: &[u64],
) -> History {
    let mut opened = open(super::Config { keep, ..lab.config() }).unwrap();
    for (decisions, day) in [(decisions, 0), (Vec::new(), 1), (Vec::new(), days)] {
        let now = Now { wall_ms, mono: Mono(day * DAY_MS), seen_ms: day * DAY_MS };
        block_on(opened.writer.commit(Batch { decisions, outputs: Vec::new(), now })).unwrap();
    }
    let waiting = async {
        let every = || JobFilter { ended: true, limit: 10_000, ..JobFilter::default() };
        loop {
            let jobs = opened.history.jobs(every()).await.unwrap();
            if jobs.iter().map(|job| job.view.id.0).eq(left.iter().copied()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let in_time = block_on(async { tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await });
    in_time.expect("exactly these jobs are left");
    opened.writer.close();
    opened.history
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn ended(count: u64) -> Vec<Decision> {
    (1..=count).map(add).chain((1..=count).map(|n| end(n, 0, n))).collect()
}

#[test]
fn each_bound_removes_the_oldest() {
    let table = [
        (ALL, ENDED_MS + 30 * DAY_MS, vec![1, 2, 3, 4]),
        (ALL, ENDED_MS + 30 * DAY_MS + 3, vec![3, 4]),
        (ALL, ENDED_MS + 31 * DAY_MS, vec![]),
        (Retention { keep_jobs: 1, ..ALL }, ENDED_MS, vec![4]),
        (Retention { keep_bytes: 1, ..ALL }, ENDED_MS, vec![]),
    ];
    for (keep, wall_ms, left) in table {
        let lab = Lab::new();
        let before = lab.commit(&[ended(4)]);
        let history = remove_old(&lab, keep, Vec::new(), wall_ms, &left);
        for id in 1..=4 {
            let found = block_on(history.job(JobId(id)));
            let gone = matches!(found, Err(StoreError::Gone { job }) if job == JobId(id));
            assert_eq!(gone, !left.contains(&id), "{keep:?}: {id}");
        }
        assert!(block_on(history.job(JobId(5))).unwrap().is_none(), "it never was");
        assert_eq!(lab.saved(), before, "verdicts, counters and numbers stay");
    }
}

#[test]
fn a_clock_that_jumps_makes_nothing_old() {
    let lab = Lab::new();
    lab.commit(&[ended(4)]);
    // One goes because there are too many, so that all have been looked at.
    let keep = Retention { keep_jobs: 3, ..ALL };
    remove_after(&lab, keep, Vec::new(), (29, ENDED_MS + 4_000 * DAY_MS), &[2, 3, 4]);
    remove_after(&lab, keep, Vec::new(), (2, ENDED_MS + 4_000 * DAY_MS), &[]);
}

#[test]
fn many_go_in_several_bites_and_the_log_keeps_them() {
    let lab = Lab::new();
    lab.commit(&[ended(350)]);
    remove_old(&lab, ALL, Vec::new(), ENDED_MS + 40 * DAY_MS, &[]);
    let log = std::fs::read_to_string(lab.path().join("jobs.log")).unwrap();
    assert_eq!(log.lines().count(), 350);
}

#[test]
fn what_is_still_needed_stays() {
    let lab = Lab::new();
    let mut dependent = job(3);
    dependent.depends = vec![DependencyEdge { condition: Condition::Any, on: JobId(1), fulfilled: true }];
    let held = AttemptId { job: JobId(2), number: 1 };
    let (id, ip) = (worker(2).intro.id, worker(2).intro.ip);
    let decisions = vec![
        Decision::PutWorker(Box::new(worker(2))),
        add(1),
        add(2),
        Decision::AddJob(Box::new(dependent)),
        Decision::Assign { attempt: held, worker: id.clone(), ip, share: Share::default(), ahead: false, at_ms: 1 },
        end(1, 0, 1),
        end(2, 1, 2),
        add(4),
        end(4, 0, 3),
    ];
    lab.commit(&[decisions]);
    remove_old(&lab, ALL, Vec::new(), ENDED_MS + 40 * DAY_MS, &[1, 2, 3]);
    let over = vec![Decision::Free { attempt: held, worker: id }, end(3, 0, 4)];
    // Nobody needs them any more, so they go with the one that did.
    remove_old(&lab, ALL, over, ENDED_MS + 40 * DAY_MS, &[]);
}
