//! The jobs: of several kinds, each of which writes down when it starts and ends, and notices when
//! another of its attempts or another holder of its lock is alive.

use std::time::Duration;

use anyhow::Result;
use c2_shared::api::batches::BatchRequest;
use c2_shared::job::{JobSpec, OnLost};
use c2_tests::sim::Random;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::load::{Load, Plan, TAG};

/// Between two submits.
const PAUSE: Duration = Duration::from_millis(250);
/// More than this in the queue are not needed to keep four machines busy.
const ACTIVE_MAX: usize = 60;

/// Submits until it is told to stop.
pub(super) async fn submit(load: Load, mut random: Random, stop: watch::Receiver<bool>) -> Result<()> {
    for n in 0.. {
        sleep(PAUSE).await;
        if *stop.borrow() {
            break;
        }
        if load.client.queue_status().await.is_ok_and(|status| status.active > ACTIVE_MAX) {
            continue;
        }
        let (spec, plan) = job(&load, &mut random);
        let ids = load
            .accepted(&BatchRequest { jobs: vec![spec], idempotency_key: Some(format!("home-{n}")), max_running: None })
            .await?;
        load.with(|known| known.accepted.extend(ids.iter().map(|id| (*id, plan))));
        if random.chance(10) {
            // Of those that run, are silent, or have ended: whichever it is by now.
            let known: Vec<_> = load.with(|known| known.accepted.keys().rev().take(40).copied().collect());
            let id = random.pick(&known);
            load.with(|known| known.cancelled.insert(id));
            drop(load.client.cancel(id).await);
        }
    }
    Ok(())
}

fn job(load: &Load, random: &mut Random) -> (JobSpec, Plan) {
    let folder = load.folder.display();
    let code = if random.chance(12) { 3 } else { 0 };
    let on_lost = match random.below(10) {
        0..6 => OnLost::Requeue,
        6..8 => OnLost::Fail,
        _ => OnLost::Wait,
    };
    let retries = if random.chance(20) { 2 } else { 0 };
    let timeout_s = random.chance(6).then_some(2);
    let tagged = random.chance(25);
    let tag = if tagged {
        format!("exec 8>>{folder}/only-$C2_AGENT_ID.lock; flock -n 8 || echo tag $C2_ATTEMPT >>{folder}/broken; ")
    } else {
        String::new()
    };
    let child = if random.chance(15) { "setsid sleep 300 8>&- 9>&- & " } else { "" };
    let deaf = if random.chance(15) { "trap '' TERM; " } else { "" };
    let ms = if random.chance(8) { 10_000 + random.below(15_000) } else { random.below(5_000) };
    let command = format!(
        "say() {{ echo $1 $C2_ATTEMPT $C2_AGENT_ID $(date +%s%3N) >>{folder}/events; }}; {deaf}\
         exec 9>>{folder}/$C2_JOB_ID.lock; flock -n 9 || echo twice $C2_ATTEMPT >>{folder}/broken; {tag}\
         say start; {child}sleep {}.{:03}; say end; exit {code}",
        ms / 1_000,
        ms % 1_000,
    );
    let spec = JobSpec {
        command,
        on_lost,
        retries,
        timeout_s,
        tags: if tagged { vec![TAG.to_owned()] } else { Vec::new() },
        env: [("CHAOS_RUN".to_owned(), load.mark.clone())].into(),
        ..JobSpec::default()
    };
    (spec, Plan { code, after: None, on_lost, retries, timeout: timeout_s.is_some() })
}
