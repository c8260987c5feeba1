//! Looks all the while at workers and processes: who broke a lease, and what lives that must not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use c2_shared::id::{AttemptId, JobId};
use c2_tests::{marked, variable};
use tokio::sync::watch as signal;
use tokio::time::sleep;

use crate::load::Load;

/// Unix milliseconds at which a worker may have lost what it ran, by its id.
pub(super) type Rough = Arc<Mutex<BTreeMap<String, Vec<u64>>>>;

const LOOK: Duration = Duration::from_secs(1);
/// Silence after which a worker may be about to give up what it runs.
const SILENT: Duration = Duration::from_secs(40);
/// A worker that was heard so lately is there.
const HEARD: Duration = Duration::from_secs(5);
/// How long something may live on a worker that is there, after c2d calls it ended.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Notes that a worker may have lost now what it ran.
pub(super) fn note(rough: &Rough, worker: &str) {
    let mut rough = rough.lock().unwrap_or_else(PoisonError::into_inner);
    rough.entry(worker.to_owned()).or_default().push(wall_ms());
}

pub(super) async fn watch(load: Load, rough: Rough, stop: signal::Receiver<bool>) -> Result<()> {
    let mut heard = BTreeMap::<String, Instant>::new();
    let mut outlived = BTreeMap::<AttemptId, Instant>::new();
    let mut told = BTreeSet::new();
    while !*stop.borrow() {
        sleep(LOOK).await;
        let now = c2_tests::now();
        if let Ok(list) = load.client.workers().await {
            for worker in list.workers {
                let silent = worker.silent_ms.map(Duration::from_millis).and_then(|silent| now.checked_sub(silent));
                let id = worker.worker_id.to_string();
                heard.entry(id).and_modify(|at| *at = silent.unwrap_or(*at).max(*at)).or_insert(now);
            }
        }
        for (worker, _) in heard.iter().filter(|(_, at)| now.duration_since(**at) >= SILENT) {
            note(&rough, worker);
        }
        let alive = alive(&load.mark);
        let is_there = |worker: &String| heard.get(worker).is_some_and(|at| now.duration_since(*at) < HEARD);
        outlived.retain(|attempt, _| alive.get(attempt).is_some_and(is_there));
        let mut jobs = BTreeMap::<JobId, AttemptId>::new();
        for (attempt, worker) in &alive {
            let mut broken = Vec::new();
            if let Some(other) = jobs.insert(attempt.job, *attempt) {
                broken.push(format!("{other} and {attempt} are alive at once"));
            }
            let ended = load.with(|known| known.seen.contains_key(&attempt.job));
            if ended && is_there(worker) {
                let since = *outlived.entry(*attempt).or_insert(now);
                if now.duration_since(since) > ENDS_WITHIN {
                    broken.push(format!("{attempt} lives at {worker}, which is there, and its job has ended"));
                }
            }
            broken.retain(|line| told.insert(line.clone()));
            load.with(|known| known.broken.extend(broken));
        }
    }
    Ok(())
}

/// The attempts of which a process is alive, and the worker of each.
fn alive(mark: &str) -> BTreeMap<AttemptId, String> {
    let of = |pid| Some((variable(pid, "C2_ATTEMPT")?.parse().ok()?, variable(pid, "C2_AGENT_ID")?));
    marked(&format!("CHAOS_RUN={mark}")).into_iter().filter_map(of).collect()
}

#[expect(clippy::disallowed_methods, reason = "jobs write down the time of day, with which this is compared")]
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
