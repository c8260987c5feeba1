//! c2d under strace, which kills it at its first, second, third call of a kind, or makes that call
//! fail. Whatever it acknowledged before must be there after a start without strace.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::lone::{Accepted, BATCH, Lone, submit};

/// Calls that change what is on a disk.
const CALLS: [&str; 7] = ["pwrite64", "write", "fdatasync", "fsync", "rename", "ftruncate", "unlink"];
/// How a call fails. Of `write` only those to `jobs.log`: the others are pipes and sockets.
const FAULTS: [&str; 3] = ["signal=KILL", "error=EIO", "error=ENOSPC"];
/// Rounds of requests of one run.
const REQUESTS: usize = 4;

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
        let mut strace = Command::new("strace");
        // Beside c2d and not above it, so that the child is c2d itself.
        strace.args(["-D", "-f", "-qq", "-e"]).arg(format!("trace={}", self.call)).arg("-o").arg(&trace);
        strace.arg("-e").arg(format!("inject={}:{}:when={}", self.call, self.fault, self.n));
        if self.call == "write" && self.fault.starts_with("error") {
            strace.arg("-P").arg(data.join("jobs.log"));
        }
        let mut c2d = Lone::start(&data, Some(strace))?;
        let accepted = match c2d.client().await {
            Ok(client) => submit(&client, REQUESTS).await,
            Err(_) => Accepted::default(),
        };
        let killed = c2d.has_ended()?.is_some_and(|status| status.signal() == Some(9));
        c2d.kill()?;
        let told = std::fs::read_to_string(&trace).unwrap_or_default();
        let hit = killed || told.contains("INJECTED");

        let there: BTreeSet<_> = Lone::look(&data).await?.into_iter().collect();
        for id in accepted.0.iter().flatten() {
            ensure!(there.contains(id), "{id} was acknowledged and is lost");
        }
        // One request was perhaps done and not acknowledged: a job, or a whole batch.
        let more = there.len() - accepted.jobs();
        ensure!([0, 1, BATCH].contains(&more), "{more} jobs are there that were not acknowledged");
        Ok((hit, accepted.jobs()))
    }
}
