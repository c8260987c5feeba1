//! Machines that cannot start a job: no job fails for it, the operator sees why, and a machine that is repaired
//! works again by itself.
//!
//! `C2_BROKEN_JOBS=1000` makes each queue as long as is promised; then the promised times count, which other
//! tests beside would spoil.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::api::batches::BatchRequest;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};
use c2_shared::limits::WORKER_FREE_BYTES_FLOOR;
use c2_shared::worker::WorkerStatus;
use c2_tests::machine::{FewProcesses, SmallDisk, may};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, scenario};

crate::tests![
    a_disk_that_turned_read_only_fails_no_job_and_works_again_when_repaired,
    a_disk_without_inodes_fails_no_job,
    a_full_state_folder_fails_no_job,
    a_workspace_root_that_is_open_to_others_fails_no_job,
    a_workspace_root_that_is_gone_for_good_fails_no_job,
    a_machine_without_room_for_a_process_fails_no_job,
    a_job_that_removes_the_state_folder_fails_no_other,
    a_job_that_removes_the_scripts_of_others_fails_none_of_them,
    a_lone_broken_worker_lets_its_jobs_wait,
    a_worker_on_which_commands_fail_that_succeed_elsewhere_is_reported_and_goes_on,
];

const BAD: &str = "127.0.0.2";
const GOOD: &str = "127.0.0.3";
/// A queue where it is not the length that counts.
const FEW: usize = 60;
/// How soon a machine that breaks is set aside.
const PROMISED: Duration = Duration::from_secs(10);
/// How soon one that was repaired works again.
const REPAIRED_WITHIN: Duration = Duration::from_secs(120);
/// Processes of a machine that has room for some.
const PROCESSES: u32 = 300;
/// More than enough for jobs that need none.
const DISK_BYTES: u64 = WORKER_FREE_BYTES_FLOOR + 32 * 1024 * 1024;

/// How many jobs a queue has.
fn queue(default: usize) -> usize {
    scale().unwrap_or(default)
}

fn scale() -> Option<usize> {
    std::env::var("C2_BROKEN_JOBS").ok()?.parse().ok()
}

/// A bad and a good worker, both with a process for a slot as any that has worked before.
async fn two_workers(cluster: &mut Cluster, way: Vec<String>) -> Result<()> {
    cluster.agent_by(BAD, way).await?;
    cluster.agent_with_slots(GOOD, 2).await?;
    for _ in 0..4 {
        let job = cluster.submit("true").await?;
        cluster.ended(job).await?;
    }
    Ok(())
}

/// Has a queue of short jobs run, all of which succeed.
async fn all_succeed(cluster: &Cluster, jobs: usize) -> Result<()> {
    let begun = succeeded(cluster).await?;
    let jobs = (0..jobs).map(|n| JobSpec { command: format!("sleep 0.01; echo {n}"), ..JobSpec::default() });
    let jobs: Vec<JobSpec> = jobs.collect();
    let count = jobs.len();
    cluster.client().submit_batch(&BatchRequest { jobs, idempotency_key: None, ..BatchRequest::default() }).await?;
    let limit = SOON + Duration::from_millis(100) * u32::try_from(count)?;
    eventually("the end of the queue", limit, async || {
        Ok((cluster.client().queue_status().await?.active == 0).then_some(()))
    })
    .await?;
    assert_eq!(succeeded(cluster).await? - begun, count as u64, "all of them");
    Ok(())
}

async fn succeeded(cluster: &Cluster) -> Result<u64> {
    let ended = cluster.client().queue_status().await?.ended;
    Ok(ended.get(&JobState::Succeeded).copied().unwrap_or(0))
}

/// The bad one is set aside soon after it broke.
async fn is_set_aside(cluster: &Cluster) -> Result<()> {
    eventually("the quarantine", if scale().is_some() { PROMISED } else { SOON }, async || {
        let row = cluster.client().worker(BAD).await?.row;
        Ok((row.status == WorkerStatus::Quarantined && row.status_reason.is_some()).then_some(()))
    })
    .await
}

/// It was repaired, which nobody tells it, and works again.
async fn works_again(cluster: &Cluster) -> Result<()> {
    cluster.exec(&[&format!("drain {GOOD}")]).await?;
    let job = cluster.submit("echo repaired").await?;
    eventually("a job on the repaired worker", REPAIRED_WITHIN, async || {
        let answer = cluster.client().job(job, 5).await?;
        Ok((answer.done && answer.job.stdout == "repaired\n").then_some(()))
    })
    .await?;
    eventually("nothing wrong any more", SOON, async || {
        let row = cluster.client().worker(BAD).await?.row;
        Ok((row.status == WorkerStatus::Online && row.status_reason.is_none()).then_some(()))
    })
    .await
}

/// The whole life of a machine that breaks beside a good one, and is repaired.
async fn breaks_and_is_repaired(
    cluster: &mut Cluster,
    jobs: usize,
    break_it: impl FnOnce() -> Result<()>,
    repair: impl FnOnce() -> Result<()>,
) -> Result<()> {
    break_it()?;
    let (done, aside) = tokio::join!(all_succeed(cluster, jobs), is_set_aside(cluster));
    aside.and(done)?;
    is_told(cluster).await?;
    repair()?;
    works_again(cluster).await
}

/// The list of workers and `doctor` show what is wrong with the bad one.
async fn is_told(cluster: &Cluster) -> Result<()> {
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
        two_workers(cluster, Vec::new()).await?;
        breaks_and_is_repaired(cluster, queue(1_000), || disk.set_read_only(true), || disk.set_read_only(false)).await
    });
}

fn a_disk_without_inodes_fails_no_job() {
    scenario(async |cluster| {
        if !may("disks without inodes")? {
            return Ok(());
        }
        let (root, _disk) = disk_for(cluster, "workspaces", &format!("size={DISK_BYTES},nr_inodes=100"))?;
        two_workers(cluster, Vec::new()).await?;
        let filling = root.join(".filling");
        let fill = || fs::create_dir(&filling).map_err(Into::into).and_then(|()| use_up_inodes(&filling));
        breaks_and_is_repaired(cluster, queue(FEW), fill, || Ok(fs::remove_dir_all(&filling)?)).await
    });
}

fn a_full_state_folder_fails_no_job() {
    scenario(async |cluster| {
        if !may("full state folders")? {
            return Ok(());
        }
        let (state, _disk) = disk_for(cluster, "state", "size=1m")?;
        two_workers(cluster, Vec::new()).await?;
        let fill = || {
            let full = fs::write(state.join("fill"), vec![0; 4 * 1024 * 1024]);
            full.err().map(drop).context("four megabytes fit into one")
        };
        breaks_and_is_repaired(cluster, queue(FEW), fill, || Ok(fs::remove_file(state.join("fill"))?)).await
    });
}

fn a_workspace_root_that_is_open_to_others_fails_no_job() {
    scenario(async |cluster| {
        let root = cluster.agent_home(BAD)?.join("workspaces");
        two_workers(cluster, Vec::new()).await?;
        let open = || {
            fs::remove_dir_all(&root)?;
            fs::create_dir(&root)?;
            Ok(fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?)
        };
        let close = || Ok(fs::set_permissions(&root, fs::Permissions::from_mode(0o700))?);
        breaks_and_is_repaired(cluster, queue(FEW), open, close).await
    });
}

fn a_workspace_root_that_is_gone_for_good_fails_no_job() {
    scenario(async |cluster| {
        let root = cluster.agent_home(BAD)?.join("workspaces");
        two_workers(cluster, Vec::new()).await?;
        // With a file in its place it cannot be made again.
        let remove = || {
            fs::remove_dir_all(&root)?;
            Ok(fs::write(&root, "")?)
        };
        breaks_and_is_repaired(cluster, queue(FEW), remove, || Ok(fs::remove_file(&root)?)).await
    });
}

fn a_machine_without_room_for_a_process_fails_no_job() {
    if !may("machines without processes").expect("root under CI") {
        return;
    }
    let group = FewProcesses::new(PROCESSES).expect("a control group");
    scenario(async |cluster| {
        two_workers(cluster, group.way()).await?;
        let full = || group.limit(group.count()?);
        breaks_and_is_repaired(cluster, queue(FEW), full, || group.limit(PROCESSES)).await
    });
}

fn a_job_that_removes_the_state_folder_fails_no_other() {
    scenario(async |cluster| {
        let state = cluster.agent_home(BAD)?.join("state");
        two_workers(cluster, Vec::new()).await?;
        fs::remove_dir_all(&state)?;
        all_succeed(cluster, queue(FEW)).await?;
        let log = fs::read_to_string(cluster.agent_home(BAD)?.join("log"))?;
        assert!(log.contains("was removed or replaced"), "{log}");
        // What the slots need is made again, so nobody has to repair it.
        works_again(cluster).await
    });
}

fn a_job_that_removes_the_scripts_of_others_fails_none_of_them() {
    scenario(async |cluster| {
        let slots = cluster.agent_home(BAD)?.join("state/slots");
        two_workers(cluster, Vec::new()).await?;
        let removes = format!("while ! [ -e {0}/stop ]; do rm -f {0}/*/job.sh; done", slots.display());
        let spec = JobSpec { command: removes, exclude: vec![GOOD.to_owned()], ..JobSpec::default() };
        let remover = cluster.submit_spec(spec).await?;
        cluster.running(remover).await?;
        let count = queue(FEW);
        let jobs = (0..count).map(|n| JobSpec { command: format!("echo {n}"), ..JobSpec::default() }).collect();
        let ids = cluster
            .client()
            .submit_batch(&BatchRequest { jobs, idempotency_key: None, ..BatchRequest::default() })
            .await?
            .job_ids;
        for (n, id) in ids.into_iter().enumerate() {
            let end = cluster.ended(id).await?.job;
            assert_eq!((end.row.state, end.stdout), (JobState::Succeeded, format!("{n}\n")), "{:?}", end.row);
        }
        fs::write(slots.join("stop"), "")?;
        assert_eq!(cluster.ended(remover).await?.job.row.state, JobState::Succeeded);
        works_again(cluster).await
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
        for _ in 0..queue(20) {
            let spec = JobSpec { command: "true".to_owned(), retries: 3, ..JobSpec::default() };
            jobs.push(cluster.submit_spec(spec).await?);
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

fn a_worker_on_which_commands_fail_that_succeed_elsewhere_is_reported_and_goes_on() {
    scenario(async |cluster| {
        cluster.agent(BAD).await?;
        cluster.agent(GOOD).await?;
        let fails_on_bad = async |n: u32, exclude: &str| {
            let command = format!("echo {n}; test $C2_WORKER = {GOOD}");
            let job = cluster.submit_spec(JobSpec { command, exclude: vec![exclude.to_owned()], ..JobSpec::default() });
            anyhow::Ok(cluster.ended(job.await?).await?.job.row.state)
        };
        let suspect = async || anyhow::Ok(cluster.client().worker(BAD).await?.row.suspect);
        for n in 0..3 {
            assert_eq!(fails_on_bad(n, BAD).await?, JobState::Succeeded);
        }
        for n in 0..5 {
            assert!(!suspect().await?, "after {n}");
            assert_eq!(fails_on_bad(n, GOOD).await?, JobState::Failed);
        }
        assert!(suspect().await?);
        cluster.logged(&format!("worker {BAD} (")).await?;
        cluster.logged("is suspect: commands fail there at once").await?;
        let told = cluster.exec(&["list", &format!("info {BAD}"), "doctor"]).await?.stdout;
        assert_eq!(told.matches("it fails at once what succeeds elsewhere").count(), 1, "{told}");
        assert!(told.contains(&format!("{BAD} fails at once what succeeds elsewhere")), "{told}");
        assert!(told.lines().any(|line| line.contains(BAD) && line.contains("that succeed elsewhere")), "{told}");
        // It is a report and nothing else: the worker gets jobs as before.
        assert_eq!(cluster.client().worker(BAD).await?.row.status, WorkerStatus::Online);
        let spec = JobSpec { command: "true".to_owned(), exclude: vec![GOOD.to_owned()], ..JobSpec::default() };
        let next = cluster.submit_spec(spec).await?;
        assert_eq!(cluster.ended(next).await?.job.row.state, JobState::Succeeded);
        assert!(!suspect().await?, "what succeeds there ends it");
        Ok(())
    });
}
