//! How the scheduler grows: the pure one, without disk and network, with more jobs and more workers
//! than a home has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::id::{AttemptId, JobId, Session, WorkerId};
use c2_shared::job::{Needs, Outcome, Placement, Terms};
use c2_shared::resources::{Capacity, Card};
use c2_shared::time::Mono;
use c2_tests::usage::memory_bytes;
use c2d::sched::event::{self, FaultOf, Introduction, NewJob, Place, ResultSummary};
use c2d::sched::{Event, Now, Saved, Scheduler};
use serde_json::{Value, json};

use crate::figures::{count, now, rounded};

/// Queue and workers of each measurement.
const SIZES: [(usize, usize); 4] = [(50_000, 10), (50_000, 10_000), (1_000_000, 10), (1_000_000, 10_000)];
/// Jobs that are given out and ended to see how long one takes.
const TURNS: usize = 20_000;
/// Jobs of many shapes, and how many shapes.
const SHAPED: usize = 50_000;
const SHAPES: usize = 200;
/// Looks at the clock.
const TICKS: usize = 200;

pub(crate) fn scale() -> Result<Value> {
    let rows = SIZES.map(|(jobs, workers)| measure(jobs, workers));
    let rows = rows.into_iter().collect::<Result<Vec<Value>>>()?;
    Ok(json!({"bench": "scale", "rows": rows, "shapes": shapes()?}))
}

/// A full queue of many shapes, and workers on which few of them still fit: what a poll takes, after the end of a job
/// and without one.
fn shapes() -> Result<Value> {
    const WORKERS: usize = 100;
    let mut scheduler = Scheduler::restore(Saved::default(), SHAPED, at(1_000));
    for n in 0..WORKERS {
        let cards = (0..2).map(|index| Card { index, vram_bytes: 24 << 30 }).collect();
        let needs = [("license".to_owned(), 1)].into();
        let has = Capacity { cpus: 16, memory_bytes: 64 << 30, gpus: cards, needs };
        apply(&mut scheduler, 1_000, event::WorkerRegistered(Introduction { slots: 64, ..introduction(n, has) }))?;
    }
    let jobs = (0..SHAPED).map(shaped).collect();
    apply(&mut scheduler, 1_000, event::JobsSubmitted { jobs, key: None, max_running: None })?;
    for n in (0..WORKERS).cycle().take(WORKERS * 20) {
        apply(&mut scheduler, 1_000, event::PlainPolled { worker: id(n), ip: ip(n) })?;
    }
    let (mut given, mut idle) = (Vec::new(), Vec::new());
    for n in (0..WORKERS).cycle().take(TURNS) {
        let worker = id(n);
        let mut running = scheduler.handouts(|other| *other == worker).into_iter().map(|handout| handout.attempt);
        let attempt = running.next().context("nothing runs there")?;
        let outcome = Outcome::Exit { code: 0 };
        let result = ResultSummary { attempt, outcome, fault_of: FaultOf::Worker, took_ms: None };
        apply(&mut scheduler, 1_000, event::ResultArrived { worker: worker.clone(), from: Some(ip(n)), result })?;
        for times in [&mut given, &mut idle] {
            let polled = now();
            apply(&mut scheduler, 1_000, event::PlainPolled { worker: worker.clone(), ip: ip(n) })?;
            times.push(polled.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        rounded(times[times.len() / 2].as_secs_f64() * 1e6)
    };
    Ok(json!({
        "jobs": SHAPED,
        "shapes": SHAPES,
        "workers": WORKERS,
        "poll_after_an_end_us": median(given),
        "poll_us": median(idle),
    }))
}

/// One job of many shapes.
fn shaped(n: usize) -> NewJob {
    let kind = u32::try_from(n % SHAPES).unwrap_or(0);
    let takes = Needs {
        cpus: 1 + kind % 16,
        memory_bytes: (1 + u64::from(kind) / 16) << 30,
        gpus: kind % 3,
        needs: if kind.is_multiple_of(5) { [("license".to_owned(), 1)].into() } else { BTreeMap::new() },
        ..Needs::default()
    };
    let placement = Arc::new(Placement { takes, ..Placement::default() });
    NewJob { terms: Arc::new(Terms { placement, ..Terms::default() }), ..job(n) }
}

fn measure(jobs: usize, workers: usize) -> Result<Value> {
    let before = memory_bytes(rustix::process::getpid())?;
    let mut mono = 1_000;
    let mut scheduler = Scheduler::restore(Saved::default(), jobs, at(mono));
    for n in 0..workers {
        apply(&mut scheduler, mono, event::WorkerRegistered(introduction(n, Capacity::default())))?;
    }
    let filling = now();
    apply(
        &mut scheduler,
        mono,
        event::JobsSubmitted { jobs: (0..jobs).map(job).collect(), key: None, max_running: None },
    )?;
    let filled_s = filling.elapsed().as_secs_f64();
    let memory = memory_bytes(rustix::process::getpid())?.saturating_sub(before);

    let turns = TURNS.min(jobs / 2);
    let working = now();
    for n in 0..turns {
        // Each worker has ended its last job before it asks for the next.
        let (worker, ip) = (id(n % workers), ip(n % workers));
        apply(&mut scheduler, mono, event::PlainPolled { worker: worker.clone(), ip })?;
        let attempt = AttemptId { job: JobId(u64::try_from(n)? + 1), number: 1 };
        let result =
            ResultSummary { attempt, outcome: Outcome::Exit { code: 0 }, fault_of: FaultOf::Worker, took_ms: None };
        apply(&mut scheduler, mono, event::ResultArrived { worker, from: Some(ip), result })?;
    }
    let turn_us = working.elapsed().as_secs_f64() * 1e6 / count(turns);
    let ticking = now();
    for _ in 0..TICKS {
        mono += 1;
        apply(&mut scheduler, mono, event::TimePassed)?;
    }
    let tick_us = ticking.elapsed().as_secs_f64() * 1e6 / count(TICKS);
    Ok(json!({
        "jobs": jobs,
        "workers": workers,
        "accepted_s": rounded(filled_s),
        "bytes_per_job": rounded(memory as f64 / count(jobs)),
        "dispatch_and_end_us": rounded(turn_us),
        "tick_us": rounded(tick_us),
    }))
}

fn introduction(n: usize, has: Capacity) -> Introduction {
    Introduction {
        id: id(n),
        ip: ip(n),
        hostname: String::new(),
        place: Place::default(),
        session: Session::default(),
        slots: 4,
        version: String::new(),
        has,
        mac: None,
        unfenced: false,
        hardware: "{}".into(),
    }
}

fn apply(scheduler: &mut Scheduler, mono: u64, event: impl Event) -> Result<()> {
    let mut decisions = Vec::new();
    let reply = scheduler.apply(at(mono), event, &mut decisions);
    drop(scheduler.take_touched());
    reply.map(drop).ok().context("the scheduler refused an event of the bench")
}

fn at(mono: u64) -> Now {
    let wall_ms = mono + u64::try_from(Duration::from_secs(1_000_000).as_millis()).unwrap_or(0);
    Now { mono: Mono(mono), wall_ms, seen_ms: mono }
}

fn id(n: usize) -> WorkerId {
    format!("{n:032x}").into()
}

fn ip(n: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x7F01_0000 + u32::try_from(n).unwrap_or(u32::MAX)))
}

fn job(n: usize) -> NewJob {
    NewJob { payload: format!("{{\"command\":\"true {n}\"}}").into(), ..NewJob::default() }
}
