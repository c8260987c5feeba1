//! Clocks that are set while c2d and its agent run: nothing took no time or years, and nothing is old at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::tokens::InviteRequest;
use c2_shared::job::JobSpec;
use c2_tests::Cluster;
use c2_tests::machine::{faketime, has};

crate::tests![a_clock_that_is_set_changes_no_time_that_passes];

const IP: &str = "127.0.0.2";
const DAY_S: i64 = 24 * 3_600;

/// The clock of a program.
struct Clock(PathBuf);

impl Clock {
    fn new(folder: &Path, name: &str) -> Result<Self> {
        let clock = Self(folder.join(name));
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it by so much from what it truly is.
    fn set(&self, offset_s: i64) -> Result<()> {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{offset_s:+}\n"))?;
        Ok(fs::rename(new, &self.0)?)
    }

    /// The way to a program that has it.
    fn way(&self, library: &Path) -> Vec<String> {
        let (library, file) = (library.display(), self.0.display());
        let set = [
            format!("LD_PRELOAD={library}"),
            format!("FAKETIME_TIMESTAMP_FILE={file}"),
            "FAKETIME_CACHE_DURATION=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "DONT_FAKE_MONOTONIC=1".to_owned(),
        ];
        std::iter::once("/usr/bin/env".to_owned()).chain(set).collect()
    }
}

/// What c2d's answers say of the time.
async fn told(cluster: &Cluster) -> Result<i64> {
    Ok(cluster.client().health().await?.clock_s.context("no date")?.cast_signed())
}

fn a_clock_that_is_set_changes_no_time_that_passes() -> Result<()> {
    let library = faketime();
    if !has("clocks that are set", library.is_some(), "apt-get install faketime") {
        return Ok(());
    }
    let library = library.unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let [of_c2d, of_agent] = [Clock::new(folder.path(), "c2d")?, Clock::new(folder.path(), "agent")?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut cluster = Cluster::start_by(of_c2d.way(&library)).await?;
        cluster.agent_by(IP, of_agent.way(&library)).await?;
        let key = Some("once".to_owned());
        let keyed = JobSpec { command: "true".to_owned(), idempotency_key: key, ..JobSpec::default() };
        let once = cluster.submit_spec(keyed.clone()).await?;
        let line = cluster.client().invite(&InviteRequest::default()).await?.line;
        let begun_s = told(&cluster).await?;
        for (c2d_s, agent_s) in [(-400 * DAY_S, 0), (0, -400 * DAY_S), (3 * DAY_S, 400 * DAY_S)] {
            let job = cluster.submit("sleep 4").await?;
            cluster.running(job).await?;
            of_c2d.set(c2d_s)?;
            of_agent.set(agent_s)?;
            let end = cluster.ended(job).await?.job;
            let took = [end.row.took_ms, end.attempts.first().and_then(|attempt| attempt.took_ms)];
            ensure!(took.iter().all(|ms| ms.is_some_and(|ms| (3_900..15_000).contains(&ms))), "{took:?} {end:?}");
            let told_s = told(&cluster).await?;
            ensure!(told_s.abs_diff(begun_s + c2d_s) < 600, "c2d's clock is {c2d_s} s off, and it tells {told_s}");
        }
        // c2d is three days ahead of when these were made.
        ensure!(cluster.submit_spec(keyed.clone()).await? == once, "the key is forgotten");
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        ensure!(cluster.submit_spec(keyed).await? == once, "the key is forgotten after a restart");
        let line = format!("{}@{}", line.split('@').next().unwrap_or_default(), cluster.addr());
        let state = folder.path().join("state").display().to_string();
        let joined = cluster.run_agent(&["join", &line, "--state-dir", &state]).await?;
        ensure!(joined.status == 0, "the invitation is over: {joined:?}");
        Ok(())
    })
}
