//! Jobs that leave a mark each time they run, and the check that each ran once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::api::jobs::LogEntry;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_tests::{Cluster, eventually};

/// Jobs of one test; enough that a crash meets some before, in and after their run.
pub(crate) const JOBS: usize = 200;

/// Jobs that run in a cluster, and where they leave their marks.
pub(crate) struct Marked {
    folder: PathBuf,
    jobs: Vec<JobId>,
}

impl Marked {
    /// Submits the jobs. Each appends a line to the file of its own name: one write, so that two
    /// runs at once would leave two lines.
    pub(crate) async fn submit(cluster: &Cluster) -> Result<Self> {
        let folder = cluster.new_folder("marks")?;
        let command = format!("echo x >> {}/$C2_JOB_ID; sleep 0.05", folder.display());
        let mut jobs = Vec::new();
        for _ in 0..JOBS {
            jobs.push(cluster.submit(&command).await?);
        }
        Ok(Self { folder, jobs })
    }

    /// Waits until so many of them have started.
    pub(crate) async fn started(&self, count: usize) -> Result<()> {
        let limit = Duration::from_secs(90);
        eventually(&format!("{count} marks"), limit, async || {
            Ok((fs::read_dir(&self.folder)?.count() >= count).then_some(()))
        })
        .await
    }

    /// Waits until all have ended, then checks that each ran once, succeeded, and is in the log once.
    pub(crate) async fn each_ran_once(&self, cluster: &Cluster) -> Result<()> {
        let limit = Duration::from_secs(120);
        eventually("the end of all jobs", limit, async || {
            Ok((cluster.client().queue_status().await?.active == 0).then_some(()))
        })
        .await?;
        for job in &self.jobs {
            let marks = fs::read_to_string(self.folder.join(job.to_string())).unwrap_or_default();
            assert_eq!(marks, "x\n", "{job} ran {} times", marks.lines().count());
            let end = cluster.client().job(*job, 0).await?.job;
            assert_eq!(end.row.state, JobState::Succeeded, "{end:?}");
        }
        let entries = log(&cluster.data_dir())?;
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (1..=JOBS as u64).collect::<Vec<_>>(), "numbers of the log's lines");
        let logged: BTreeSet<JobId> = entries.iter().map(|entry| entry.job.job_id).collect();
        assert_eq!(logged, self.jobs.iter().copied().collect(), "jobs in the log");
        Ok(())
    }
}

fn log(data_dir: &Path) -> Result<Vec<LogEntry>> {
    let text = fs::read_to_string(data_dir.join("jobs.log"))?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("line {line:?} of jobs.log"))).collect()
}
