//! Faults at random, one after the other and together, while jobs come in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_tests::sim::Random;
use c2_tests::{Cluster, eventually};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::clock::Clocks;
use crate::load::{Load, TAG};
use crate::oracle;

/// Its clock's name.
const C2D: &str = "c2d";
const WORKERS: [&str; 4] = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
/// After the last fault everything must end within this: a lease, and the work that is left.
const CALM: Duration = Duration::from_secs(240);

/// How long a c2d that lost its database may take to end.
const AFTERMATH: Duration = Duration::from_secs(2);
/// How long a leader stands still, so that the other one leads when it goes on: the lock is its own for three seconds,
/// and a new leader waits two more.
const DEPOSED: Duration = Duration::from_secs(6);

/// With `clocks` the clocks of all programs jump as well, as their users set them.
/// On PostgreSQL there are two c2d, of which one leads. Each ends by itself when the database or the lead is lost to it,
/// and is started again.
pub(crate) async fn storm(
    length: Duration,
    seed: u64,
    clocks: Option<Clocks>,
    postgres: Option<PathBuf>,
) -> Result<Value> {
    let way = |name: &str| clocks.as_ref().map_or(Ok(Vec::new()), |clocks| clocks.way(name));
    let mut cluster = match &postgres {
        Some(socket) => {
            let mut cluster = Cluster::start_on(socket).await?;
            cluster.start_second().await?;
            cluster
        }
        None => Cluster::start_by(way(C2D)?).await?,
    };
    for ip in WORKERS {
        cluster.agent_by(ip, way(ip)?).await?;
        cluster.client().set_tags(ip, [TAG.to_owned()].into()).await?;
    }
    let mark = format!("storm-{}", std::process::id());
    let folder = cluster.new_folder("storm")?;
    let load = Load { client: cluster.client().clone(), folder, mark, known: Arc::default() };
    let mut random = Random::new(seed);
    let (stop, stopped) = watch::channel(false);
    let submitting = tokio::spawn(load.clone().submit(Random::new(random.next()), stopped.clone()));
    let watching = tokio::spawn(load.clone().watch(stopped));
    let mut faults = BTreeMap::<&str, u32>::new();
    let begun = c2_tests::now();
    while begun.elapsed() < length && !submitting.is_finished() {
        sleep(Duration::from_millis(200 + random.below(1_500))).await;
        let fault = match (&clocks, &postgres) {
            (Some(clocks), _) if random.chance(50) => jump(clocks, &mut random),
            (_, Some(socket)) if random.chance(15) => end_sessions(socket),
            (_, Some(_)) if random.chance(15) => stand_still(&mut cluster).await,
            _ => fault(&mut cluster, &mut random).await,
        };
        let fault = fault.context("while something was broken or mended")?;
        *faults.entry(fault).or_default() += 1;
        if postgres.is_some() {
            sleep(AFTERMATH).await;
            cluster.revive().await?;
        }
    }
    stop.send(true)?;
    submitting.await??;
    eventually("the end of all jobs", CALM, async || {
        Ok((cluster.client().queue_status().await?.active == 0).then_some(()))
    })
    .await?;
    watching.await??;
    let found = oracle::examine(&cluster, &load).await?;
    Ok(json!({
        "bench": "chaos storm",
        "postgres": postgres.is_some(),
        "seed": seed,
        "seconds": begun.elapsed().as_secs(),
        "faults": faults,
        "jobs": found.jobs,
        "states": found.states,
        "started_more_than_once": found.again,
        "broken_promises": 0,
    }))
}

/// The server ends all sessions, as when it goes down or a line breaks.
fn end_sessions(socket: &Path) -> Result<&'static str> {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'c2d'";
    let ended = Command::new("psql").arg("-h").arg(socket).args(["-U", "c2", "-d", "postgres", "-qc", sql]).output()?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok("sessions ended")
}

fn jump(clocks: &Clocks, random: &mut Random) -> Result<&'static str> {
    let (name, told) = if random.chance(50) {
        (C2D, "clock of c2d jumped")
    } else {
        (random.pick(&WORKERS), "clock of a worker jumped")
    };
    clocks.jump(name, random).map(|()| told)
}

/// The leader stands still until the other one leads, and goes on.
async fn stand_still(cluster: &mut Cluster) -> Result<&'static str> {
    let leader = cluster.leader().await?;
    cluster.signal_one(leader, Signal::STOP)?;
    sleep(DEPOSED).await;
    cluster.signal_one(leader, Signal::CONT)?;
    Ok("a leader stood still while another one came")
}

/// Breaks something and mends it; answers what it was.
async fn fault(cluster: &mut Cluster, random: &mut Random) -> Result<&'static str> {
    let ip = random.pick(&WORKERS);
    let pause = Duration::from_millis(random.below(3_000));
    let c2d = cluster.leader().await?;
    match random.below(100) {
        0..30 => {
            cluster.kill_one(c2d)?;
            sleep(pause / 2).await;
            cluster.restart_one(c2d).await?;
            Ok("c2d killed")
        }
        30..50 => {
            cluster.kill_agent(ip)?;
            sleep(pause).await;
            cluster.restart_agent(ip).await?;
            Ok("agent killed")
        }
        50..65 => {
            cluster.cut_power(ip)?;
            sleep(pause).await;
            cluster.restart_agent(ip).await?;
            Ok("power cut")
        }
        65..75 => {
            cluster.signal_one(c2d, Signal::STOP)?;
            sleep(pause).await;
            cluster.signal_one(c2d, Signal::CONT)?;
            Ok("c2d stood still")
        }
        75..85 => {
            cluster.signal_machine(ip, Signal::STOP)?;
            sleep(pause).await;
            cluster.signal_machine(ip, Signal::CONT)?;
            Ok("machine stood still")
        }
        85..93 => {
            cluster.kill_one(c2d)?;
            cluster.kill_agent(ip)?;
            sleep(pause).await;
            cluster.restart_one(c2d).await?;
            cluster.restart_agent(ip).await?;
            Ok("c2d and an agent killed")
        }
        _ => {
            for c2d in cluster.all() {
                cluster.kill_one(c2d)?;
            }
            for ip in WORKERS {
                cluster.cut_power(ip)?;
            }
            sleep(pause).await;
            for c2d in cluster.all() {
                cluster.restart_one(c2d).await?;
            }
            for ip in WORKERS {
                cluster.restart_agent(ip).await?;
            }
            Ok("everything without power")
        }
    }
}
