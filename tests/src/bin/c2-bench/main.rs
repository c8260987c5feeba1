//! Measures a real cluster on this machine and prints one JSON line for each question.
//!
//! `c2-bench latency [JOBS]`: from submit to done, one job at a time on an idle cluster that has
//! worked for a while.
//! `c2-bench throughput [JOBS]`: jobs a second through four slots, and as a share of what
//! `xargs -P4` reaches in the same run, which is the figure that travels between machines.
//! `c2-bench cascade [JOBS]`: how long a batch takes to be accepted, and then to fail from its first
//! job on: each job waiting for the one before (chain), all for the first one (star).
//! `c2-bench console [JOBS]`: the full screen in a real terminal: its first frame, from a key to the
//! first byte (beside a c2d that never answers, and in a storm of changes in a queue of so many
//! jobs), and what it costs when nothing happens.
//! `c2-bench full [JOBS]`: a batch of so many different jobs: until it is on disk, what it takes of
//! memory, and until a c2d that was killed answers with all of them again.
//! `c2-bench drain [JOBS]`: jobs a second with so many behind them, and with so many blocked
//! ones before them, as a share of what they reach alone.
//! `c2-bench agents [AGENTS]`: so many simulated agents of four slots: jobs a second when a job
//! takes no time, and how long a poll for work takes when one takes two seconds.
//! `c2-bench idle [AGENTS]`: what c2d uses with so many agents that wait, and what a real agent does.
//! `c2-bench peers [JOBS]`: so many jobs, and single ones, as whole commands through this and the
//! other programs that people have for it, as far as they are there, in turns.
//! `c2-bench soak [ROUNDS]`: what c2d takes of memory after each round of a full queue, worked off.
//! `c2-bench scale`: the scheduler alone with up to a million jobs and 10,000 workers, and the median of a poll among
//! 50,000 jobs of 200 shapes with 100 workers.
//! `c2-bench stores [JOBS]`: latency, throughput and a batch of 50,000 jobs on SQLite and on PostgreSQL, each with
//! the disk of this machine, in turns.
//! These are measurements, never tests: a busy machine makes nothing fail.

mod agents;
mod console;
mod depth;
mod figures;
mod peers;
mod queue;
mod scale;
mod stores;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use c2_shared::limits::QUEUE_LEN_MAX;
use serde_json::Value;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let line = match run(&words) {
        Ok(result) => writeln!(std::io::stdout().lock(), "{result}"),
        Err(error) => writeln!(std::io::stderr().lock(), "error: {error:#}").and(Err(std::io::ErrorKind::Other.into())),
    };
    if line.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(words: &[String]) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Whoever waits for one answer shall not add the time that threads need to wake each other.
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let jobs = |default: usize| words.get(1).map_or(Ok(default), |word| word.parse().context("JOBS is a number"));
    match words.first().map(String::as_str) {
        Some("latency") => single.block_on(queue::latency(jobs(200)?)),
        Some("throughput") => runtime.block_on(queue::throughput(jobs(2_000)?)),
        Some("cascade") => runtime.block_on(queue::cascade(jobs(QUEUE_LEN_MAX)?)),
        Some("console") => runtime.block_on(console::console(jobs(20_000)?)),
        Some("agents") => runtime.block_on(agents::agents(jobs(1_000)?)),
        Some("idle") => runtime.block_on(agents::idle(jobs(100)?)),
        Some("full") => runtime.block_on(depth::full(jobs(QUEUE_LEN_MAX)?)),
        Some("drain") => runtime.block_on(depth::drain(jobs(QUEUE_LEN_MAX)?)),
        Some("peers") => runtime.block_on(peers::peers(jobs(500)?)),
        Some("soak") => runtime.block_on(agents::soak(jobs(10)?)),
        Some("stores") => runtime.block_on(stores::stores(jobs(2_000)?)),
        Some("scale") => scale::scale(),
        _ => {
            bail!(
                "usage: c2-bench latency|throughput|full|drain|cascade|agents|idle|console|peers|soak|scale|stores [NUMBER]"
            )
        }
    }
}
