//! What must hold when the home is calm again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use c2_shared::api::jobs::{JobRow, JobsQuery};
use c2_shared::client::Client;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobState, OnLost, Outcome};
use c2_tests::{eventually, marked};

use super::WORKERS;
use crate::load::{Known, Load, Plan, TAG, written};
use crate::oracle::{self, Found};

/// Words of two clocks that are read one after the other.
const SLACK_MS: u64 = 1_000;

/// What a job wrote down about one attempt.
#[derive(Debug, Default)]
struct Run {
    worker: String,
    starts: Vec<u64>,
    ended: Option<u64>,
}

/// The end of all jobs, or what has not ended.
pub(super) async fn or_what_is_left(client: &Client, ended: Result<()>) -> Result<()> {
    let Err(error) = ended else { return Ok(()) };
    let left = client.jobs(&JobsQuery { limit: Some(20), ..JobsQuery::default() }).await?.jobs;
    let left: Vec<String> = left
        .iter()
        .map(|row| format!("{} {:?} attempt {} at {:?}", row.job_id, row.state, row.attempt, row.worker))
        .collect();
    let workers: Vec<String> = client.workers().await?.workers.iter().map(|row| format!("{row:?}")).collect();
    bail!("{error:#}\n{}\n{}", left.join("\n"), workers.join("\n"))
}

pub(super) async fn examine(
    client: &Client,
    data: &Path,
    load: &Load,
    rough: &BTreeMap<String, Vec<u64>>,
) -> Result<Found> {
    let rows = oracle::all(client).await?;
    let runs = runs(&written(&load.folder, "events"))?;
    let mut broken = written(&load.folder, "broken");
    broken.extend(load.with(|known| {
        let mut broken = std::mem::take(&mut known.broken);
        broken.extend(verdicts(known, &rows, &runs, rough));
        broken.extend(repeats(known, &runs, rough));
        broken
    }));
    broken.extend(oracle::log(data, &rows)?);
    let workers = client.workers().await?.workers;
    if workers.len() != usize::from(WORKERS) || workers.iter().any(|worker| !worker.tags.contains_key(TAG)) {
        broken.push(format!("not the four workers that there were, each with its tag: {workers:?}"));
    }
    let mark = format!("CHAOS_RUN={}", load.mark);
    let gone = async || Ok(marked(&mark).is_empty().then_some(()));
    if eventually("no process of a job", Duration::from_secs(20), gone).await.is_err() {
        broken.push("a process of an ended job is alive".to_owned());
    }
    oracle::found(&rows, broken)
}

/// `start ATTEMPT WORKER MS`, `end ATTEMPT WORKER MS`.
fn runs(events: &[String]) -> Result<BTreeMap<AttemptId, Run>> {
    let mut runs = BTreeMap::<AttemptId, Run>::new();
    for line in events {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, attempt, worker, ms] = words[..] else { bail!("a torn line: {line:?}") };
        let run = runs.entry(attempt.parse().with_context(|| line.clone())?).or_default();
        run.worker = worker.to_owned();
        let ms = ms.parse().with_context(|| line.clone())?;
        if kind == "start" {
            run.starts.push(ms);
        } else {
            run.ended = Some(ms);
        }
    }
    Ok(runs)
}

/// Whether a worker may have lost between two times what it ran.
fn was_rough(rough: &BTreeMap<String, Vec<u64>>, worker: &str, from: u64, to: u64) -> bool {
    let within = from.saturating_sub(SLACK_MS)..=to.saturating_add(SLACK_MS);
    rough.get(worker).is_some_and(|times| times.iter().any(|at| within.contains(at)))
}

/// Everything accepted has ended as it deserves, and as it was shown at first.
fn verdicts(
    known: &Known,
    rows: &BTreeMap<JobId, JobRow>,
    runs: &BTreeMap<AttemptId, Run>,
    rough: &BTreeMap<String, Vec<u64>>,
) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, plan) in &known.accepted {
        let Some(row) = rows.get(id) else {
            broken.push(format!("{id} was accepted and is lost"));
            continue;
        };
        let verdict = format!("{:?} {:?} {}", row.state, row.outcome, row.attempt);
        if known.seen.get(id).is_some_and(|first| *first != verdict) {
            broken.push(format!("{id} was shown as {}, and is {verdict}", known.seen[id]));
        }
        let last = runs.get(&AttemptId { job: *id, number: row.attempt });
        let lost = || {
            let of_job = runs.iter().filter(|(attempt, _)| attempt.job == *id);
            of_job.filter(|(_, run)| was_rough(rough, &run.worker, run.starts[0], u64::MAX)).count()
        };
        let deserved = match (row.state, &row.outcome) {
            (JobState::Cancelled, _) => known.cancelled.contains(id),
            (JobState::Succeeded, Some(Outcome::Exit { code: 0 })) => {
                plan.code == 0 && last.is_some_and(|run| run.ended.is_some())
            }
            (JobState::Failed, Some(Outcome::Exit { code })) => *code == plan.code && *code != 0,
            (JobState::Failed, Some(Outcome::Timeout)) => plan.timeout,
            // Given to a machine that died before it started, it may have left no mark.
            (JobState::Failed, Some(Outcome::Lost)) => plan.on_lost == OnLost::Fail && (lost() > 0 || last.is_none()),
            (JobState::Failed, Some(Outcome::CrashLimit)) => lost() > 0,
            _ => false,
        };
        if !deserved {
            broken.push(format!("{id} is {verdict}, with the plan {plan:?}"));
        }
    }
    broken
}

/// An attempt starts once; another follows only a failure that is tried again, or a worker that may have
/// lost it; and none follows where a job may run once at most.
fn repeats(known: &Known, runs: &BTreeMap<AttemptId, Run>, rough: &BTreeMap<String, Vec<u64>>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut before: Option<(AttemptId, &Run)> = None;
    for (attempt, run) in runs {
        if run.starts.len() != 1 {
            broken.push(format!("{attempt} started {} times", run.starts.len()));
        }
        let Some(plan) = known.accepted.get(&attempt.job) else {
            broken.push(format!("nobody knows of {attempt}"));
            continue;
        };
        if let Some((first, earlier)) = before.filter(|(first, _)| first.job == attempt.job)
            && !may_follow(plan, earlier, run, rough)
        {
            broken.push(format!("{attempt} follows {first}, {earlier:?}, {plan:?}"));
        }
        before = Some((*attempt, run));
    }
    broken
}

fn may_follow(plan: &Plan, earlier: &Run, run: &Run, rough: &BTreeMap<String, Vec<u64>>) -> bool {
    let failed = plan.retries > 0 && (plan.timeout || (plan.code != 0 && earlier.ended.is_some()));
    let lost = was_rough(rough, &earlier.worker, earlier.starts[0], run.starts[0]);
    failed || (lost && plan.on_lost != OnLost::Fail)
}
