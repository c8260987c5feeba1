//! The log of the database cut off at any byte, as a disk may leave it that did not write what it
//! said it had written. Then the end of what was acknowledged is lost, and nothing but the end: c2d
//! starts with all requests up to some one, each whole, and goes on.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use c2_tests::sim::Random;
use serde_json::{Value, json};

use crate::lone::{Lone, submit};

const LOG: &str = "c2.db-wal";
/// Rounds of requests before the cut.
const REQUESTS: usize = 60;

pub(crate) async fn cuts(cuts: u64) -> Result<Value> {
    let scratch = tempfile::Builder::new().prefix("c2-chaos-").tempdir()?;
    let data = scratch.path().join("c2d");
    let mut c2d = Lone::start(&data, None)?;
    let accepted = submit(&c2d.client().await?, REQUESTS).await;
    c2d.kill()?;
    ensure!(accepted.0.len() == 2 * REQUESTS, "c2d did not take all requests");

    let len = std::fs::metadata(data.join(LOG))?.len();
    let mut random = Random::new(cuts);
    let (mut least, mut most) = (usize::MAX, 0);
    for n in 0..cuts {
        // The whole log, too, which must hold everything.
        let cut = if n == 0 { len } else { random.below(len) };
        let kept = one(&data, cut, &accepted.0).await.with_context(|| format!("cut off at {cut} of {len} bytes"))?;
        ensure!(n > 0 || kept == accepted.0.len(), "the whole log holds {kept} requests only");
        (least, most) = (least.min(kept), most.max(kept));
    }
    Ok(json!({
        "bench": "chaos cuts",
        "cuts": cuts,
        "requests": accepted.0.len(),
        "kept_least": least,
        "kept_most": most,
        "broken_promises": 0,
    }))
}

/// How many requests are left after a cut, all of them whole and the first ones.
async fn one(data: &Path, cut: u64, accepted: &[Vec<JobId>]) -> Result<usize> {
    let scratch = tempfile::Builder::new().prefix("c2-chaos-").tempdir()?;
    let copy = scratch.path().join("c2d");
    let copied = Command::new("cp").arg("-a").arg(data).arg(&copy).status()?;
    ensure!(copied.success(), "cannot copy {}", data.display());
    File::options().write(true).open(copy.join(LOG))?.set_len(cut)?;
    let there = Lone::look(&copy).await?;
    let mut expected = Vec::new();
    let mut kept = 0;
    for request in accepted {
        if expected.len() < there.len() {
            expected.extend_from_slice(request);
            kept += 1;
        }
    }
    ensure!(there == expected, "{there:?} is there, which is not what came first");
    let mut c2d = Lone::start(&copy, None)?;
    let next = c2d.client().await?.submit(&JobSpec { command: "true".to_owned(), ..JobSpec::default() }).await?;
    ensure!(there.iter().all(|id| *id < next.job_id), "{} was given a second time", next.job_id);
    Ok(kept)
}
