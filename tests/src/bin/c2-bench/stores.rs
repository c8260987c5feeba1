//! The same on both engines of the store, in turns, so that a noisy machine is noisy for both.

use anyhow::{Context as _, Result};
use c2_shared::api::batches::BatchRequest;
use c2_shared::job::JobSpec;
use c2_shared::limits::QUEUE_LEN_MAX;
use c2_tests::Cluster;
use serde_json::{Value, json};

use crate::figures::{Spans, count, now, rounded};
use crate::queue::{COMMAND, WORKER, filled_and_drained, one_at_a_time, xargs};

/// Jobs of which the latency is measured.
const ONE_AT_A_TIME: usize = 200;
/// How often each is measured.
const TURNS: usize = 3;

/// What was measured on one engine.
#[derive(Debug, Default)]
struct Figures {
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    accepted_per_s: Vec<f64>,
    jobs_per_s: Vec<f64>,
    batch_s: Vec<f64>,
}

pub(crate) async fn stores(jobs: usize) -> Result<Value> {
    let (mut sqlite, mut postgres, mut limit) = (Figures::default(), Figures::default(), Vec::new());
    for _ in 0..TURNS {
        sqlite.measure(async || Cluster::start().await, jobs).await?;
        let there = async || Cluster::start_on_postgres().await?.context("PostgreSQL is not installed");
        postgres.measure(there, jobs).await?;
        limit.push(count(jobs) / xargs(jobs)?.as_secs_f64());
    }
    let limit = median(&limit);
    Ok(json!({
        "bench": "stores",
        "jobs": jobs,
        "xargs_per_s": limit,
        "sqlite": sqlite.told(limit),
        "postgres": postgres.told(limit),
        "latency_of_sqlite": rounded(median(&postgres.p50_ms) / median(&sqlite.p50_ms)),
    }))
}

impl Figures {
    async fn measure(&mut self, start: impl AsyncFn() -> Result<Cluster>, jobs: usize) -> Result<()> {
        let mut cluster = start().await?;
        cluster.agent(WORKER).await?;
        let spans: Spans = one_at_a_time(&cluster, ONE_AT_A_TIME).await?;
        self.p50_ms.push(spans.ms_at(50));
        self.p99_ms.push(spans.ms_at(99));
        drop(cluster);
        let mut cluster = start().await?;
        let (accepted_s, drained_s) = filled_and_drained(&mut cluster, jobs).await?;
        self.accepted_per_s.push(count(jobs) / accepted_s);
        self.jobs_per_s.push(count(jobs) / drained_s);
        drop(cluster);
        let cluster = start().await?;
        let spec = |n: usize| JobSpec { command: format!("{COMMAND} {n}"), ..JobSpec::default() };
        let batch = BatchRequest { jobs: (0..QUEUE_LEN_MAX).map(spec).collect(), ..BatchRequest::default() };
        let begun = now();
        cluster.client().submit_batch(&batch).await?;
        self.batch_s.push(begun.elapsed().as_secs_f64());
        Ok(())
    }

    fn told(&self, limit: f64) -> Value {
        let of_xargs = rounded(median(&self.jobs_per_s) / limit);
        json!({
            "p50_ms": median(&self.p50_ms),
            "p99_ms": median(&self.p99_ms),
            "accepted_per_s": median(&self.accepted_per_s),
            "jobs_per_s": median(&self.jobs_per_s),
            "of_xargs": of_xargs,
            "batch_of_50000_s": median(&self.batch_s),
        })
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).map_or(0.0, |value| rounded(*value))
}
