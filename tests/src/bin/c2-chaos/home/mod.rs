//! Four machines at home: their addresses change and are swapped, they leave and come back, their lines
//! crawl, their disks fill and turn read-only, and their programs are killed, while jobs come in.

mod faults;
mod jobs;
mod verdict;
mod watch;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use c2_shared::client::Client;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use c2_tests::eventually;
use c2_tests::home::{Home, Machine};
use c2_tests::machine::SmallDisk;
use c2_tests::sim::Random;
use serde_json::{Value, json};
use tokio::sync::watch as signal;
use tokio::time::sleep;

use crate::load::{Load, TAG};
use faults::{Faults, PORT};

const WORKERS: u8 = 4;
/// A disk of a worker: what it keeps free and a little more.
const DISK: &str = "size=160m,nr_inodes=4000";
/// How long a machine may take to become a worker.
const READY: Duration = Duration::from_secs(60);
/// After the last fault everything must end within this: leases, pauses, and the work that is left.
const CALM: Duration = Duration::from_secs(420);

/// Everything that was made; it goes in this order.
struct Place {
    disks: Vec<[SmallDisk; 2]>,
    home: Home,
}

pub(crate) fn home(length: Duration, seed: u64) -> Result<Value> {
    let home = Home::of(WORKERS)?.context("a home of namespaces needs root")?;
    // The connections of this thread come from c2d's own machine.
    home.enter(Machine::Server)?;
    let mut place = Place { disks: Vec::new(), home };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = runtime.block_on(async {
        tokio::select! {
            told = story(&mut place, length, seed) => told,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    });
    told.inspect_err(|_| keep_logs(&place.home, seed))
}

async fn story(place: &mut Place, length: Duration, seed: u64) -> Result<Value> {
    let client = settle(place).await.context("while the home was set up")?;
    let mark = format!("home-{}", std::process::id());
    let folder = place.home.scratch().join("marks");
    std::fs::create_dir(&folder)?;
    let load = Load { client: client.clone(), folder, mark, known: Arc::default() };
    let mut random = Random::new(seed);
    let (stop, stopped) = signal::channel(false);
    let rough = Arc::new(Mutex::default());
    let submitting = tokio::spawn(jobs::submit(load.clone(), Random::new(random.next()), stopped.clone()));
    let shown = tokio::spawn(load.clone().watch(stopped.clone()));
    let watching = tokio::spawn(watch::watch(load.clone(), Arc::clone(&rough), stopped));

    let mut faults = Faults::new(place, random, Arc::clone(&rough))?;
    let begun = c2_tests::now();
    while begun.elapsed() < length {
        ensure!(!submitting.is_finished(), "a job was refused: {:?}", submitting.await);
        sleep(Duration::from_millis(500)).await;
        faults.go_on().await.context("while something was broken or mended")?;
    }
    faults.mend_all().await?;
    stop.send(true)?;
    let told = submitting.await?;
    let ended =
        eventually("the end of all jobs", CALM, async || Ok((client.queue_status().await?.active == 0).then_some(())));
    tokio::pin!(ended);
    // What cannot start yet is started again, as a service manager does.
    loop {
        tokio::select! {
            ended = &mut ended => break verdict::or_what_is_left(&client, ended).await?,
            () = sleep(Duration::from_secs(1)) => faults.tend()?,
        }
    }
    let count = std::mem::take(&mut faults.count);
    drop(faults);
    shown.await??;
    watching.await??;
    told?;
    let data = place.home.folder(Machine::Server).join("c2d");
    let rough = rough.lock().map_or_else(|broken| broken.into_inner().clone(), |rough| rough.clone());
    let found = verdict::examine(&client, &data, &load, &rough).await?;
    Ok(json!({
        "bench": "chaos home",
        "seed": seed,
        "seconds": begun.elapsed().as_secs(),
        "faults": count,
        "jobs": found.jobs,
        "states": found.states,
        "started_more_than_once": found.again,
        "broken_promises": 0,
    }))
}

/// Starts c2d and makes all machines its workers, each with two small disks of its own.
async fn settle(place: &mut Place) -> Result<Client> {
    let home = &mut place.home;
    home.start_c2d(Machine::Server, "c2d", &["--host", "10.0.0.6", "--port", PORT]).await?;
    let data = home.folder(Machine::Server).join("c2d");
    let data_dir = data.to_string_lossy();
    let line = home.c2d(Machine::Server, &["invite", "--uses", "9", "--data-dir", &data_dir]).await?;
    ensure!(line.status == 0, "{line:?}");
    for worker in 1..=WORKERS {
        let machine = Machine::Worker(worker);
        let disks = ["workspaces", ".local/state/c2-agent"].map(|name| {
            let folder = home.folder(machine).join(name);
            std::fs::create_dir_all(&folder)?;
            SmallDisk::mount_with(&folder, DISK)
        });
        let [workspaces, state] = disks;
        place.disks.push([workspaces?, state?]);
        let joined = home.agent(machine, &["join", line.stdout.trim()]).await?;
        ensure!(joined.status == 0, "{joined:?}");
        home.start_agent(machine)?;
    }
    let pass = Pass::read(&data.join(Role::Operator.file_name()))?;
    let client = Client::new(&format!("10.0.0.6:{PORT}").parse()?, Some(pass), None)?;
    eventually("all workers", READY, async || {
        Ok((client.workers().await?.workers.len() == usize::from(WORKERS)).then_some(()))
    })
    .await?;
    for worker in client.workers().await?.workers {
        client.set_tags(worker.worker_id.as_str(), [TAG.to_owned()].into()).await?;
    }
    Ok(client)
}

/// What the programs said outlives the home that broke a promise.
fn keep_logs(home: &Home, seed: u64) {
    let kept = std::env::temp_dir().join(format!("c2-chaos-home-{seed}-{}", std::process::id()));
    let copy = |from: std::path::PathBuf, name: String| drop(std::fs::copy(from, kept.join(name)));
    drop(std::fs::create_dir_all(&kept));
    for machine in home.machines() {
        copy(home.folder(machine).join("log"), format!("{machine:?}.log"));
    }
    for name in ["events", "broken"] {
        copy(home.scratch().join("marks").join(name), name.to_owned());
    }
}
