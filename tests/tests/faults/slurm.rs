//! Jobs that a real Slurm cluster runs, while everything between it and c2d is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use c2_shared::api::batches::BatchRequest;
use c2_shared::job::{JobSpec, JobState, Outcome};
use c2_tests::slurm::{Slurm, available};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, is_alive, scenario};
use rustix::process::{Pid, Signal, kill_process};

crate::tests![
    two_hundred_jobs_run_once_each_whatever_dies,
    what_slurm_runs_is_ended_and_what_waits_there_never_begins,
    what_slurm_runs_outlives_the_machine_of_its_agent,
];

const IP: &str = "127.0.0.2";
const SLOTS: u32 = 16;
const JOBS: usize = 200;
/// A cluster is slower than this machine, and is killed in between.
const PATIENCE: Duration = Duration::from_secs(150);

async fn with_slurm(cluster: &mut Cluster) -> Result<Slurm> {
    let slurm = Slurm::start(cluster.new_folder("slurm")?).await?;
    let variable = format!("SLURM_CONF={}", slurm.configuration().display());
    let way = ["env", &variable, "C2_VIA=slurm"].map(str::to_owned).to_vec();
    cluster.agent_with_slots_by(IP, SLOTS, way).await?;
    Ok(slurm)
}

/// The processes of one kind that serve an agent: `run-slot` or `run-via`.
fn processes(root: &Path, kind: &str) -> Vec<Pid> {
    let root = root.display().to_string();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_it = |number: &i32| {
        let words = fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
        words.split('\0').nth(1) == Some(kind) && words.contains(&root)
    };
    numbers.filter(is_it).filter_map(Pid::from_raw).collect()
}

fn kill_all(processes: &[Pid]) {
    for process in processes {
        // One that has just ended is as good.
        let _gone = kill_process(*process, Signal::KILL);
    }
}

/// The folder of the attempt that a script is about.
fn control(script: &str) -> Option<&Path> {
    let (folder, _) = script.split_once("cd '")?.1.split_once('\'')?;
    Some(Path::new(folder))
}

fn two_hundred_jobs_run_once_each_whatever_dies() {
    scenario(async |cluster| {
        if !available()? {
            return Ok(());
        }
        let mut slurm = with_slurm(cluster).await?;
        let marks = cluster.new_folder("marks")?.join("all");
        let command = format!("echo $C2_JOB_ID >>{}; sleep 0.3; echo out $C2_JOB_ID", marks.display());
        let jobs = vec![JobSpec { command, ..JobSpec::default() }; JOBS];
        let ids = cluster.client().submit_batch(&BatchRequest { jobs, ..BatchRequest::default() }).await?.job_ids;
        let ended =
            |share: usize| Ok((fs::read_to_string(&marks).unwrap_or_default().lines().count() >= share).then_some(()));
        let root = cluster.workspace_root(IP)?;
        eventually("some jobs", PATIENCE, async || ended(JOBS / 8)).await?;
        cluster.kill_agent(IP)?;
        cluster.restart_agent(IP).await?;
        eventually("more jobs", PATIENCE, async || ended(JOBS / 4)).await?;
        cluster.kill_c2d()?;
        slurm.kill_controller()?;
        // What runs goes on without both ends, and says so. A controller that was killed has forgotten what began last,
        // and when it is back it has the node end that.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let is_over = |script: &String| control(script).is_none_or(|at| !at.exists() || at.join("status").exists());
        eventually("a node that runs nothing", PATIENCE, async || {
            Ok(slurm.scripts()?.iter().all(is_over).then_some(()))
        })
        .await?;
        cluster.restart_c2d().await?;
        slurm.restart_controller().await?;
        eventually("half of the jobs", PATIENCE, async || {
            slurm.look_after_the_node();
            ended(JOBS / 2)
        })
        .await?;
        kill_all(&processes(&root, "run-via"));
        eventually("most of the jobs", PATIENCE, async || {
            slurm.look_after_the_node();
            ended(JOBS / 4 * 3)
        })
        .await?;
        kill_all(&processes(&root, "run-slot"));
        for id in &ids {
            let end = eventually(&format!("the end of {id}"), PATIENCE, async || {
                slurm.look_after_the_node();
                let answer = cluster.client().job(*id, 1).await?;
                Ok(answer.done.then_some(answer.job))
            })
            .await?;
            assert_eq!((end.row.state, end.stdout.as_str()), (JobState::Succeeded, &*format!("out {id}\n")), "{end:?}");
        }
        let mut counted: BTreeMap<String, u32> = BTreeMap::new();
        for line in fs::read_to_string(&marks)?.lines() {
            *counted.entry(line.to_owned()).or_default() += 1;
        }
        assert_eq!(counted.len(), JOBS);
        assert!(counted.values().all(|times| *times == 1), "{counted:?}");
        // Nothing of an attempt is left when c2d has its result.
        eventually("empty workspaces", SOON, async || {
            let left = fs::read_dir(&root)?.flatten().map(|entry| entry.file_name());
            Ok((left.filter(|name| name.to_string_lossy().starts_with(".via-")).count() == 0).then_some(()))
        })
        .await
    });
}

fn what_slurm_runs_is_ended_and_what_waits_there_never_begins() {
    scenario(async |cluster| {
        if !available()? {
            return Ok(());
        }
        let mut slurm = with_slurm(cluster).await?;
        let folder = cluster.new_folder("marks")?;
        let mark = |name: &str| folder.join(name);
        let info = cluster.exec(&[&format!("info {IP}")]).await?;
        assert!(info.stdout.contains("via") && info.stdout.contains("slurm"), "{info:?}");

        // A command that runs ends with all that it started, and is known to be over when c2d says so.
        let deaf = format!("echo $$ >{}; trap '' TERM; sleep 100", mark("deaf").display());
        let job = cluster.submit(&deaf).await?;
        let number = eventually("a job that runs", SOON, async || {
            Ok(fs::read_to_string(mark("deaf")).ok().and_then(|text| text.trim().parse::<i32>().ok()))
        })
        .await?;
        cluster.exec(&[&format!("cancel {job}")]).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!(end.row.outcome, Some(Outcome::Cancelled), "{end:?}");
        let process = Pid::from_raw(number).context("a process id")?;
        assert!(!is_alive(process), "the command outlived its cancellation");

        // The time limit counts from the begin of the command, not while it waits for a node.
        slurm.run(&["sbatch", "--cpus-per-task=8", "--output=/dev/null", "--wrap=sleep 5"])?;
        let spec = JobSpec { command: "sleep 1; echo in time".into(), timeout_s: Some(4), ..JobSpec::default() };
        let waits = cluster.submit_spec(spec).await?;
        // Its node takes longer to end it than an agent would; it is no less a timeout, and runs once.
        let endless = JobSpec { command: "trap '' TERM; sleep 100".into(), timeout_s: Some(6), ..JobSpec::default() };
        let endless = cluster.submit_spec(endless).await?;
        assert_eq!(cluster.ended(waits).await?.job.stdout, "in time\n");
        let end = cluster.ended(endless).await?.job;
        assert_eq!((end.row.outcome, end.row.attempt), (Some(Outcome::Timeout), 1));

        // What is called off while nothing is heard of Slurm does not begin when that is back.
        let all = format!("--wrap=until [ -e {} ]; do sleep 0.2; done", mark("room").display());
        slurm.run(&["sbatch", "--cpus-per-task=8", "--output=/dev/null", &all])?;
        let never = cluster.submit(&format!("touch {}", mark("never").display())).await?;
        eventually("a job that waits in Slurm", SOON, async || {
            Ok(slurm.run(&["squeue", "--noheader", "--format=%j"])?.contains(&never.to_string()).then_some(()))
        })
        .await?;
        eventually("the reason of Slurm", PATIENCE, async || {
            let why = cluster.exec(&[&format!("why {never}")]).await?.stdout;
            Ok(why.contains("it waits in the cluster of its worker: Slurm says ").then_some(()))
        })
        .await?;
        slurm.stop_controller().await?;
        eventually("the silence of Slurm", PATIENCE, async || {
            let said = cluster.exec(&["doctor"]).await?;
            Ok((said.status == 1 && said.stdout.contains("its cluster is not heard: Slurm does not answer"))
                .then_some(()))
        })
        .await?;
        cluster.exec(&[&format!("cancel {never}")]).await?;
        assert_eq!(cluster.ended(never).await?.job.row.outcome, Some(Outcome::Cancelled));
        slurm.restart_controller().await?;
        fs::write(mark("room"), "")?;
        let last = cluster.submit("echo last; exit 7").await?;
        let end = eventually("the end of the last job", PATIENCE, async || {
            slurm.look_after_the_node();
            let answer = cluster.client().job(last, 1).await?;
            Ok(answer.done.then_some(answer.job))
        })
        .await?;
        assert_eq!((end.row.outcome, end.stdout.as_str()), (Some(Outcome::Exit { code: 7 }), "last\n"));
        assert!(!mark("never").exists(), "it ran after it was cancelled");
        Ok(())
    });
}

fn what_slurm_runs_outlives_the_machine_of_its_agent() {
    scenario(async |cluster| {
        if !available()? {
            return Ok(());
        }
        let _slurm = with_slurm(cluster).await?;
        let mark = cluster.new_folder("marks")?.join("begun");
        let job = cluster.submit(&format!("echo begun >>{}; sleep 4; echo ended", mark.display())).await?;
        eventually("a job that runs", SOON, async || Ok(mark.exists().then_some(()))).await?;
        let root = cluster.workspace_root(IP)?;
        cluster.kill_agent(IP)?;
        kill_all(&processes(&root, "run-slot"));
        kill_all(&processes(&root, "run-via"));
        cluster.restart_agent(IP).await?;
        let end = cluster.ended(job).await?.job;
        assert_eq!((end.stdout.as_str(), end.row.attempt), ("ended\n", 1), "{end:?}");
        assert_eq!(fs::read_to_string(&mark)?, "begun\n");
        Ok(())
    });
}
