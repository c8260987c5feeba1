//! What a full queue costs: to take in, to keep, to read again, to work off.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_tests::Cluster;
use c2_tests::usage::memory_bytes;
use serde_json::{Value, json};

use crate::figures::{count, now, rounded};
use crate::queue::WORKER;

/// Jobs that are run to see how fast they go.
const RUN: usize = 1_500;
const LIMIT: Duration = Duration::from_secs(120);

/// Jobs that differ, as those of a person do.
fn different(jobs: usize) -> BatchRequest {
    let spec = |n: usize| JobSpec { command: format!("true {n}"), ..JobSpec::default() };
    BatchRequest { jobs: (0..jobs).map(spec).collect(), ..BatchRequest::default() }
}

/// Jobs that all wait for one that nobody releases.
fn blocked(jobs: usize) -> BatchRequest {
    let mut batch = different(jobs);
    for (n, spec) in batch.jobs.iter_mut().enumerate() {
        if n == 0 {
            (spec.hold, spec.name) = (true, Some("gate".to_owned()));
        } else {
            spec.depends = vec!["gate".to_owned().into()];
        }
    }
    batch
}

/// Takes in a full queue in one durable batch, and starts again with it.
pub(crate) async fn full(jobs: usize) -> Result<Value> {
    let mut cluster = Cluster::start().await?;
    let pid = cluster.c2d_pid()?;
    let empty = memory_bytes(pid)?;
    let batch = different(jobs);
    let begun = now();
    cluster.client().submit_batch(&batch).await?;
    let accepted_s = begun.elapsed().as_secs_f64();
    // What was only needed to take it in is given back within seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = memory_bytes(pid)?;
    cluster.kill_c2d()?;
    let begun = now();
    cluster.restart_c2d().await?;
    let active = cluster.client().queue_status().await?.active;
    let restarted_s = begun.elapsed().as_secs_f64();
    ensure!(active == jobs, "{active} of {jobs} jobs are back");
    let again = memory_bytes(cluster.c2d_pid()?)?;
    Ok(json!({
        "bench": "full",
        "jobs": jobs,
        "accepted_s": rounded(accepted_s),
        "restart_s": rounded(restarted_s),
        "empty_mb": rounded(empty as f64 / 1e6),
        "full_mb": rounded(after as f64 / 1e6),
        "restarted_mb": rounded(again as f64 / 1e6),
        "bytes_per_job": rounded((again as f64 - empty as f64) / count(jobs)),
    }))
}

/// How fast jobs are worked off with so many behind them, and so many before them that are blocked,
/// as a share of what the same jobs reach alone.
pub(crate) async fn drain(jobs: usize) -> Result<Value> {
    ensure!(jobs > RUN, "more than {RUN} jobs");
    let mut rates = Vec::new();
    // Alone first and last: a machine that gets slower meanwhile shows.
    for shape in ["alone", "deep", "blocked", "alone"] {
        let mut cluster = Cluster::start().await?;
        if shape == "blocked" {
            cluster.client().submit_batch(&blocked(jobs - RUN)).await?;
        }
        let measured = cluster.client().submit_batch(&different(RUN)).await?.job_ids;
        if shape == "deep" {
            cluster.client().submit_batch(&different(jobs - RUN)).await?;
        }
        cluster.agent(WORKER).await?;
        let last = *measured.last().context("no job")?;
        rates.push(rate(&cluster, &measured, last).await?);
    }
    let alone = f64::midpoint(rates[0], rates[3]);
    Ok(json!({
        "bench": "drain",
        "jobs": jobs,
        "alone_per_s": [rounded(rates[0]), rounded(rates[3])],
        "deep_per_s": rounded(rates[1]),
        "blocked_per_s": rounded(rates[2]),
        "deep_of_alone": rounded(rates[1] / alone),
        "blocked_of_alone": rounded(rates[2] / alone),
    }))
}

/// Jobs a second by c2d's own clock.
async fn rate(cluster: &Cluster, jobs: &[JobId], last: JobId) -> Result<f64> {
    let client = cluster.client();
    let begun = now();
    while !client.job(last, 30).await?.done {
        ensure!(begun.elapsed() < LIMIT, "{last} does not end");
    }
    let (first, last) = (client.job(jobs[0], 0).await?.job.row, client.job(last, 0).await?.job.row);
    let begun = first.started_ms.context("no start")?;
    let span = last.ended_ms.context("no end")?.saturating_sub(begun).max(1);
    Ok(count(jobs.len()) / Duration::from_millis(span).as_secs_f64())
}
