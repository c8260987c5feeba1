//! A job that ticks while it runs, so that two of its attempts at once are seen, and ignores TERM,
//! so that it is dead only when it was killed.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::api::jobs::LogEntry;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, OnLost};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually};

/// A submitted job.
#[derive(Debug)]
pub(crate) struct Ticking {
    pub(crate) job: JobId,
    folder: PathBuf,
}

impl Ticking {
    /// Submits it. It ticks until [`Ticking::finish`], in a file for each attempt.
    pub(crate) async fn submit(cluster: &Cluster, name: &str, on_lost: OnLost) -> Result<Self> {
        let folder = cluster.new_folder(name)?;
        let at = folder.display();
        let command = format!(
            "trap '' TERM; echo $C2_ATTEMPT >>{at}/starts; \
             until [ -e {at}/finish ]; do date +%s%N >>{at}/$C2_ATTEMPT; sleep 0.2; done"
        );
        let job = cluster.submit_spec(JobSpec { command, on_lost, ..JobSpec::default() }).await?;
        Ok(Self { job, folder })
    }

    /// Lets all its attempts end by themselves.
    pub(crate) fn finish(&self) -> Result<()> {
        Ok(fs::write(self.folder.join("finish"), "")?)
    }

    /// Waits until this attempt has ticked.
    pub(crate) async fn runs(&self, attempt: u32, limit: Duration) -> Result<()> {
        let what = format!("attempt {attempt} of {}", self.job);
        eventually(&what, limit, async || Ok((!self.ticks(attempt).is_empty()).then_some(()))).await
    }

    /// When an attempt ticked, in nanoseconds of the wall clock that all machines of a test share.
    pub(crate) fn ticks(&self, attempt: u32) -> Vec<u64> {
        let text = fs::read_to_string(self.folder.join(format!("{}.{attempt}", self.job))).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Checks that its first attempt ticks no more.
    pub(crate) async fn is_silent(&self) -> Result<()> {
        let before = self.ticks(1).len();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(self.ticks(1).len(), before, "{} is ended and alive", self.job);
        Ok(())
    }

    /// Checks that exactly so many attempts started, each after the last sign of the one before.
    pub(crate) fn ran_in_turn(&self, attempts: u32) -> Result<()> {
        let starts = fs::read_to_string(self.folder.join("starts"))?;
        let expected: String = (1..=attempts).map(|number| format!("{}.{number}\n", self.job)).collect();
        assert_eq!(starts, expected, "starts of {}", self.job);
        for next in 2..=attempts {
            let (before, after) = (self.ticks(next - 1), self.ticks(next));
            assert!(before.last() < after.first(), "attempts {} and {next} of {} ran at once", next - 1, self.job);
        }
        Ok(())
    }
}

/// Waits until jobs.log has one line for each of so many jobs and checks that it has no more.
pub(crate) async fn logged(cluster: &Cluster, jobs: usize) -> Result<()> {
    eventually("the log", SOON, async || {
        let text = fs::read_to_string(cluster.data_dir().join("jobs.log"))?;
        let entry = |line: &str| serde_json::from_str::<LogEntry>(line).with_context(|| format!("line {line:?}"));
        let mut ended = text.lines().map(|line| Ok(entry(line)?.job.job_id)).collect::<Result<Vec<_>>>()?;
        let lines = ended.len();
        ended.sort_unstable();
        ended.dedup();
        assert_eq!(ended.len(), lines, "a job is in the log twice: {text}");
        Ok((lines == jobs).then_some(()))
    })
    .await
}
