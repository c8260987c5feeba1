//! c2d under strace, which kills it at its first, second, third call of a kind, or makes that call
//! fail. Whatever it acknowledged before must be there after a start without strace.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::jobs::BatchRequest;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use c2_tests::Program;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

/// Calls that change what is on a disk.
const CALLS: [&str; 7] = ["pwrite64", "write", "fdatasync", "fsync", "rename", "ftruncate", "unlink"];
/// How a call fails. Of `write` only those to `jobs.log`: the others are pipes and sockets.
const FAULTS: [&str; 3] = ["signal=KILL", "error=EIO", "error=ENOSPC"];
/// Where c2d says where it listens.
const ADDRESS: &str = "c2d.addr";
const READY: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(5);
/// Requests of one run, each with a batch beside it.
const REQUESTS: usize = 4;
const BATCH: usize = 3;

pub(crate) async fn syscalls(calls: u64) -> Result<Value> {
    let mut hits = BTreeMap::<String, u64>::new();
    let mut acknowledged = 0;
    for fault in FAULTS {
        for call in CALLS {
            for n in 1..=calls {
                let run = Run { fault, call, n };
                let (hit, ids) = run.go().await.with_context(|| format!("{fault} at {call} number {n}"))?;
                acknowledged += ids;
                if !hit {
                    break;
                }
                *hits.entry(format!("{call} {fault}")).or_default() += 1;
            }
        }
    }
    ensure!(!hits.is_empty(), "strace changed no call");
    Ok(json!({"bench": "chaos syscalls", "hits": hits, "jobs_acknowledged": acknowledged, "jobs_lost": 0}))
}

#[derive(Clone, Copy, Debug)]
struct Run {
    fault: &'static str,
    call: &'static str,
    n: u64,
}

impl Run {
    /// Whether the fault came, and how many jobs were acknowledged before.
    async fn go(self) -> Result<(bool, usize)> {
        let scratch = tempfile::Builder::new().prefix("c2-chaos-").tempdir()?;
        let (data, trace) = (scratch.path().join("c2d"), scratch.path().join("trace"));
        let mut c2d = start(Some((self, &trace)), &data, scratch.path())?;
        let accepted = match ready(&mut c2d, &data).await {
            Ok(client) => submit(&client).await,
            Err(_) => Accepted::default(),
        };
        let killed = c2d.try_wait()?.is_some_and(|status| status.signal() == Some(9));
        end(&mut c2d)?;
        let told = std::fs::read_to_string(&trace).unwrap_or_default();
        let hit = killed || told.contains("INJECTED");

        let mut c2d = start(None, &data, scratch.path())?;
        let looked = look(&mut c2d, &data, &accepted).await;
        end(&mut c2d)?;
        looked?;
        let check = command(&data, scratch.path())?.arg("check").output()?;
        ensure!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
        Ok((hit, accepted.single.len() + accepted.batches.len() * BATCH))
    }
}

#[derive(Debug, Default)]
struct Accepted {
    single: Vec<JobId>,
    batches: Vec<Vec<JobId>>,
}

async fn submit(client: &Client) -> Accepted {
    let mut accepted = Accepted::default();
    for n in 0..REQUESTS {
        let spec = JobSpec { command: format!("echo {n}"), ..JobSpec::default() };
        let batch = BatchRequest { jobs: vec![spec.clone(); BATCH], ..BatchRequest::default() };
        let Ok(Ok(answer)) = timeout(ANSWER, client.submit(&spec)).await else { break };
        accepted.single.push(answer.job_id);
        let Ok(Ok(answer)) = timeout(ANSWER, client.submit_batch(&batch)).await else { break };
        accepted.batches.push(answer.job_ids);
        // Its end is a line in jobs.log.
        drop(timeout(ANSWER, client.cancel(accepted.single[n])).await);
    }
    accepted
}

async fn look(c2d: &mut Child, data: &Path, accepted: &Accepted) -> Result<()> {
    let client = ready(c2d, data).await.context("c2d does not start any more")?;
    for id in accepted.single.iter().chain(accepted.batches.iter().flatten()) {
        client.job(*id, 0).await.with_context(|| format!("{id} was acknowledged and is lost"))?;
    }
    let query = c2_shared::api::jobs::JobsQuery { all: true, limit: Some(1_000), ..Default::default() };
    let there = client.jobs(&query).await?.jobs.len();
    // One request was perhaps done and not acknowledged: a job, or a whole batch.
    let more = there - accepted.single.len() - accepted.batches.len() * BATCH;
    ensure!([0, 1, BATCH].contains(&more), "{more} jobs are there that were not acknowledged");
    let log = std::fs::read_to_string(data.join("jobs.log")).unwrap_or_default();
    for line in log.lines() {
        serde_json::from_str::<Value>(line).with_context(|| format!("jobs.log has {line:?}"))?;
    }
    Ok(())
}

fn command(data: &Path, home: &Path) -> Result<Command> {
    let mut command = Command::new(Program::C2d.path()?);
    command.env("HOME", home).arg("--data-dir").arg(data).stdin(Stdio::null());
    Ok(command)
}

/// Starts c2d, with strace beside it and not above it, so that the child is c2d itself.
fn start(run: Option<(Run, &Path)>, data: &Path, home: &Path) -> Result<Child> {
    // What an earlier one left that was killed would be taken for an answer.
    drop(std::fs::remove_file(data.join(ADDRESS)));
    let plain = command(data, home)?;
    let mut command = match run {
        None => plain,
        Some((Run { fault, call, n }, trace)) => {
            let mut strace = Command::new("strace");
            strace.args(["-D", "-f", "-qq", "-e"]).arg(format!("trace={call}")).arg("-o").arg(trace);
            strace.arg("-e").arg(format!("inject={call}:{fault}:when={n}"));
            if call == "write" && fault.starts_with("error") {
                strace.arg("-P").arg(data.join("jobs.log"));
            }
            strace.arg("--").arg(plain.get_program()).args(plain.get_args()).env("HOME", home);
            strace
        }
    };
    command.args(["--host", "127.0.0.1", "--port", "0"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start c2d")
}

/// Waits until c2d says where it listens.
async fn ready(c2d: &mut Child, data: &Path) -> Result<Client> {
    let file = data.join(ADDRESS);
    let begun = Instant::now();
    loop {
        let address = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<SocketAddr>().ok());
        if let Some(address) = address {
            let pass = Pass::read(&data.join(Role::Operator.file_name()))?;
            return Ok(Client::new(&address.into(), Some(pass), None)?);
        }
        ensure!(c2d.try_wait()?.is_none(), "c2d ended at its start");
        ensure!(begun.elapsed() < READY, "c2d does not get ready");
        sleep(Duration::from_millis(5)).await;
    }
}

fn end(c2d: &mut Child) -> Result<()> {
    // It may have ended already, by the fault.
    drop(c2d.kill());
    c2d.wait()?;
    Ok(())
}
