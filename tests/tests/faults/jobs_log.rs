//! The log of ended jobs while its disk is full: each job has one line, in order, as soon as there is
//! space.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Result, ensure};
use c2_shared::api::batches::BatchRequest;
use c2_shared::api::jobs::LogEntry;
use c2_shared::job::JobSpec;
use c2_tests::machine::{SmallDisk, may};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};
use rustix::process::Signal;

crate::tests![
    a_full_disk_tears_no_line_and_loses_none,
    a_log_that_is_put_aside_or_emptied_continues,
    a_log_that_was_put_aside_is_not_written_again,
];

/// A few pages: full after some dozen lines.
const SMALL: u64 = 16 * 1024;
const LARGE: u64 = 1024 * 1024;
/// Jobs that end while there is space for half of them.
const JOBS: usize = 100;

/// Ends jobs without a worker: one after the other, or all of them at once, after which nothing comes.
async fn end_jobs(cluster: &Cluster, name_len: usize, at_once: bool) -> Result<()> {
    let spec = JobSpec { command: "true".to_owned(), name: Some("x".repeat(name_len)), ..JobSpec::default() };
    if at_once {
        let batch = BatchRequest { jobs: vec![spec; JOBS], ..BatchRequest::default() };
        cluster.client().submit_batch(&batch).await?;
        let cancelled = cluster.exec(&["cancel @queued"]).await?;
        ensure!(cancelled.status == 0, "{cancelled:?}");
        return Ok(());
    }
    for _ in 0..JOBS {
        let job = cluster.submit_spec(spec.clone()).await?;
        cluster.client().cancel(job).await?;
    }
    Ok(())
}

/// Waits for a line for each of so many jobs.
async fn has_lines(log: &Path, jobs: usize) -> Result<()> {
    let numbers = async || {
        let text = fs::read_to_string(log)?;
        let lines = text.lines().map(|line| Ok(serde_json::from_str::<LogEntry>(line)?.seq));
        let seqs: Vec<u64> = lines.collect::<Result<_>>()?;
        ensure!(text.ends_with('\n') && seqs.iter().copied().eq(1..=jobs as u64), "{} lines: {seqs:?}", seqs.len());
        Ok(Some(()))
    };
    eventually("a line for each job", SOON, numbers).await
}

fn a_full_disk_tears_no_line_and_loses_none() {
    scenario(async |cluster| {
        if !may("full disks")? {
            return Ok(());
        }
        let folder = cluster.new_folder("log")?;
        let disk = SmallDisk::mount(&folder, SMALL)?;
        let log = folder.join("ended.log");
        cluster.kill_c2d()?;
        let config = cluster.data_dir().join("config.json");
        fs::write(&config, format!("{{\"jobs_log_file\": {log:?}}}"))?;
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600))?;
        cluster.restart_c2d().await?;
        let c2d_log = cluster.data_dir().with_file_name("c2d.log");
        let logged = |words: &str| fs::read_to_string(&c2d_log).map(|text| text.matches(words).count());

        let mut jobs = 0;
        for (round, (name_len, at_once)) in [(1, false), (37, true), (90, false)].into_iter().enumerate() {
            disk.resize(fs::metadata(&log)?.len().next_multiple_of(4096) + SMALL)?;
            end_jobs(cluster, name_len, at_once).await?;
            jobs += JOBS;
            eventually("a line about it", SOON, async || Ok((logged("is behind")? > round).then_some(()))).await?;
            let behind = cluster.c2d(&["check"]).await?;
            assert!(behind.status == 1 && behind.stdout.contains("log of ended jobs: behind by "), "{behind:?}");
            assert!(!behind.stdout.contains("unreadable"), "{behind:?}");
            assert_eq!((logged("is behind")?, logged("is up to date again")?), (round + 1, round), "one line of log");
            disk.resize(LARGE)?;
            has_lines(&log, jobs).await?;
            eventually("the end of it in the log", SOON, async || {
                Ok((logged("is up to date again")? == round + 1).then_some(()))
            })
            .await?;
            let well = cluster.c2d(&["check"]).await?;
            assert_eq!(well.status, 0, "{well:?}");
        }

        // The same across a crash: what was not written then is written by the next start.
        disk.resize(fs::metadata(&log)?.len().next_multiple_of(4096) + SMALL)?;
        end_jobs(cluster, 50, false).await?;
        cluster.kill_c2d()?;
        disk.resize(LARGE)?;
        cluster.restart_c2d().await?;
        has_lines(&log, jobs + JOBS).await
    });
}

fn a_log_that_is_put_aside_or_emptied_continues() {
    scenario(async |cluster| {
        let log = cluster.data_dir().join("jobs.log");
        let aside = cluster.data_dir().join("jobs.log.1");
        let numbers = |path: &Path| -> Result<Vec<u64>> {
            let text = fs::read_to_string(path)?;
            text.lines().map(|line| Ok(serde_json::from_str::<LogEntry>(line)?.seq)).collect()
        };
        let has = async |range: std::ops::RangeInclusive<u64>| {
            let there = async || Ok((log.exists() && numbers(&log)?.into_iter().eq(range.clone())).then_some(()));
            eventually(&format!("the lines {range:?}"), SOON, there).await
        };
        let well = async || -> Result<()> {
            let check = cluster.c2d(&["check"]).await?;
            ensure!(check.status == 0, "{check:?}");
            Ok(())
        };
        end_few(cluster, 3).await?;
        has(1..=3).await?;
        fs::rename(&log, &aside)?;
        end_few(cluster, 3).await?;
        has(4..=6).await?;
        assert_eq!(numbers(&aside)?, [1, 2, 3]);
        well().await?;
        // copytruncate
        File::options().write(true).open(&log)?.set_len(0)?;
        end_few(cluster, 3).await?;
        has(7..=9).await?;
        well().await
    });
}

fn a_log_that_was_put_aside_is_not_written_again() {
    scenario(async |cluster| {
        let log = cluster.data_dir().join("jobs.log");
        end_few(cluster, 3).await?;
        has_lines(&log, 3).await?;
        fs::rename(&log, cluster.data_dir().join("jobs.log.1"))?;
        cluster.signal_c2d(Signal::HUP)?;
        eventually("a new log", SOON, async || Ok(log.exists().then_some(()))).await?;
        cluster.client().health().await?;
        cluster.kill_c2d()?;
        cluster.restart_c2d().await?;
        assert_eq!(fs::read_to_string(&log)?, "");
        end_few(cluster, 4).await?;
        eventually("its lines", SOON, async || Ok((fs::read_to_string(&log)?.lines().count() == 4).then_some(())))
            .await?;
        let well = cluster.c2d(&["check"]).await?;
        ensure!(
            well.status == 0 && well.stdout.contains("4 lines, each ended job from number 4 on has one"),
            "{well:?}"
        );
        let text = fs::read_to_string(&log)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        fs::write(&log, [lines[0], lines[2], lines[3]].concat())?;
        let gap = cluster.c2d(&["check"]).await?;
        ensure!(gap.status == 1 && gap.stdout.contains("no line for 1 ended jobs, the first has number 5"), "{gap:?}");
        Ok(())
    });
}

async fn end_few(cluster: &Cluster, count: usize) -> Result<()> {
    for _ in 0..count {
        let job = cluster.submit("true").await?;
        cluster.client().cancel(job).await?;
    }
    Ok(())
}
