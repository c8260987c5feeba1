//! Machines that cannot start a job: no job fails for it, and the operator sees why.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::limits::WORKER_FREE_BYTES_FLOOR;
use c2_shared::worker::WorkerStatus;
use c2_tests::machine::{SmallDisk, may};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};

crate::tests![
    a_disk_that_turned_read_only_fails_no_job_and_works_again_when_repaired,
    a_disk_without_inodes_fails_no_job,
    a_full_state_folder_fails_no_job,
    a_workspace_root_that_is_open_to_others_fails_no_job,
    a_job_that_removes_the_state_folder_fails_no_other,
    a_lone_broken_worker_lets_its_jobs_wait,
];

const BAD: &str = "127.0.0.2";
const GOOD: &str = "127.0.0.3";
/// More than enough for jobs that need none.
const DISK_BYTES: u64 = WORKER_FREE_BYTES_FLOOR + 32 * 1024 * 1024;

/// Breaks the bad one of two workers, and has a queue of short jobs run.
async fn all_succeed_beside(cluster: &mut Cluster, break_it: impl FnOnce() -> Result<()>) -> Result<()> {
    cluster.agent(BAD).await?;
    cluster.agent_with_slots(GOOD, 2).await?;
    // Both have a process for a slot, as any worker that has worked before.
    for _ in 0..4 {
        let job = cluster.submit("true").await?;
        cluster.ended(job).await?;
    }
    break_it()?;
    let mut jobs = Vec::new();
    for n in 0..40 {
        jobs.push(cluster.submit(&format!("sleep 0.1; echo {n}")).await?);
    }
    for job in jobs {
        let end = cluster.ended(job).await?.job;
        assert_eq!(end.row.state, JobState::Succeeded, "{end:?}");
    }
    Ok(())
}

/// The list of workers and `doctor` show what is wrong with the bad one.
async fn is_told(cluster: &Cluster) -> Result<()> {
    eventually("the quarantine", SOON, async || {
        let row = cluster.client().worker(BAD).await?.row;
        Ok((row.status == WorkerStatus::Quarantined && row.status_reason.is_some()).then_some(()))
    })
    .await?;
    let list = cluster.exec(&["list"]).await?;
    assert!(list.stdout.lines().any(|line| line.contains(BAD) && line.contains("quarantined")), "{}", list.stdout);
    let doctor = cluster.exec(&["doctor"]).await?;
    let line = doctor.stdout.lines().find(|line| line.contains(BAD)).context("doctor names it")?;
    assert!(line.contains("FAIL"), "{line}");
    Ok(())
}

/// A disk of its own for a folder of the bad worker.
fn disk_for(cluster: &Cluster, name: &str, options: &str) -> Result<(PathBuf, SmallDisk)> {
    let folder = cluster.agent_home(BAD)?.join(name);
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let disk = SmallDisk::mount_with(&folder, options)?;
    Ok((folder, disk))
}

/// Files until no more can be made.
fn use_up_inodes(folder: &Path) -> Result<()> {
    let full = (0..1_000).find_map(|n| fs::write(folder.join(format!("file-{n}")), "").err());
    full.map(drop).context("a thousand files fit")
}

fn a_disk_that_turned_read_only_fails_no_job_and_works_again_when_repaired() {
    scenario(async |cluster| {
        if !may("read-only disks")? {
            return Ok(());
        }
        let (_, disk) = disk_for(cluster, "workspaces", &format!("size={DISK_BYTES}"))?;
        all_succeed_beside(cluster, || disk.set_read_only(true)).await?;
        is_told(cluster).await?;
        disk.set_read_only(false)?;
        cluster.exec(&[&format!("drain {GOOD}")]).await?;
        // Nobody tells the worker that it was repaired.
        let job = cluster.submit("echo repaired").await?;
        assert_eq!(cluster.ended(job).await?.job.stdout, "repaired\n");
        eventually("nothing wrong any more", SOON, async || {
            let row = cluster.client().worker(BAD).await?.row;
            Ok((row.status == WorkerStatus::Online && row.status_reason.is_none()).then_some(()))
        })
        .await
    });
}

fn a_disk_without_inodes_fails_no_job() {
    scenario(async |cluster| {
        if !may("disks without inodes")? {
            return Ok(());
        }
        let (root, disk) = disk_for(cluster, "workspaces", &format!("size={DISK_BYTES},nr_inodes=100"))?;
        all_succeed_beside(cluster, || use_up_inodes(&root)).await?;
        is_told(cluster).await?;
        drop(disk);
        Ok(())
    });
}

fn a_full_state_folder_fails_no_job() {
    scenario(async |cluster| {
        if !may("full state folders")? {
            return Ok(());
        }
        let (state, disk) = disk_for(cluster, "state", "size=1m")?;
        all_succeed_beside(cluster, || {
            let full = fs::write(state.join("fill"), vec![0; 4 * 1024 * 1024]);
            full.err().map(drop).context("four megabytes fit into one")
        })
        .await?;
        is_told(cluster).await?;
        drop(disk);
        Ok(())
    });
}

fn a_workspace_root_that_is_open_to_others_fails_no_job() {
    scenario(async |cluster| {
        let root = cluster.agent_home(BAD)?.join("workspaces");
        all_succeed_beside(cluster, || {
            fs::remove_dir_all(&root)?;
            fs::create_dir(&root)?;
            Ok(fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?)
        })
        .await?;
        is_told(cluster).await
    });
}

fn a_job_that_removes_the_state_folder_fails_no_other() {
    scenario(async |cluster| {
        let state = cluster.agent_home(BAD)?.join("state");
        all_succeed_beside(cluster, || Ok(fs::remove_dir_all(&state)?)).await?;
        let log = fs::read_to_string(cluster.agent_home(BAD)?.join("log"))?;
        assert!(log.contains("was removed or replaced"), "{log}");
        Ok(())
    });
}

fn a_lone_broken_worker_lets_its_jobs_wait() {
    scenario(async |cluster| {
        if !may("read-only disks")? {
            return Ok(());
        }
        let (_, disk) = disk_for(cluster, "workspaces", &format!("size={DISK_BYTES}"))?;
        cluster.agent(BAD).await?;
        disk.set_read_only(true)?;
        let mut jobs: Vec<JobId> = Vec::new();
        for _ in 0..20 {
            jobs.push(cluster.submit("true").await?);
        }
        eventually("the quarantine", SOON, async || {
            let row = cluster.client().worker(BAD).await?.row;
            Ok((row.status == WorkerStatus::Quarantined).then_some(()))
        })
        .await?;
        let queue = cluster.client().queue_status().await?;
        assert_eq!(queue.active, jobs.len(), "{queue:?}");
        let why = format!("why {}", jobs[0]);
        eventually("the advice", SOON, async || {
            let said = cluster.exec(&[&why]).await?.stdout;
            let fits = said.contains("its disk is full or read-only") && said.contains("or repair its disk");
            Ok(fits.then_some(()))
        })
        .await?;
        disk.set_read_only(false)?;
        cluster.exec(&[&format!("resume {BAD}")]).await?;
        let last = *jobs.last().context("there are jobs")?;
        cluster.ended(last).await.map(drop)
    });
}
