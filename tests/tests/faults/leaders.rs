//! Two c2d on one database: whatever ends the leader, the other one goes on with everything, and no job runs twice.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::JobsQuery;
use c2_shared::job::{JobSpec, JobState};
use c2_tests::eventually;
use c2_tests::pair::Pair;
use rustix::process::Signal;

crate::tests![the_other_one_takes_over_after_a_kill_and_while_the_leader_stands_still];

const JOBS: usize = 40;
/// How soon another one leads after the lock is free.
const TAKEOVER: Duration = Duration::from_secs(5);
/// How long the server leaves the lock to a leader that stands still.
const LOCKED: Duration = Duration::from_secs(3);
/// More than the lease of a worker, and the jobs.
const ALL: Duration = Duration::from_secs(150);

fn the_other_one_takes_over_after_a_kill_and_while_the_leader_stands_still() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(mut pair) = Pair::start().await.unwrap() else { return };
        let done = takeovers(&mut pair).await;
        if let Err(error) = done {
            panic!("{error:?}\n{}", pair.logs());
        }
    });
}

async fn takeovers(pair: &mut Pair) -> Result<()> {
    pair.start_agent("127.0.0.9").await?;
    let standby = pair.client_of(1)?.queue_status().await.unwrap_err();
    ensure!(standby.code() == Some(ErrorCode::Standby), "{standby:?}");
    let hint = c2_shared::advice::Advice::hint(&standby).unwrap_or_default();
    ensure!(hint.contains(&pair.address(0).to_string()), "a holder of a token is told the leader: {hint}");

    let marks = pair.folder().join("marks");
    submit(pair, &marks, "first").await?;
    running(pair).await?;
    pair.kill(0)?;
    pair.leads(1, TAKEOVER).await?;
    all_ended(pair, JOBS).await?;
    once(&marks, "first")?;

    pair.restart(0).await?;
    submit(pair, &marks, "second").await?;
    running(pair).await?;
    pair.signal(1, Signal::STOP)?;
    pair.leads(0, LOCKED + TAKEOVER).await?;
    let before = pair.client_of(0)?.queue_status().await?;
    pair.signal(1, Signal::CONT)?;
    // It may have a moment left in which it listens; whatever it answers is no answer of a leader.
    match pair.client_of(1)?.queue_status().await {
        Ok(answered) => ensure!(false, "a deposed leader answered {answered:?}, and the leader {before:?}"),
        Err(refused) => ensure!(
            refused.code().is_none_or(|code| code == ErrorCode::Standby || code == ErrorCode::Busy),
            "{refused:?}"
        ),
    }
    ensure!(!pair.ended_well(1).await?, "it says that it leads no longer");
    all_ended(pair, 2 * JOBS).await?;
    once(&marks, "first")?;
    once(&marks, "second")
}

async fn submit(pair: &Pair, marks: &Path, word: &str) -> Result<()> {
    for n in 0..JOBS {
        let command = format!("echo {word}-{n} >> {}; sleep 0.3", marks.display());
        let spec = JobSpec { command, ..JobSpec::default() };
        pair.client().submit(&spec).await.context("submit")?;
    }
    Ok(())
}

async fn running(pair: &Pair) -> Result<()> {
    let some = async || Ok((pair.client().queue_status().await?.running > 0).then_some(()));
    eventually("some jobs run", Duration::from_secs(60), some).await
}

async fn all_ended(pair: &Pair, count: usize) -> Result<()> {
    eventually("all jobs have succeeded", ALL, async || {
        let query = JobsQuery { all: true, limit: Some(1_000), ..JobsQuery::default() };
        let jobs = pair.client().jobs(&query).await?.jobs;
        Ok((jobs.iter().filter(|job| job.state == JobState::Succeeded).count() == count).then_some(()))
    })
    .await
}

/// Each job left its mark once.
fn once(marks: &Path, word: &str) -> Result<()> {
    let text = std::fs::read_to_string(marks)?;
    let mut found: Vec<&str> = text.lines().filter(|line| line.starts_with(word)).collect();
    let count = found.len();
    found.sort_unstable();
    found.dedup();
    ensure!(count == JOBS && found.len() == JOBS, "{count} marks, {} different", found.len());
    Ok(())
}
