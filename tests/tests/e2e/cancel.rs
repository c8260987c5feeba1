//! A cancelled or ended job leaves no process behind, however it hides.

use std::path::Path;

use anyhow::{Context as _, Result};
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState, Outcome};
use c2_tests::wait::SOON;
use c2_tests::{eventually, is_alive, scenario};
use rustix::process::Pid;

crate::tests![
    thousands_of_jobs_are_one_request,
    a_cancel_ends_the_whole_tree,
    a_daemon_does_not_outlive_the_job_that_started_it,
    a_timeout_ends_a_job_that_ignores_signals,
    a_waiting_job_is_cancelled_at_once,
    a_job_whose_files_are_on_the_way_is_cancelled_as_a_whole,
];

/// Starts a daemon with its own session, which no signal to the job's group reaches, and tells
/// the process ids of both.
fn with_daemon(folder: &Path, then: &str) -> String {
    let folder = folder.display();
    format!(
        "setsid sh -c 'echo $$ > {folder}/daemon.new; mv {folder}/daemon.new {folder}/daemon; exec sleep 86399' & \
         while [ ! -e {folder}/daemon ]; do sleep 0.05; done; \
         echo $$ > {folder}/shell.new; mv {folder}/shell.new {folder}/shell; {then}"
    )
}

async fn pids(folder: &Path) -> Result<[Pid; 2]> {
    eventually("both processes", SOON, async || {
        let read = |name: &str| -> Result<Pid> {
            let text = std::fs::read_to_string(folder.join(name))?;
            Pid::from_raw(text.trim().parse()?).context("no process id")
        };
        Ok(Some([read("daemon")?, read("shell")?]))
    })
    .await
}

fn a_cancel_ends_the_whole_tree() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.new_folder("pids")?;
        let job = cluster.submit(&with_daemon(&folder, "sleep 86399")).await?;
        let pids = pids(&folder).await?;
        assert!(pids.iter().all(|pid| is_alive(*pid)));

        let output = cluster.exec(&[&format!("cancel {job}")]).await?;
        assert_eq!(output.status, 0, "{output:?}");
        let end = cluster.ended(job).await?.job;
        assert_eq!(end.row.outcome, Some(Outcome::Cancelled), "{end:?}");
        assert!(!pids.iter().any(|pid| is_alive(*pid)), "a process outlived its job");
        Ok(())
    });
}

fn a_daemon_does_not_outlive_the_job_that_started_it() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.new_folder("pids")?;
        let job = cluster.submit(&with_daemon(&folder, "exit 5")).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!(end.row.outcome, Some(Outcome::Exit { code: 5 }), "{end:?}");
        assert!(!pids(&folder).await?.iter().any(|pid| is_alive(*pid)), "a process outlived its job");
        Ok(())
    });
}

fn a_timeout_ends_a_job_that_ignores_signals() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let folder = cluster.new_folder("pids")?;
        let command = with_daemon(&folder, "trap '' TERM INT HUP; while :; do sleep 1; done");
        let job = cluster.submit_spec(JobSpec { command, timeout_s: Some(2), ..JobSpec::default() }).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!(end.row.outcome, Some(Outcome::Timeout), "{end:?}");
        assert!(!pids(&folder).await?.iter().any(|pid| is_alive(*pid)), "a process outlived its job");
        Ok(())
    });
}

fn a_waiting_job_is_cancelled_at_once() {
    scenario(async |cluster| {
        let job = cluster.submit("true").await?;
        let output = cluster.exec(&[&format!("cancel {job}")]).await?;
        assert_eq!(output.status, 0, "{output:?}");
        assert_eq!(cluster.client().job(job, 0).await?.job.row.state, JobState::Cancelled);
        // A job that comes later is not held up, and the cancelled one never starts.
        cluster.agent("127.0.0.2").await?;
        let next = cluster.submit("true").await?;
        assert_eq!(cluster.ended(next).await?.job.row.state, JobState::Succeeded);
        assert_eq!(cluster.client().job(job, 0).await?.job.row.attempt, 0);
        Ok(())
    });
}

fn thousands_of_jobs_are_one_request() {
    scenario(async |cluster| {
        let jobs = cluster.console_dir().join("jobs");
        std::fs::write(&jobs, "true\n".repeat(5_000))?;
        cluster.exec(&[&format!("batch '{}' --hold", jobs.display())]).await?;
        let told = cluster.exec(&["cancel 1-3 @held"]).await?;
        assert_eq!((told.status, told.stdout.as_str()), (0, "5000 jobs cancelled\n"), "{told:?}");
        let log = std::fs::read_to_string(cluster.data_dir().join("audit.log"))?;
        let requests = log.lines().filter(|line| line.contains("/api/jobs/cancel")).count();
        assert_eq!(requests, 2, "those that are named, and all of a kind");
        assert!(log.contains("4997 jobs from job-4 to job-5000"), "the log says which");
        let json = cluster.console(&["--json", "--exec", "cancel 1"]).await?;
        assert!(json.stderr.contains("has ended already"), "{json:?}");
        Ok(())
    });
}

fn a_job_whose_files_are_on_the_way_is_cancelled_as_a_whole() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        // It takes seconds to be read, and no room on the disk.
        let submitted = cluster.exec(&["submit \"truncate -s 4G large\" --download=large"]).await?;
        assert_eq!(submitted.status, 0, "{submitted:?}");
        let next = cluster.exec(&["submit \"wc -c large\" --with-files-of=1"]).await?;
        assert_eq!(next.status, 0, "{next:?}");
        eventually("the delivery", SOON, async || {
            let listed = cluster.exec(&["jobs --state=delivering"]).await?;
            Ok(listed.stdout.contains("job-1").then_some(()))
        })
        .await?;
        let cancelled = cluster.exec(&["cancel 1"]).await?;
        assert_eq!(cancelled.status, 0, "{cancelled:?}");
        let end = cluster.ended(JobId(1)).await?.job;
        assert_eq!(end.row.outcome, Some(Outcome::Cancelled), "{end:?}");
        let next = cluster.ended(JobId(2)).await?.job;
        assert_eq!(next.row.outcome, Some(Outcome::Dependency { root: JobId(1) }), "{next:?}");
        let files = cluster.exec(&["get-files 1"]).await?;
        let told = format!("{}{}", files.stdout, files.stderr);
        assert!(told.contains("the job was cancelled before it was delivered"), "{files:?}");
        Ok(())
    });
}
