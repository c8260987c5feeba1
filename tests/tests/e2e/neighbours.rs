//! Agents that yield their machines: nothing new starts, what runs stands still, and goes on afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState, OnLost};
use c2_shared::worker::Neighbour;
use c2_tests::{Cluster, eventually, scenario};

use crate::e2e::resources::says;

crate::tests![
    a_battery_freezes_jobs_and_their_time_limits,
    without_control_groups_processes_are_stopped,
    who_types_or_uses_a_card_comes_first,
];

const WORKER: &str = "127.0.0.2";
const SOON: Duration = Duration::from_secs(30);

/// An agent that yields, and the folder in which it looks for whom.
async fn agent(cluster: &mut Cluster, yield_to: &str) -> Result<PathBuf> {
    let sight = cluster.new_folder("sight")?;
    let flags = format!("exec \"$@\" --yield-to={yield_to} --sight-root={} --rest-ms=1000", sight.display());
    cluster.agent_by(WORKER, ["sh", "-c", &flags, "sh"].map(str::to_owned).to_vec()).await?;
    Ok(sight)
}

fn battery(sight: &Path, status: &str) -> Result<()> {
    let folder = sight.join("sys/class/power_supply/BAT0");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("type"), "Battery\n")?;
    Ok(std::fs::write(folder.join("status"), format!("{status}\n"))?)
}

/// A job that writes a line ten times a second until a file is there.
fn ticks(folder: &Path) -> JobSpec {
    let (log, gate) = (folder.join("log"), folder.join("open"));
    let command = format!("while [ ! -e {} ]; do echo tick >>{}; sleep 0.1; done", gate.display(), log.display());
    JobSpec { command, ..JobSpec::default() }
}

fn written(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("log")).map_or(0, |log| log.len())
}

/// Waits until the worker yields to these, or to nobody.
async fn yields(cluster: &Cluster, to: &[Neighbour]) -> Result<()> {
    eventually(&format!("{WORKER} yields to {to:?}"), SOON, async || {
        Ok((cluster.client().worker(WORKER).await?.row.load.yields_to == to).then_some(()))
    })
    .await
}

/// Nothing is written for as long as otherwise ten lines would be, soon after its worker yields: c2d may hear of that
/// before the last process has stopped.
async fn stands_still(folder: &Path) -> Result<()> {
    eventually("a second without a line", SOON, async || {
        let before = written(folder);
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok((written(folder) == before).then_some(()))
    })
    .await
}

async fn goes_on(folder: &Path) -> Result<()> {
    let before = written(folder);
    eventually("more lines", SOON, async || Ok((written(folder) > before).then_some(()))).await
}

async fn is_frozen(cluster: &Cluster, job: JobId) -> Result<bool> {
    Ok(cluster.client().job(job, 0).await?.job.row.frozen)
}

fn a_battery_freezes_jobs_and_their_time_limits() {
    scenario(async |cluster| {
        let sight = agent(cluster, "user,battery").await?;
        battery(&sight, "Charging")?;
        let folder = cluster.new_folder("job")?;
        let ticking = JobSpec { timeout_s: Some(9), ..ticks(&folder) };
        let job = cluster.submit_spec(ticking).await?;
        goes_on(&folder).await?;
        ensure!(!is_frozen(cluster, job).await?);
        battery(&sight, "Discharging")?;
        yields(cluster, &[Neighbour::Battery]).await?;
        stands_still(&folder).await?;
        ensure!(is_frozen(cluster, job).await?);
        let second = cluster.submit("echo later").await?;
        says(cluster, "list", "127.0.0.2 yields to its battery: nothing new starts there").await?;
        says(cluster, "info 127.0.0.2", "yields to its battery").await?;
        says(cluster, "jobs --state=frozen", "job-1 frozen").await?;
        says(cluster, "why 1", "it stands still, as its worker yields to its battery").await?;
        says(cluster, "why 2", "yields to its battery").await?;
        says(cluster, "why 2", "it starts when no one else needs one of these: 127.0.0.2").await?;
        // With the time before it is more than the limit.
        tokio::time::sleep(Duration::from_secs(8)).await;
        stands_still(&folder).await?;
        ensure!(cluster.client().job(second, 0).await?.job.row.state == JobState::Queued);
        battery(&sight, "Charging")?;
        yields(cluster, &[]).await?;
        goes_on(&folder).await?;
        ensure!(!is_frozen(cluster, job).await?);
        std::fs::write(folder.join("open"), "")?;
        let ended = cluster.ended(job).await?.job;
        ensure!(ended.row.state == JobState::Succeeded, "{ended:?}");
        ensure!(ended.row.took_ms.context("no time")? < 9_000, "what stands still does not run: {ended:?}");
        ensure!(cluster.ended(second).await?.job.stdout == "later\n");
        Ok(())
    });
}

fn without_control_groups_processes_are_stopped() {
    scenario(async |cluster| {
        let config = cluster.agent_home(WORKER)?.join(".config/c2-agent");
        std::fs::create_dir_all(&config)?;
        std::fs::write(config.join("config.json"), r#"{"control_groups": false}"#)?;
        let sight = agent(cluster, "battery").await?;
        let (first, second) = (cluster.new_folder("first")?, cluster.new_folder("second")?);
        let patient = cluster.submit_spec(JobSpec { on_lost: OnLost::Wait, ..ticks(&first) }).await?;
        let cancelled = cluster.submit_spec(ticks(&second)).await?;
        goes_on(&first).await?;
        goes_on(&second).await?;
        battery(&sight, "Discharging")?;
        yields(cluster, &[Neighbour::Battery]).await?;
        stands_still(&first).await?;
        stands_still(&second).await?;
        cluster.client().cancel(cancelled).await?;
        ensure!(cluster.ended(cancelled).await?.job.row.state == JobState::Cancelled);
        // The next run of the agent goes by what it sees itself.
        cluster.kill_agent(WORKER)?;
        stands_still(&first).await?;
        battery(&sight, "Full")?;
        cluster.restart_agent(WORKER).await?;
        goes_on(&first).await?;
        std::fs::write(first.join("open"), "")?;
        ensure!(cluster.ended(patient).await?.job.row.state == JobState::Succeeded);
        Ok(())
    });
}

fn who_types_or_uses_a_card_comes_first() {
    scenario(async |cluster| {
        let script = "case $1 in *compute-apps*) cat \"$(dirname \"$0\")/apps\";; \
                      *) echo '0, NVIDIA GeForce RTX 3090, GPU-0, 24576, 5, 0';; esac";
        cluster.program("nvidia-smi", script)?;
        let apps = cluster.data_dir().with_file_name("programs").join("apps");
        std::fs::write(&apps, "")?;
        let sight = agent(cluster, "user,gpu").await?;
        let folder = cluster.new_folder("job")?;
        let job = cluster.submit_spec(ticks(&folder)).await?;
        goes_on(&folder).await?;
        std::fs::write(&apps, "GPU-0, 4711, /usr/bin/blender, 20480\n")?;
        yields(cluster, &[Neighbour::Gpu]).await?;
        stands_still(&folder).await?;
        std::fs::write(&apps, "")?;
        yields(cluster, &[]).await?;
        goes_on(&folder).await?;
        let terminal = sight.join("dev/pts/0");
        std::fs::create_dir_all(terminal.parent().context("a folder")?)?;
        std::fs::write(&terminal, "")?;
        yields(cluster, &[Neighbour::User]).await?;
        stands_still(&folder).await?;
        says(cluster, "why 1", "yields to a person who uses it").await?;
        let before = SystemTime::UNIX_EPOCH;
        std::fs::File::options()
            .write(true)
            .open(&terminal)?
            .set_times(std::fs::FileTimes::new().set_accessed(before))?;
        yields(cluster, &[]).await?;
        goes_on(&folder).await?;
        std::fs::write(folder.join("open"), "")?;
        ensure!(cluster.ended(job).await?.job.row.state == JobState::Succeeded);
        Ok(())
    });
}
