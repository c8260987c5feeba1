//! Two c2d on one database: whatever ends the leader, the other one goes on with everything, and no job runs twice.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::JobsQuery;
use c2_shared::api::output::{OutputQuery, Streams};
use c2_shared::job::{JobSpec, JobState};
use c2_tests::eventually;
use c2_tests::line::Line;
use c2_tests::pair::{self, Pair};
use c2_tests::replicated::Replicated;
use rustix::process::Signal;

crate::tests![
    the_other_one_takes_over_after_a_kill_and_while_the_leader_stands_still,
    a_cut_line_to_the_database_deposes_a_leader,
    everything_goes_on_after_a_failover_of_the_database,
];

const JOBS: usize = 40;
/// How soon another one leads after the lock is free.
const TAKEOVER: Duration = Duration::from_secs(5);
/// How long the server leaves the lock to a leader that stands still.
const LOCKED: Duration = Duration::from_secs(3);
/// How soon a leader that hears nothing of its database is gone, and another one is there when it can be.
const SILENT: Duration = Duration::from_secs(30);
/// More than the lease of a worker, and the jobs.
const ALL: Duration = Duration::from_secs(150);

/// Runs a test on two c2d, and shows what they logged when it fails.
fn with(test: impl AsyncFnOnce() -> Result<Option<Pair>>, check: impl AsyncFnOnce(&mut Pair) -> Result<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(mut pair) = test().await.unwrap() else { return };
        let done = check(&mut pair).await;
        if let Err(error) = done {
            panic!("{error:?}\n{}", pair.logs());
        }
    });
}

fn the_other_one_takes_over_after_a_kill_and_while_the_leader_stands_still() {
    with(Pair::start, takeovers);
}

fn a_cut_line_to_the_database_deposes_a_leader() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(lines) = runtime.block_on(lines()).unwrap() else { return };
    let stores = lines.each_ref().map(|line| format!("postgres://c2@{}/postgres", line.address()));
    with(async || Ok(Some(Pair::start_on(stores).await?)), async |pair| cuts(pair, &lines).await);
}

async fn lines() -> Result<Option<[Line; 2]>> {
    let Some(socket) = pair::server() else { return Ok(None) };
    let socket = socket.join(".s.PGSQL.5432");
    Ok(Some([Line::to(&socket).await?, Line::to(&socket).await?]))
}

async fn cuts(pair: &mut Pair, lines: &[Line; 2]) -> Result<()> {
    pair.start_agent("127.0.0.10").await?;
    let marks = pair.folder().join("marks");
    submit(pair, &marks, "first").await?;
    running(pair).await?;
    lines[0].cut(true);
    pair.leads(1, LOCKED + TAKEOVER).await?;
    let answered = pair.client_of(0)?.queue_status().await;
    ensure!(answered.is_err(), "a leader that was cut off answered {answered:?}");
    ensure!(!pair.ended_well(0).await?, "it says that it leads no longer");
    lines[0].cut(false);
    all_ended(pair, JOBS).await?;
    once(&marks, "first")?;

    // Nobody leads while nobody reaches the database, and what was acknowledged is there afterwards.
    pair.restart(0).await?;
    submit(pair, &marks, "second").await?;
    running(pair).await?;
    lines.iter().for_each(|line| line.cut(true));
    eventually("no answer of a leader", SILENT, async || {
        let answers = [pair.client_of(0)?.queue_status().await, pair.client_of(1)?.queue_status().await];
        Ok(answers.iter().all(Result::is_err).then_some(()))
    })
    .await?;
    ensure!(!pair.ended_well(1).await?, "it says that it leads no longer");
    eventually("a word of the one that stands by", SILENT, async || {
        let health = pair.client_of(0)?.health().await?;
        Ok(health.degraded.filter(|why| why.contains("cannot reach the database")))
    })
    .await?;
    lines.iter().for_each(|line| line.cut(false));
    pair.leads(0, SILENT).await?;
    all_ended(pair, 2 * JOBS).await?;
    once(&marks, "second")
}

fn everything_goes_on_after_a_failover_of_the_database() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(servers) = runtime.block_on(Replicated::start()).unwrap() else { return };
    let url = servers.url().unwrap();
    with(async || Ok(Some(Pair::start_on([url.clone(), url]).await?)), async |pair| fails_over(pair, servers).await);
}

async fn fails_over(pair: &mut Pair, mut servers: Replicated) -> Result<()> {
    pair.start_agent("127.0.0.11").await?;
    let marks = pair.folder().join("marks");
    submit(pair, &marks, "first").await?;
    let long = JobSpec { command: "head -c 300000 /dev/zero | tr '\\0' x".to_owned(), ..JobSpec::default() };
    let long = pair.client().submit(&long).await?.job_id;
    eventually("a long output", ALL, async || Ok(pair.client().job(long, 5).await?.done.then_some(()))).await?;
    submit(pair, &marks, "second").await?;
    running(pair).await?;
    // The standby has everything that was acknowledged; its own commits wait for none.
    servers.fail_over()?;
    servers.ask("ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf()")?;
    ensure!(!pair.ended_well(0).await?, "a leader whose database is gone ends");
    pair.leads(1, SILENT).await?;
    all_ended(pair, 2 * JOBS + 1).await?;
    once(&marks, "first")?;
    once(&marks, "second")?;
    // Its content was in the folder of the other one alone.
    let query = OutputQuery { stream: Streams::Stdout, ..OutputQuery::default() };
    let (mut output, mut len) = (pair.client().output_bytes(long, query).await?, 0);
    while let Some(bytes) = output.next().await? {
        len += bytes.len();
    }
    ensure!(len == 300_000, "{len} bytes of the output are there");
    Ok(())
}

async fn takeovers(pair: &mut Pair) -> Result<()> {
    pair.start_agent("127.0.0.9").await?;
    let standby = pair.client_of(1)?.queue_status().await.unwrap_err();
    ensure!(standby.code() == Some(ErrorCode::Standby), "{standby:?}");
    let hint = c2_shared::advice::Advice::hint(&standby).unwrap_or_default();
    ensure!(hint.contains(&pair.address(0).to_string()), "a holder of a token is told the leader: {hint}");
    let said = pair.check().await?;
    ensure!(said.contains("; 1 stand by"), "{said}");

    let marks = pair.folder().join("marks");
    submit(pair, &marks, "first").await?;
    running(pair).await?;
    pair.kill(0)?;
    pair.leads(1, TAKEOVER).await?;
    // What is run once gets there too, whether nobody listens at the first address or one that stands by.
    pair.new_client()?.queue_status().await.context("past a c2d that is gone")?;
    all_ended(pair, JOBS).await?;
    once(&marks, "first")?;

    pair.restart(0).await?;
    pair.new_client()?.submit(&JobSpec { command: "true".into(), hold: true, ..JobSpec::default() }).await?;
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
