//! How the scheduler grows: the pure one, without disk and network, with more jobs and more workers
//! than a home has.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::id::{AttemptId, JobId, Session, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::resources::Capacity;
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
/// Looks at the clock.
const TICKS: usize = 200;

pub(crate) fn scale() -> Result<Value> {
    let rows = SIZES.map(|(jobs, workers)| measure(jobs, workers));
    let rows = rows.into_iter().collect::<Result<Vec<Value>>>()?;
    Ok(json!({"bench": "scale", "rows": rows}))
}

fn measure(jobs: usize, workers: usize) -> Result<Value> {
    let before = memory_bytes(rustix::process::getpid())?;
    let mut mono = 1_000;
    let mut scheduler = Scheduler::restore(Saved::default(), jobs, at(mono));
    for n in 0..workers {
        let intro = Introduction {
            id: id(n),
            ip: ip(n),
            hostname: String::new(),
            place: Place::default(),
            session: Session::default(),
            slots: 4,
            version: String::new(),
            has: Capacity::default(),
            mac: None,
            unfenced: false,
            hardware: "{}".into(),
        };
        apply(&mut scheduler, mono, event::WorkerRegistered(intro))?;
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
