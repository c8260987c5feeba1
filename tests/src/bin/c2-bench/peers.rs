//! The same work through the programs that people use for it otherwise, in turns, as whole commands from a shell.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_tests::Cluster;
use c2_tests::programs::Program;
use serde_json::{Value, json};

use crate::figures::{Spans, count, now, rounded};
use crate::queue::WORKER;

/// How often each of them has its turn, so that a machine that gets slower meanwhile is slower for all.
const TURNS: usize = 3;
/// Single jobs in each turn.
const SINGLES: usize = 50;

/// A program as its users call it: lines of the shell, run in a folder of its own.
struct Peer {
    name: &'static str,
    /// The program that has to be there.
    needs: &'static str,
    start: String,
    /// All jobs, to their ends.
    many: String,
    /// One job, to its end, where the program is one that takes single jobs.
    one: Option<String>,
    stop: String,
}

#[derive(Default)]
struct Measured {
    many: Spans,
    one: Spans,
}

/// Jobs that do nothing through each program that is there; each beside xargs, which only starts processes.
pub(crate) async fn peers(jobs: usize) -> Result<Value> {
    ensure!(jobs > 0, "at least one job");
    let mut cluster = Cluster::start().await?;
    cluster.agent(WORKER).await?;
    let folder = cluster.new_folder("peers")?;
    std::fs::write(folder.join("jobs"), "true\n".repeat(jobs))?;
    let (there, missing): (Vec<_>, Vec<_>) =
        all(&cluster, jobs)?.into_iter().partition(|peer| is_there(peer.needs).unwrap_or(false));
    for peer in &there {
        shell(&folder, &peer.start).with_context(|| format!("cannot start {}", peer.name))?;
    }
    let measured = turns(&folder, &there);
    for peer in &there {
        shell(&folder, &peer.stop)?;
    }
    let measured = measured?;
    let of = |many: &Spans| many.ms_at(50) / 1e3;
    let xargs_s = there.iter().zip(&measured).find(|(peer, _)| peer.name == "xargs").map(|(_, it)| of(&it.many));
    let row = |(peer, it): (&Peer, &Measured)| {
        let mut row = json!({
            "name": peer.name,
            "jobs_per_s": rounded(count(jobs) / of(&it.many)),
            "of_xargs": xargs_s.map(|xargs_s| rounded(xargs_s / of(&it.many))),
        });
        if peer.one.is_some() {
            (row["one_p50_ms"], row["one_p99_ms"]) = (it.one.ms_at(50).into(), it.one.ms_at(99).into());
        }
        row
    };
    let rows: Vec<Value> = there.iter().zip(&measured).map(row).collect();
    let missing: Vec<&str> = missing.iter().map(|peer| peer.name).collect();
    Ok(json!({"bench": "peers", "jobs": jobs, "peers": rows, "not_there": missing}))
}

fn all(cluster: &Cluster, jobs: usize) -> Result<Vec<Peer>> {
    // As its user calls it on the machine of c2d.
    let console = format!("{} --data-dir {}", Program::Tui.path()?.display(), cluster.data_dir().display());
    let nothing = || "true".to_owned();
    let tsp = "export TS_SOCKET=$PWD/tsp TMPDIR=$PWD";
    let hq = "hq --server-dir $PWD/hq";
    let mut hq_start = format!("{hq} server start --journal $PWD/hq.journal >hq.log 2>&1 & ");
    write!(hq_start, "sleep 2; {hq} worker start --cpus 4 >hq-worker.log 2>&1 & sleep 2")?;
    Ok(vec![
        Peer {
            name: "xargs",
            needs: "xargs",
            start: nothing(),
            many: "xargs -P4 -n1 sh -c <jobs".to_owned(),
            one: Some("xargs -n1 sh -c <<E\ntrue\nE".to_owned()),
            stop: nothing(),
        },
        Peer {
            name: "c2",
            needs: "sh",
            start: nothing(),
            many: format!("{console} --exec 'batch jobs --wait'"),
            one: Some(format!("{console} --exec 'submit true --wait'")),
            stop: nothing(),
        },
        Peer {
            name: "task-spooler",
            needs: "tsp",
            start: format!("{tsp}; tsp -S 4"),
            many: format!("{tsp}; while read -r job; do tsp sh -c \"$job\"; done <jobs; tsp -w; tsp -C"),
            one: Some(format!("{tsp}; tsp sh -c true; tsp -w")),
            stop: format!("{tsp}; tsp -K"),
        },
        Peer {
            name: "parallel",
            needs: "parallel",
            start: "mkdir -p .parallel; touch .parallel/will-cite".to_owned(),
            many: "HOME=$PWD parallel -j4 <jobs".to_owned(),
            one: Some("HOME=$PWD parallel -j4 ::: true".to_owned()),
            stop: nothing(),
        },
        Peer {
            name: "hyperqueue",
            needs: "hq",
            start: hq_start,
            many: format!("{hq} submit --array 1-{jobs} --stdout none --stderr none --wait -- sh -c true"),
            one: Some(format!("{hq} submit --stdout none --stderr none --wait -- sh -c true")),
            stop: format!("{hq} server stop"),
        },
    ])
}

fn is_there(program: &str) -> Result<bool> {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null()).status()?;
    Ok(found.success())
}

fn turns(folder: &Path, peers: &[Peer]) -> Result<Vec<Measured>> {
    let mut measured: Vec<Measured> = peers.iter().map(|_| Measured::default()).collect();
    for _ in 0..TURNS {
        for (peer, it) in peers.iter().zip(&mut measured) {
            it.many.add(shell(folder, &peer.many).with_context(|| format!("many jobs of {}", peer.name))?);
            for _ in 0..SINGLES {
                if let Some(one) = &peer.one {
                    it.one.add(shell(folder, one).with_context(|| format!("one job of {}", peer.name))?);
                }
            }
        }
    }
    Ok(measured)
}

/// Runs lines of the shell; answers how long they took, the start of the shell included.
fn shell(folder: &Path, lines: &str) -> Result<Duration> {
    let begun = now();
    let mut shell = Command::new("sh");
    shell.args(["-c", lines]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = shell.status()?;
    ensure!(status.success(), "{lines:?} ends with {status}");
    Ok(begun.elapsed())
}
