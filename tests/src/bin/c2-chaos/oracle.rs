//! What must hold when the storm is over, looked at from the outside: the answers of c2d, its log,
//! and what the jobs themselves wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use c2_shared::api::jobs::{JobRow, JobsQuery};
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Outcome};
use c2_tests::{Cluster, eventually, marked};

use crate::load::{Known, Load, written};

/// What is told of a storm that broke nothing.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) jobs: usize,
    pub(crate) states: BTreeMap<String, usize>,
    /// Jobs of which more than one attempt started.
    pub(crate) again: usize,
}

pub(crate) async fn examine(cluster: &Cluster, load: &Load) -> Result<Found> {
    let rows = all(cluster.client()).await?;
    let events = written(&load.folder, "events");
    let mut broken = written(&load.folder, "broken");
    broken.extend(load.with(|known| {
        let mut broken = std::mem::take(&mut known.broken);
        broken.extend(verdicts(known, &rows));
        broken.extend(order(known, &rows, &events));
        broken
    }));
    broken.extend(attempts(&rows, &events));
    broken.extend(log(&cluster.data_dir_of(cluster.leader().await?), &rows)?);
    let survivors = async || Ok(marked(&format!("CHAOS_RUN={}", load.mark)).is_empty().then_some(()));
    if eventually("no process of a job", Duration::from_secs(15), survivors).await.is_err() {
        broken.push("a process of an ended job is alive".to_owned());
    }
    found(&rows, broken)
}

/// What is told of these jobs, unless a promise was broken.
pub(crate) fn found(rows: &BTreeMap<JobId, JobRow>, mut broken: Vec<String>) -> Result<Found> {
    if !broken.is_empty() {
        let count = broken.len();
        broken.truncate(20);
        bail!("{count} broken promises:\n{}", broken.join("\n"));
    }
    let mut states = BTreeMap::new();
    for row in rows.values() {
        *states.entry(format!("{:?}", row.state).to_lowercase()).or_default() += 1;
    }
    let again = rows.values().filter(|row| row.attempt > 1).count();
    Ok(Found { jobs: rows.len(), states, again })
}

pub(crate) async fn all(client: &Client) -> Result<BTreeMap<JobId, JobRow>> {
    let mut rows = BTreeMap::new();
    let mut query = JobsQuery { all: true, limit: Some(1_000), ..JobsQuery::default() };
    loop {
        let page = client.jobs(&query).await?;
        for row in page.jobs {
            let id = row.job_id;
            ensure!(rows.insert(id, row).is_none(), "{id} is listed twice");
        }
        match page.next_after {
            Some(after) => query.after = Some(after),
            None => return Ok(rows),
        }
    }
}

/// Everything accepted is there, once, with the verdict that was shown first and that it deserves;
/// and nothing else is there.
fn verdicts(known: &Known, rows: &BTreeMap<JobId, JobRow>) -> Vec<String> {
    let mut broken = Vec::new();
    for id in rows.keys().filter(|id| !known.accepted.contains_key(id)) {
        broken.push(format!("{id} is there, and was never acknowledged, though each batch was"));
    }
    for (id, plan) in &known.accepted {
        let Some(row) = rows.get(id) else {
            broken.push(format!("{id} was accepted and is lost"));
            continue;
        };
        let verdict = format!("{:?} {:?} {}", row.state, row.outcome, row.attempt);
        if known.seen.get(id).is_some_and(|first| *first != verdict) {
            broken.push(format!("{id} was shown as {}, and is {verdict}", known.seen[id]));
        }
        let deserved = match (row.state, &row.outcome) {
            (JobState::Cancelled, _) => known.cancelled.contains(id),
            (JobState::Succeeded, Some(Outcome::Exit { code: 0 })) => plan.code == 0,
            (JobState::Failed, Some(Outcome::Exit { code })) => *code == plan.code && *code != 0,
            (JobState::Failed, Some(Outcome::Dependency { .. })) => {
                plan.after.is_some_and(|on| rows.get(&on).is_some_and(|on| on.state != JobState::Succeeded))
            }
            (JobState::Failed, Some(Outcome::CrashLimit)) => true,
            _ => false,
        };
        if !deserved {
            broken.push(format!("{id} is {verdict}, with the plan {plan:?}"));
        }
    }
    broken
}

/// What waits for another job starts after that has ended, and never when it did not succeed. Jobs tell it all into one file, so their
/// order is what it was, whatever clocks say.
fn order(known: &Known, rows: &BTreeMap<JobId, JobRow>, events: &[String]) -> Vec<String> {
    let mut ended = BTreeSet::new();
    let mut broken = Vec::new();
    for event in events {
        let Some((kind, job)) = told(event) else { continue };
        if kind == "end" {
            ended.insert(job);
        } else if let Some(on) = known.accepted.get(&job).and_then(|plan| plan.after) {
            if !ended.contains(&on) {
                broken.push(format!("{job} started before {on} ended"));
            }
            if rows.get(&on).is_none_or(|on| on.state != JobState::Succeeded) {
                broken.push(format!("{job} started, though {on} did not succeed"));
            }
        }
    }
    broken
}

/// What happened, and to which job.
fn told(event: &str) -> Option<(&str, JobId)> {
    let mut words = event.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?))
}

/// No attempt starts twice, and the verdict belongs to the newest.
fn attempts(rows: &BTreeMap<JobId, JobRow>, events: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for line in events.iter().filter_map(|event| event.strip_prefix("start ")) {
        if !seen.insert(line) {
            broken.push(format!("started twice: {line}"));
        }
        let parts = line.split_once(' ').and_then(|(job, attempt)| {
            let number = attempt.rsplit(['.', ' ']).next()?;
            Some((job.parse::<JobId>().ok()?, number.parse::<u32>().ok()?))
        });
        match parts {
            Some((job, number)) if rows.get(&job).is_some_and(|row| row.attempt >= number) => {}
            _ => broken.push(format!("nobody knows of this start: {line}")),
        }
    }
    broken
}

/// `jobs.log` has one line for each job, and nothing else.
pub(crate) fn log(data: &Path, rows: &BTreeMap<JobId, JobRow>) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(data.join("jobs.log"))?;
    let mut logged = BTreeSet::new();
    let mut broken = Vec::new();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let id = value["job_id"].as_str().unwrap_or_default().to_owned();
        if !logged.insert(id.clone()) {
            broken.push(format!("jobs.log has {id} twice"));
        }
    }
    broken.extend(
        rows.keys().filter(|id| !logged.contains(&id.to_string())).map(|id| format!("jobs.log does not have {id}")),
    );
    if logged.len() != rows.len() {
        broken.push(format!("jobs.log has {} jobs, c2d {}", logged.len(), rows.len()));
    }
    Ok(broken)
}
