//! Measures a real cluster on this machine and prints one JSON line for each question.
//!
//! `c2-bench latency [JOBS]`: from submit to done, one job at a time on an idle cluster.
//! `c2-bench throughput [JOBS]`: jobs a second through four slots, and as a share of what
//! `xargs -P4` reaches in the same run, which is the figure that travels between machines.
//! `c2-bench cascade [JOBS]`: how long a batch takes to be accepted, and then to fail from its first
//! job on: each job waiting for the one before (chain), all for the first one (star).
//! These are measurements, never tests: a busy machine makes nothing fail.

use std::io::Write as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use c2_shared::api::jobs::{BatchRequest, LogQuery};
use c2_shared::client::Client;
use c2_shared::job::JobSpec;
use c2_shared::limits::{PAGE_LEN_MAX, QUEUE_LEN_MAX};
use c2_tests::{Cluster, eventually};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Where the one agent of the cluster is.
const WORKER: &str = "127.0.0.2";
/// What is run: the shell and nothing more.
const COMMAND: &str = "true";
/// Submits under way at once while the queue is filled.
const SUBMITTERS: usize = 64;
/// Longest time for any one measurement.
const LIMIT: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let line = match run(&words) {
        Ok(result) => writeln!(std::io::stdout().lock(), "{result}"),
        Err(error) => writeln!(std::io::stderr().lock(), "error: {error:#}").and(Err(std::io::ErrorKind::Other.into())),
    };
    if line.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(words: &[String]) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let jobs = |default: usize| words.get(1).map_or(Ok(default), |word| word.parse().context("JOBS is a number"));
    match words.first().map(String::as_str) {
        Some("latency") => runtime.block_on(latency(jobs(100)?)),
        Some("throughput") => runtime.block_on(throughput(jobs(2_000)?)),
        Some("cascade") => runtime.block_on(cascade(jobs(QUEUE_LEN_MAX)?)),
        _ => bail!("usage: c2-bench latency [JOBS] | throughput [JOBS] | cascade [JOBS]"),
    }
}

async fn latency(jobs: usize) -> Result<Value> {
    ensure!(jobs > 0, "at least one job");
    let mut cluster = Cluster::start().await?;
    cluster.agent(WORKER).await?;
    // The first job pays for connections and for pages that were never touched.
    cluster.ended(cluster.submit(COMMAND).await?).await?;
    let mut spans = Vec::new();
    for _ in 0..jobs {
        let start = now();
        let job = cluster.submit(COMMAND).await?;
        cluster.ended(job).await?;
        spans.push(start.elapsed());
    }
    spans.sort();
    let at = |percent: usize| spans[(spans.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    Ok(json!({"bench": "latency", "jobs": jobs, "p50_ms": rounded(at(50)), "p99_ms": rounded(at(99))}))
}

async fn throughput(jobs: usize) -> Result<Value> {
    ensure!((1..=PAGE_LEN_MAX).contains(&jobs), "from 1 to {PAGE_LEN_MAX} jobs");
    let mut cluster = Cluster::start().await?;
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
    let drained_s = Duration::from_millis((last - first).max(1)).as_secs_f64();

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

async fn cascade(jobs: usize) -> Result<Value> {
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
async fn fill(client: &Client, jobs: usize) -> Result<()> {
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
fn xargs(jobs: usize) -> Result<Duration> {
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

fn count(jobs: usize) -> f64 {
    f64::from(u32::try_from(jobs).unwrap_or(u32::MAX))
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
fn now() -> Instant {
    Instant::now()
}
