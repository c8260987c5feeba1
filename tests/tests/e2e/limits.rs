//! Jobs in control groups: what they may use, and what they used.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::jobs::JobInfo;
use c2_shared::job::{JobSpec, JobState, Outcome};
use c2_tests::machine::{has, may};
use c2_tests::{Cluster, eventually, groups_of, scenario};
use rustix::process::Signal;

use crate::e2e::resources::says;

crate::tests![
    a_job_over_its_memory_ends_alone,
    what_a_job_used_is_told_to_a_few_hundredths,
    a_fork_bomb_stays_in_its_group,
    without_groups_its_processes_say_what_a_job_used,
    groups_go_with_their_jobs_and_their_agent,
];

const WORKER: &str = "127.0.0.2";
const SOON: Duration = Duration::from_secs(20);
const MIB: u64 = 1 << 20;

/// Whether agents can make groups with limits here: as root, without systemd, and in the first version.
fn has_groups() -> Result<bool> {
    let first = std::path::Path::new("/sys/fs/cgroup/memory/cgroup.procs").exists();
    let free = !std::path::Path::new("/run/systemd/system").exists();
    Ok(may("control groups")? && has("control groups", first && free, "it needs version 1, and no systemd"))
}

/// Fills so many MiB of memory at once.
fn fills(mib: u64) -> String {
    format!("dd if=/dev/zero of=/dev/null bs={mib}M count=1 2>/dev/null")
}

fn job(command: &str, memory_bytes: u64) -> JobSpec {
    JobSpec { command: command.to_owned(), memory_bytes, ..JobSpec::default() }
}

fn configure(cluster: &Cluster, config: &str) -> Result<()> {
    let folder = cluster.agent_home(WORKER)?.join(".config/c2-agent");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("config.json"), config)?)
}

fn groups(cluster: &Cluster) -> Result<Vec<PathBuf>> {
    let id = std::fs::read_to_string(cluster.agent_home(WORKER)?.join("state/worker_id"))?;
    Ok(groups_of(id.trim()))
}

async fn ended(cluster: &Cluster, spec: JobSpec) -> Result<JobInfo> {
    let job = cluster.submit_spec(spec).await?;
    Ok(cluster.ended(job).await?.job)
}

fn a_job_over_its_memory_ends_alone() {
    scenario(async |cluster| {
        if !has_groups()? {
            return Ok(());
        }
        cluster.agent(WORKER).await?;
        let gate = cluster.new_folder("gate")?.join("open");
        let waits = format!("while [ ! -e {} ]; do sleep 0.1; done; echo lives", gate.display());
        let neighbour = cluster.submit_spec(job(&waits, 64 * MIB)).await?;
        cluster.running(neighbour).await?;
        let large =
            JobSpec { retries: 1, retry_delay_s: Some(0), ..job(&format!("{}; sleep 60", fills(200)), 64 * MIB) };
        let large = ended(cluster, large).await?;
        let Some(Outcome::Oom { limit_bytes, peak_bytes }) = large.row.outcome else { anyhow::bail!("{large:?}") };
        ensure!(limit_bytes == 64 * MIB && peak_bytes > 60 * MIB && peak_bytes < 68 * MIB, "{large:?}");
        ensure!(large.row.state == JobState::Failed && large.attempts.len() == 2, "{large:?}");
        says(cluster, "job 2", "out of memory, used 64 of 64 MB").await?;
        says(cluster, "log", "out of memory, used 64 of 64 MB").await?;
        ensure!(cluster.exec(&["wait 2"]).await?.status == 137);
        let log = std::fs::read_to_string(cluster.data_dir().join("jobs.log"))?;
        ensure!(log.contains(r#""outcome":{"kind":"oom","limit_bytes":67108864,"peak_bytes":"#), "{log}");
        std::fs::write(&gate, "")?;
        ensure!(cluster.ended(neighbour).await?.job.stdout == "lives\n");
        Ok(())
    });
}

fn what_a_job_used_is_told_to_a_few_hundredths() {
    scenario(async |cluster| {
        if !has_groups()? {
            return Ok(());
        }
        cluster.agent(WORKER).await?;
        // One after the other in the same slot, so that none is measured by what another one used.
        for (mib, memory_bytes) in [(200, 0), (40, 0), (120, 300 * MIB), (60, 0)] {
            let spec = JobSpec { name: Some("fills".to_owned()), ..job(&fills(mib), memory_bytes) };
            let peak = ended(cluster, spec).await?.row.peak_bytes.context("no peak")?;
            let off = peak.abs_diff(mib * MIB);
            ensure!(off * 20 < mib * MIB, "{mib} MiB are told as {peak} bytes");
        }
        // What a job leaves in the memory of the system is no next one's.
        for command in ["true", "dd if=/dev/zero of=file bs=1M count=30 2>/dev/null", "true", "true"] {
            let peak = ended(cluster, job(command, 0)).await?.row.peak_bytes.context("no peak")?;
            ensure!(command != "true" || peak < 4 * MIB, "{command} takes {peak} bytes");
        }
        let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 1";
        let used = ended(cluster, job(busy, 0)).await?;
        let (cpu_ms, took_ms) = (used.row.cpu_ms.context("no time")?, used.row.took_ms.context("no time")?);
        ensure!(cpu_ms > 50 && cpu_ms + 900 < took_ms, "{cpu_ms} of {took_ms} ms");
        ensure!(used.attempts[0].cpu_ms == Some(cpu_ms) && used.attempts[0].peak_bytes == used.row.peak_bytes);
        says(cluster, "job 9", "of memory at most").await?;
        says(cluster, "stats", "NAME RUNS FAILED MEDIAN 90 % CPU PEAK fills 4 0").await?;
        let json = cluster.console(&["--json", "--exec", "job 1"]).await?;
        ensure!(json.stdout.contains("\"peak_bytes\"") && json.stdout.contains("\"cpu_ms\""), "{json:?}");
        Ok(())
    });
}

fn a_fork_bomb_stays_in_its_group() {
    scenario(async |cluster| {
        if !has_groups()? {
            return Ok(());
        }
        configure(cluster, r#"{"pids_max": 40}"#)?;
        cluster.agent(WORKER).await?;
        let own = |hierarchy: &str, file: &str| {
            format!("cat /sys/fs/cgroup/{hierarchy}$(sed -n 's/^[0-9]*:{hierarchy}://p' /proc/self/cgroup)/{file}")
        };
        let shares = JobSpec { cpus: 2, ..job(&own("cpu", "cpu.shares"), 0) };
        ensure!(ended(cluster, shares).await?.stdout == "2048\n");
        let most = own("pids", "pids.max");
        ensure!(ended(cluster, job(&most, 0)).await?.stdout == "40\n");
        // Not before it is sure that it is held; and its shell is none of those that find no room.
        let bomb = format!("[ \"$({most})\" = 40 ] || exit 9; b() {{ b | b & b; }}; b & exec sleep 60");
        let bomb = cluster.submit_spec(job(&bomb, 0)).await?;
        cluster.running(bomb).await?;
        let folders = groups(cluster)?;
        let full = eventually("a full group", SOON, async || {
            let pids = folders.iter().filter(|group| group.starts_with("/sys/fs/cgroup/pids"));
            let read = |group: &PathBuf, file: &str| std::fs::read_to_string(group.join(file)).unwrap_or_default();
            let most = pids.clone().filter_map(|group| read(group, "pids.current").trim().parse::<u32>().ok()).max();
            ensure!(most <= Some(40), "{most:?} processes");
            // How often one more was refused.
            let refused =
                pids.map(|group| read(group, "pids.events")).any(|text| text != "max 0\n" && !text.is_empty());
            Ok(refused.then_some(()))
        });
        full.await?;
        let beside = ended(cluster, job("echo fine", 0)).await?;
        ensure!(beside.stdout == "fine\n", "{beside:?}");
        cluster.exec(&["cancel 3"]).await?;
        ensure!(cluster.ended(bomb).await?.job.row.state == JobState::Cancelled);
        Ok(())
    });
}

fn without_groups_its_processes_say_what_a_job_used() {
    scenario(async |cluster| {
        configure(cluster, r#"{"control_groups": false}"#)?;
        cluster.agent(WORKER).await?;
        let used = ended(cluster, job(&format!("({}); exit 3", fills(80)), 20 * MIB)).await?;
        ensure!(used.row.outcome == Some(Outcome::Exit { code: 3 }), "nothing keeps its limit: {used:?}");
        let peak = used.row.peak_bytes.context("no peak")?;
        ensure!(peak > 80 * MIB && peak < 84 * MIB, "{peak}");
        let busy = ended(cluster, job("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done", 0)).await?;
        let cpu_ms = busy.row.cpu_ms.context("no time")?;
        ensure!(cpu_ms > 50 && busy.row.took_ms >= Some(cpu_ms * 9 / 10), "{busy:?}");
        ensure!(busy.row.peak_bytes.context("no peak")? < 20 * MIB, "that of another job: {busy:?}");
        ensure!(groups(cluster)?.is_empty());
        Ok(())
    });
}

fn groups_go_with_their_jobs_and_their_agent() {
    scenario(async |cluster| {
        if !has_groups()? {
            return Ok(());
        }
        cluster.agent(WORKER).await?;
        let (state, token) = (cluster.agent_home(WORKER)?.join("state"), cluster.data_dir().join("worker.token"));
        let server = cluster.addr().to_string();
        let doctor = ["doctor", "--server", &server, "--state-dir", &state.to_string_lossy(), "--workspace-root"];
        let root = cluster.new_folder("root")?.join("C2");
        let rest =
            [root.to_string_lossy().into_owned(), "--token-file".to_owned(), token.to_string_lossy().into_owned()];
        let args: Vec<&str> = doctor.into_iter().chain(rest.iter().map(String::as_str)).collect();
        let said = cluster.run_agent(&args).await?;
        let words = "limits of jobs: kept for memory, processors and processes, by control groups of version 1\n";
        ensure!(said.stdout.contains(words), "{said:?}");

        let listed = ended(cluster, job("cat /proc/self/cgroup; sleep 0.2; cat /proc/$PPID/cgroup", 0)).await?.stdout;
        let group = |line: &&str| line.contains("/c2-");
        ensure!(listed.lines().filter(group).count() == 5, "from its first instruction, and its runner left: {listed}");
        let groups_now = groups(cluster)?;
        ensure!(groups_now.len() == 5, "one in each hierarchy for one slot: {groups_now:?}");
        cluster.signal_agent(WORKER, Signal::TERM)?;
        let all_gone = async || Ok(groups(cluster)?.is_empty().then_some(()));
        eventually("the groups to go", SOON, all_gone).await?;
        let name = groups_now[0].file_name().context("a name")?.to_string_lossy().into_owned();
        // Only its last digit is the number of the slot.
        let left = groups_now[0].with_file_name(format!("{}9", name.trim_end_matches('0')));
        std::fs::create_dir(&left)?;
        cluster.restart_agent(WORKER).await?;
        eventually("the leftover to go", SOON, async || Ok((!left.exists()).then_some(()))).await?;
        Ok(())
    });
}
