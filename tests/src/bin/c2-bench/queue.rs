//! How fast jobs go through a real cluster.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::api::jobs::LogQuery;
use c2_shared::client::Client;
use c2_shared::job::JobSpec;
use c2_shared::limits::PAGE_LEN_MAX;
use c2_tests::{Cluster, eventually};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::figures::{Spans, count, now, rounded};

/// Where the one agent of the cluster is.
pub(crate) const WORKER: &str = "127.0.0.2";
/// What is run: the shell and nothing more.
pub(crate) const COMMAND: &str = "true";
/// Jobs before those that are timed. They pay for connections and for pages that were never touched;
/// and after them the log of SQLite has been folded, so that it is written over as it is for all
/// the life of a c2d, and does not grow.
const WARM_UP: usize = 400;
/// Submits under way at once while the queue is filled.
const SUBMITTERS: usize = 64;
/// Longest time for any one measurement.
const LIMIT: Duration = Duration::from_secs(600);

pub(crate) async fn latency(jobs: usize) -> Result<Value> {
    ensure!(jobs > 0, "at least one job");
    let mut cluster = Cluster::start().await?;
    cluster.agent(WORKER).await?;
    let spans = one_at_a_time(&cluster, jobs).await?;
    Ok(json!({"bench": "latency", "jobs": jobs, "p50_ms": spans.ms_at(50), "p99_ms": spans.ms_at(99)}))
}

/// From submit to done, one job after the other.
pub(crate) async fn one_at_a_time(cluster: &Cluster, jobs: usize) -> Result<Spans> {
    let mut spans = Spans::default();
    for n in 0..WARM_UP + jobs {
        let start = now();
        let job = cluster.submit(COMMAND).await?;
        cluster.ended(job).await?;
        if n >= WARM_UP {
            spans.add(start.elapsed());
        }
    }
    Ok(spans)
}

pub(crate) async fn throughput(jobs: usize) -> Result<Value> {
    let mut cluster = Cluster::start().await?;
    let (accepted_s, drained_s) = filled_and_drained(&mut cluster, jobs).await?;
    let limit_s = xargs(jobs)?.as_secs_f64();
    Ok(json!({
        "bench": "throughput",
        "jobs": jobs,
        "accepted_per_s": rounded(count(jobs) / accepted_s),
        "jobs_per_s": rounded(count(jobs) / drained_s),
        "xargs_per_s": rounded(count(jobs) / limit_s),
        "of_xargs": rounded(limit_s / drained_s),
    }))
}

/// How long it takes to fill a queue, and then to work it off, in seconds.
pub(crate) async fn filled_and_drained(cluster: &mut Cluster, jobs: usize) -> Result<(f64, f64)> {
    ensure!((1..=PAGE_LEN_MAX).contains(&jobs), "from 1 to {PAGE_LEN_MAX} jobs");
    let accepting = now();
    fill(cluster.client(), jobs).await?;
    let accepted_s = accepting.elapsed().as_secs_f64();

    cluster.agent(WORKER).await?;
    let client = cluster.client();
    eventually("an empty queue", LIMIT, async || Ok((client.queue_status().await?.active == 0).then_some(()))).await?;
    let results = client.log(&LogQuery { lines: Some(jobs), ..LogQuery::default() }).await?.results;
    ensure!(results.len() == jobs, "{} of {jobs} jobs are in the log", results.len());
    // c2d's own clock, so that the start of the agent does not count.
    let first = results.iter().filter_map(|entry| entry.job.started_ms).min().context("no start")?;
    let last = results.iter().filter_map(|entry| entry.job.ended_ms).max().context("no end")?;
    Ok((accepted_s, Duration::from_millis((last - first).max(1)).as_secs_f64()))
}

pub(crate) async fn cascade(jobs: usize) -> Result<Value> {
    ensure!(jobs > 1, "at least two jobs");
    let mut result = json!({"bench": "cascade", "jobs": jobs});
    for (shape, star) in [("chain", false), ("star", true)] {
        let cluster = Cluster::start().await?;
        let client = cluster.client();
        let spec = |i: usize| JobSpec {
            command: COMMAND.to_owned(),
            name: Some(format!("n{i}")),
            hold: i == 0,
            depends: (i > 0).then(|| format!("n{}", if star { 0 } else { i - 1 }).into()).into_iter().collect(),
            ..JobSpec::default()
        };
        let batch = BatchRequest { jobs: (0..jobs).map(spec).collect(), ..BatchRequest::default() };
        let accepting = now();
        let first = *client.submit_batch(&batch).await?.job_ids.first().context("no job")?;
        result[format!("{shape}_accepted_s")] = rounded(accepting.elapsed().as_secs_f64()).into();
        let failing = now();
        client.cancel(first).await?;
        let active = client.queue_status().await?.active;
        result[format!("{shape}_failed_s")] = rounded(failing.elapsed().as_secs_f64()).into();
        ensure!(active == 0, "{active} jobs are left when the first one has ended");
    }
    Ok(result)
}

/// Fills the queue while nobody works.
pub(crate) async fn fill(client: &Client, jobs: usize) -> Result<()> {
    let mut submitters = JoinSet::new();
    for submitter in 0..SUBMITTERS {
        let client = client.clone();
        submitters.spawn(async move {
            let spec = JobSpec { command: COMMAND.to_owned(), ..JobSpec::default() };
            for _ in (submitter..jobs).step_by(SUBMITTERS) {
                client.submit(&spec).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(submitter) = submitters.join_next().await {
        submitter??;
    }
    Ok(())
}

/// How long the same commands take with nothing around them but four processes at a time.
pub(crate) fn xargs(jobs: usize) -> Result<Duration> {
    let start = now();
    let mut xargs = Command::new("xargs")
        .args(["-P4", "-n1", "sh", "-c", COMMAND])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run xargs")?;
    let mut input = xargs.stdin.take().context("xargs has no input")?;
    for _ in 0..jobs {
        writeln!(input, "x")?;
    }
    drop(input);
    ensure!(xargs.wait()?.success(), "xargs failed");
    Ok(start.elapsed())
}
