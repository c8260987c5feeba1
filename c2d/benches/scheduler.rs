//! What the scheduler's turns cost: a poll, a submit, and the end of a job that very many wait for.
//!
//! The queue is at its limit where that could matter. The cost of the disk is not measured here.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, Session, WorkerId};
use c2_shared::job::{JobState, Needs, Outcome, Placement, Terms};
use c2_shared::limits::QUEUE_LEN_MAX;
use c2_shared::resources::{Capacity, Card};
use c2_shared::time::Mono;
use c2d::sched::event::{self, FaultOf, Introduction, NewJob, Place, ResultSummary};
use c2d::sched::{Event, Now, Saved, Scheduler};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const WORKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const NOW: Now = Now { mono: Mono(1_000), wall_ms: 1_000_000, seen_ms: 1_000 };

fn job(place: usize, depends: Option<String>, tag: Option<&str>) -> NewJob {
    let tags = tag.into_iter().map(str::to_owned).collect();
    let terms = Terms { placement: Arc::new(Placement { tags, ..Placement::default() }), ..Terms::default() };
    NewJob {
        payload: r#"{"command":"true"}"#.into(),
        name: Some(format!("n{place}").into()),
        terms: Arc::new(terms),
        depends: depends.into_iter().map(Into::into).collect(),
    }
}

fn apply(scheduler: &mut Scheduler, event: impl Event) {
    let mut decisions = Vec::new();
    scheduler.apply(NOW, event, &mut decisions).expect("the events of a bench are accepted");
    black_box(decisions);
    drop(scheduler.take_touched());
}

/// A worker with one lock and room for two jobs, and these jobs in the queue.
fn cluster(jobs: Vec<NewJob>) -> Scheduler {
    let mut scheduler = Scheduler::restore(Saved::default(), QUEUE_LEN_MAX, NOW);
    apply(&mut scheduler, event::WorkerRegistered(introduction()));
    apply(&mut scheduler, event::TagsSet { worker: WorkerId::of_address(WORKER), tags: ["lock".to_owned()].into() });
    apply(&mut scheduler, event::JobsSubmitted { jobs, key: None, max_running: None });
    scheduler
}

fn introduction() -> Introduction {
    Introduction {
        ip: WORKER,
        hostname: String::new(),
        id: WorkerId::of_address(WORKER),
        place: Place::default(),
        session: Session::default(),
        slots: 2,
        version: String::new(),
        has: Capacity::default(),
        mac: None,
        unfenced: false,
        hardware: "{}".into(),
    }
}

fn poll(scheduler: &mut Scheduler) {
    apply(scheduler, event::PlainPolled { worker: WorkerId::of_address(WORKER), ip: WORKER });
}

fn polls(c: &mut Criterion) {
    let mut empty = cluster(Vec::new());
    c.bench_function("poll on an empty queue", |b| b.iter(|| poll(&mut empty)));
    let mut blocked = cluster((0..QUEUE_LEN_MAX).map(|i| job(i, None, Some("lock"))).collect());
    poll(&mut blocked);
    c.bench_function("poll behind 49,999 blocked", |b| b.iter(|| poll(&mut blocked)));
}

/// Fifty thousand jobs of two hundred shapes, and a hundred workers that are nearly full: a poll finds the best
/// of those that still fit, or that none does.
fn many_shapes(c: &mut Criterion) {
    let shape = |i: usize| {
        let kind = i % 200;
        let number = |n: usize| u32::try_from(n).expect("shapes are few");
        let takes = Needs {
            cpus: number(1 + kind % 16),
            memory_bytes: (1 + kind as u64 / 16) << 30,
            gpus: number(kind % 3),
            needs: if kind.is_multiple_of(5) { [("license".to_owned(), 1)].into() } else { BTreeMap::new() },
            ..Needs::default()
        };
        let placement = Arc::new(Placement { takes, ..Placement::default() });
        NewJob { terms: Arc::new(Terms { placement, ..Terms::default() }), ..job(i, None, None) }
    };
    let mut full = cluster((0..QUEUE_LEN_MAX).map(shape).collect());
    let worker = |n: u8| IpAddr::from([127, 0, 1, n]);
    for n in 0..100 {
        let has = Capacity {
            cpus: 16,
            memory_bytes: 64 << 30,
            gpus: (0..2).map(|index| Card { index, vram_bytes: 24 << 30 }).collect(),
            needs: [("license".to_owned(), 1)].into(),
        };
        let ip = worker(n);
        let intro = Introduction { ip, id: WorkerId::of_address(ip), slots: 64, has, ..introduction() };
        apply(&mut full, event::WorkerRegistered(intro));
    }
    let poll = |s: &mut Scheduler, n: u8| {
        apply(s, event::PlainPolled { worker: WorkerId::of_address(worker(n)), ip: worker(n) });
    };
    // As many as fit; what is left of a worker is too little for most.
    for n in (0..100).cycle().take(100 * 20) {
        poll(&mut full, n);
    }
    let mut n = 0;
    c.bench_function("poll of a full worker with 200 shapes of jobs", |b| {
        b.iter(|| {
            n = (n + 1) % 100;
            poll(&mut full, n);
        });
    });
    let empty = || {
        let mut scheduler = full.clone();
        let ip = worker(200);
        let has = Capacity { cpus: 16, memory_bytes: 64 << 30, ..Capacity::default() };
        apply(
            &mut scheduler,
            event::WorkerRegistered(Introduction {
                ip,
                id: WorkerId::of_address(ip),
                slots: 64,
                has,
                ..introduction()
            }),
        );
        scheduler
    };
    let give = |mut scheduler: Scheduler| {
        poll(&mut scheduler, 200);
        scheduler
    };
    c.bench_function("one of 200 shapes of jobs given", |b| b.iter_batched(empty, give, BatchSize::LargeInput));
}

fn submits(c: &mut Criterion) {
    let start = cluster(Vec::new());
    let submit = |mut scheduler: Scheduler| {
        apply(&mut scheduler, event::JobsSubmitted { jobs: vec![job(0, None, None)], key: None, max_running: None });
        scheduler
    };
    c.bench_function("submit", |b| b.iter_batched(|| start.clone(), submit, BatchSize::SmallInput));
}

fn cascades(c: &mut Criterion) {
    let mut group = c.benchmark_group("cascade of 50,000");
    group.sample_size(10);
    for (name, star) in [("chain", false), ("star", true)] {
        let on = |i: usize| (i > 0).then(|| format!("n{}", if star { 0 } else { i - 1 }));
        let mut start = cluster((0..QUEUE_LEN_MAX).map(|i| job(i, on(i), None)).collect());
        poll(&mut start);
        let result = ResultSummary {
            attempt: AttemptId { job: JobId(1), number: 1 },
            outcome: Outcome::Exit { code: 1 },
            fault_of: FaultOf::Worker,
            took_ms: None,
        };
        let fail = |mut scheduler: Scheduler| {
            apply(
                &mut scheduler,
                event::ResultArrived {
                    worker: WorkerId::of_address(WORKER),
                    from: Some(WORKER),
                    result: result.clone(),
                },
            );
            assert_eq!(scheduler.queue(NOW).ended[&JobState::Failed], QUEUE_LEN_MAX as u64, "all of them fail");
            scheduler
        };
        group.bench_function(name, |b| b.iter_batched(|| start.clone(), fail, BatchSize::LargeInput));
    }
    group.finish();
}

criterion_group!(benches, polls, many_shapes, submits, cascades);
criterion_main!(benches);
