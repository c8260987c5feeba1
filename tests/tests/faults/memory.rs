//! What jobs bring along and what they write takes no memory: it lies on disks.

use std::io::Read as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::jobs::{JobsQuery, Stream};
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use c2_shared::limits::{OUTPUT_HEAD_BYTES, OUTPUT_KEEP_BYTES};
use c2_tests::usage::{memory_bytes, peak_bytes, read_bytes};
use c2_tests::{Cluster, scenario};
use rustix::process::Pid;

crate::tests![two_gigabytes_of_output_cost_no_memory, a_file_that_a_thousand_jobs_bring_costs_no_memory];

const IP: &str = "127.0.0.2";
/// What any process may grow by while a job writes without end.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;

fn two_gigabytes_of_output_cost_no_memory() {
    scenario(async |cluster| {
        cluster.agent(IP).await?;
        // Everybody has done everything once.
        cluster.ended(cluster.submit("echo warm; echo up >&2").await?).await?;
        let pids = cluster.pids(IP)?;
        let before: Vec<u64> = pids.iter().map(|pid| peak_bytes(*pid)).collect::<Result<_>>()?;
        let job = JobId(2);
        let command = "echo begin; echo $PPID >&2; head -c 2G /dev/zero | tr '\\\\0' x; echo; echo end; grep VmHWM /proc/$PPID/status >&2";
        let waits = cluster.full_screen(&["--exec", &format!("submit \"{command}\" --wait")])?;
        let waited = tokio::task::spawn_blocking(move || run_measured(waits)).await??;
        let shows = cluster.full_screen(&["--exec", "output 2"])?;
        let shown = tokio::task::spawn_blocking(move || run_measured(shows)).await??;
        for client in [waited, shown] {
            ensure!(client.written == OUTPUT_KEEP_BYTES, "{client:?}");
            ensure!(client.peak_bytes < GROWTH_BYTES_MAX, "{client:?}");
        }
        for (pid, before) in pids.iter().zip(before) {
            let grown = peak_bytes(*pid)?.saturating_sub(before);
            ensure!(grown < GROWTH_BYTES_MAX, "{pid:?} took {grown} bytes more");
        }
        let end = cluster.client().job(job, 0).await?.job;
        assert_eq!(end.row.state, JobState::Succeeded, "{end:?}");
        let runner = end.stderr.split_whitespace().nth(2).context("the runner's size")?.parse::<u64>()? * 1024;
        ensure!(runner < GROWTH_BYTES_MAX, "the runner took {runner} bytes");
        let mut output = cluster.client().output_bytes(job, Stream::Stdout.into()).await?;
        let whole = 2 * 1024 * 1024 * 1024 + "begin\n\nend\n".len() as u64;
        let gap = output.gaps().first().context("a gap")?;
        assert_eq!((gap.bytes, gap.at), (whole - OUTPUT_KEEP_BYTES, OUTPUT_HEAD_BYTES), "{gap:?}");
        let mut kept = Vec::new();
        while let Some(bytes) = output.next().await? {
            kept.extend(bytes);
        }
        assert!(kept.starts_with(b"begin\nxxx") && kept.ends_with(b"xxx\nend\n"), "{} bytes", kept.len());
        assert_eq!(kept.len() as u64, OUTPUT_KEEP_BYTES);
        Ok(())
    });
}

/// A command of the console that ended.
#[derive(Debug)]
struct Measured {
    /// Bytes that it wrote.
    written: u64,
    /// The most memory that it had.
    peak_bytes: u64,
}

/// Runs a command to its end.
fn run_measured(mut command: Command) -> Result<Measured> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let pid = Pid::from_child(&child);
    let mut stdout = child.stdout.take().context("its output")?;
    let (mut measured, mut part) = (Measured { written: 0, peak_bytes: 0 }, vec![0; 1024 * 1024]);
    loop {
        let count = stdout.read(&mut part)?;
        // The end of its output comes before its own.
        measured.peak_bytes = measured.peak_bytes.max(peak_bytes(pid).unwrap_or(0));
        if count == 0 {
            break;
        }
        measured.written += count as u64;
    }
    let status = child.wait()?;
    ensure!(status.success() && measured.peak_bytes > 0, "{status} {measured:?}");
    Ok(measured)
}

const JOBS: usize = 1_000;
/// Bytes of the file, small enough to stand in a request.
const FILE_BYTES: usize = 900_000;
/// What c2d may take more for jobs that bring a file than for those that bring none.
const MORE_BYTES_MAX: u64 = 1024 * 1024;

/// What a thousand waiting jobs are to c2d.
#[derive(Debug)]
struct Burden {
    /// Memory for all of them.
    bytes: u64,
    /// Bytes that c2d reads to list all of them.
    listed: u64,
}

fn a_file_that_a_thousand_jobs_bring_costs_no_memory() {
    scenario(async |cluster| {
        let here = cluster.console_dir();
        // What cannot be compressed or guessed.
        let mut random = std::fs::File::open("/dev/urandom")?.take(FILE_BYTES as u64);
        std::io::copy(&mut random, &mut std::fs::File::create(here.join("big.bin"))?)?;
        cluster.client().pause(true).await?;
        // The first ones make c2d as large as any such request does.
        burden(cluster, "", 10).await?;
        burden(cluster, " --upload=big.bin", 10).await?;
        let bare = burden(cluster, "", JOBS).await?;
        let laden = burden(cluster, " --upload=big.bin", JOBS).await?;
        ensure!(laden.bytes < bare.bytes + MORE_BYTES_MAX, "{laden:?}, and without a file {bare:?}");
        ensure!(laden.listed < bare.listed + FILE_BYTES as u64, "{laden:?}, and without a file {bare:?}");
        let files = std::fs::read_dir(cluster.data_dir().join("files"))?;
        let sizes = files.map(|file| Ok(file?.metadata()?.len())).collect::<Result<Vec<_>>>()?;
        assert_eq!(sizes.iter().filter(|size| **size == FILE_BYTES as u64).count(), 1, "{sizes:?}");
        Ok(())
    });
}

/// Submits jobs, which wait, by the console.
async fn burden(cluster: &Cluster, flags: &str, count: usize) -> Result<Burden> {
    let lines: String = (0..count).map(|n| format!("{n}\n")).collect();
    std::fs::write(cluster.console_dir().join("lines"), lines)?;
    let pid = cluster.c2d_pid()?;
    let before = memory_bytes(pid)?;
    let submitted = cluster.exec(&[&format!("split \"cat big.bin >/dev/null; echo {{}}\" lines{flags}")]).await?;
    ensure!(submitted.status == 0, "{submitted:?}");
    let bytes = memory_bytes(pid)?.saturating_sub(before);
    let read = read_bytes(pid)?;
    let rows = cluster.client().jobs(&JobsQuery { newest: true, limit: Some(count), ..JobsQuery::default() }).await?;
    ensure!(rows.jobs.len() == count, "{} rows", rows.jobs.len());
    Ok(Burden { bytes, listed: read_bytes(pid)? - read })
}
