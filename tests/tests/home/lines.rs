//! Lines as homes have them: 1 Mbit/s from a worker, 10 to it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_tests::eventually;
use c2_tests::home::{Home, Machine};
use c2_tests::wait::{SOON, now};
use serde_json::Value;

use crate::home::{DATA, LAPTOP, SERVER, done, invited};

const WORKER: Machine = Machine::Worker(1);
const JOBS: u32 = 4;
/// Bytes that each job writes.
const OUTPUT_BYTES: u32 = 1_000_000;
/// Bytes that each job reads.
const INPUT_BYTES: u32 = 6_000_000;
/// The longest silence of a worker in contact.
const SILENT_MS_MAX: u64 = 6_000;

pub(super) async fn story(home: &mut Home) -> Result<()> {
    std::fs::create_dir_all(home.folder(SERVER).join(".local/state"))?;
    home.start_c2d(SERVER, DATA, &["--host", "10.0.0.6"]).await?;
    let (line, login) = (invited(home, &[]).await?, invited(home, &["--role", "operator"]).await?);
    done(home.agent(WORKER, &["join", &line]).await?)?;
    done(home.tui(LAPTOP, &["login", &login]).await?)?;
    home.start_agent(WORKER)?;
    eventually("the worker", SOON, async || Ok(silent_ms(home).await.ok())).await?;
    home.slow_down(WORKER, 1_000, 10_000)?;
    outputs(home).await?;
    inputs(home).await
}

/// Outputs take little more time than the line needs, go over it once, and no poll waits for them.
async fn outputs(home: &Home) -> Result<()> {
    let before = sent_bytes(home).await?;
    let began = now();
    for _ in 0..JOBS {
        let line = format!("submit \"head -c {} /dev/urandom | base64 -w0\"", OUTPUT_BYTES / 4 * 3);
        done(home.tui(LAPTOP, &["--exec", &line]).await?)?;
    }
    until_all_ended(home, Duration::from_secs(90)).await?;
    let needed = f64::from(JOBS * OUTPUT_BYTES * 8) / 1e6;
    let took = began.elapsed().as_secs_f64();
    ensure!(took < 1.3 * needed, "{took:.1} s for what the line carries in {needed:.1}");
    let sent = sent_bytes(home).await? - before;
    ensure!(sent < f64::from(JOBS * OUTPUT_BYTES) * 1.2, "{sent} bytes were sent");
    for job in 1..=JOBS {
        let output = done(home.tui(SERVER, &["--exec", &format!("output {job}")]).await?)?;
        ensure!(output.len() == OUTPUT_BYTES as usize, "job-{job} has {} bytes", output.len());
    }
    Ok(())
}

/// Inputs come one after the other, and each job starts once.
async fn inputs(home: &Home) -> Result<()> {
    let file = home.folder(LAPTOP).join("input");
    let made = format!("head -c {INPUT_BYTES} /dev/urandom >{0}; sha256sum <{0}", file.display());
    let hash = done(home.bash(LAPTOP, &made).await?)?;
    for n in 0..JOBS {
        // Each has another content, or the worker would fetch it once for all.
        let line = format!("submit \"tail -c {INPUT_BYTES} | sha256sum\" --stdin-file={}", file.display());
        done(home.bash(LAPTOP, &format!("{{ echo {n}; cat {0}; }} >{0}.{n}", file.display())).await?)?;
        done(home.tui(LAPTOP, &["--exec", &format!("{line}.{n}")]).await?)?;
    }
    until_all_ended(home, Duration::from_secs(90)).await?;
    for job in JOBS + 1..=2 * JOBS {
        let shown = done(home.tui(LAPTOP, &["--json", "--exec", &format!("job {job}")]).await?)?;
        let shown: Value = serde_json::from_str(&shown)?;
        ensure!(shown["stdout"] == hash.as_str() && shown["attempt"] == 1, "{shown}");
    }
    Ok(())
}

/// Waits for the end of all jobs, and looks all the while how long the worker is silent.
async fn until_all_ended(home: &Home, patience: Duration) -> Result<()> {
    let began = now();
    let mut silent = 0;
    loop {
        silent = silent.max(silent_ms(home).await?);
        let status = done(home.tui(SERVER, &["--json", "--exec", "queue-status"]).await?)?;
        let status: Value = serde_json::from_str(&status)?;
        if status["active"] == 0 {
            break;
        }
        ensure!(began.elapsed() < patience, "after {patience:?}: {status}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    ensure!(silent <= SILENT_MS_MAX, "the worker was silent for {silent} ms");
    Ok(())
}

async fn silent_ms(home: &Home) -> Result<u64> {
    let list = done(home.tui(SERVER, &["--json", "--exec", "list"]).await?)?;
    let list: Value = serde_json::from_str(&list)?;
    list["workers"][0]["silent_ms"].as_u64().with_context(|| format!("no worker that was heard: {list}"))
}

/// Bytes that left the worker so far.
async fn sent_bytes(home: &Home) -> Result<f64> {
    let sent = home.bash(WORKER, "awk '/cable:/ {print $10}' /proc/net/dev").await?;
    done(sent)?.trim().parse().context("a count of bytes")
}
