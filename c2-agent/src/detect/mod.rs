//! What this machine is and how busy it is.
//!
//! Each kind of hardware has a file. Nothing here is asked by the poll loop: hardware is read once
//! at the start, load by a task of its own that leaves the latest figures.

mod amd;
mod cpu;
pub(crate) mod disk;
mod gpu;
mod mem;
mod nvidia;
mod nvml;
mod shares;

pub(crate) use cpu::{cores, pids};
pub(crate) use gpu::Wanted;
pub(crate) use nvml::LIBRARY;
pub(crate) use shares::Shares;

use std::path::PathBuf;
use std::time::Duration;

use c2_shared::limits::{SLOTS_MAX, STATE_FREE_BYTES_FLOOR, WORKER_FREE_BYTES_FLOOR};
use c2_shared::worker::{Hardware, Load};
use tokio::sync::watch;

use crate::neighbours::Neighbours;
use crate::slurm;

/// How long the first look at graphics processors may take: a driver that sleeps takes some seconds to wake up.
const GPUS_WITHIN: Duration = Duration::from_secs(12);
/// How often the load is read: as often as an idle agent speaks to c2d.
const LOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Slots with one for each processor.
pub(crate) fn own_slots() -> u32 {
    cores().clamp(1, SLOTS_MAX)
}

/// Reads what the machine consists of, of graphics processors what this library of their driver says. Never fails: what cannot be found out is left empty.
pub(crate) async fn hardware(nvml: &str) -> Hardware {
    let gpus = tokio::time::timeout(GPUS_WITHIN, gpu::read(nvml)).await.unwrap_or_default();
    let rest = tokio::task::spawn_blocking(move || Hardware {
        os: sysinfo::System::long_os_version().unwrap_or_default(),
        arch: sysinfo::System::cpu_arch(),
        cpu_model: cpu::model(),
        cpu_cores: cores(),
        memory_bytes: mem::total(),
        disks: disk::mounted(),
        gpus: gpus.into_iter().map(|found| found.gpu).collect(),
        workspace_days: None,
        via: None,
        runs_as_root: rustix::process::geteuid().is_root(),
    });
    rest.await.unwrap_or_default()
}

/// Keeps the load up to date for as long as somebody looks at it, with `gpus` also that of graphics processors. The folders are where jobs run, and
/// where the agent keeps what it needs to run them.
pub(crate) async fn watch_load(
    latest: watch::Sender<Load>,
    gpus: Option<Wanted>,
    [workspaces, state]: [PathBuf; 2],
    shares: Shares,
    mut neighbours: Neighbours,
    is_elsewhere: bool,
) {
    let mut shares = shares.watch();
    // A driver that hangs holds up nothing else.
    let (sender, seen) = watch::channel(gpu::Seen::default());
    let watching = gpus.map(|wanted| tokio::spawn(gpu::watch(sender, wanted)));
    let mut meter = cpu::Meter::new();
    let mut ticks = tokio::time::interval(LOAD_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !latest.is_closed() {
        ticks.tick().await;
        let folders = (workspaces.clone(), state.clone());
        // A disk on another machine may take its time.
        let look = move || {
            let waits = if is_elsewhere { slurm::waiting(&folders.0) } else { Vec::new() };
            (disk::free_bytes(&folders.0), disk::free_bytes(&folders.1), waits)
        };
        let (free, state_free, elsewhere) = tokio::task::spawn_blocking(look).await.unwrap_or_default();
        // The agent's own files are small, so its folder counts only when nothing fits into it any more.
        let disk_free_bytes =
            if state_free.is_some_and(|bytes| bytes < STATE_FREE_BYTES_FLOOR) { state_free } else { free };
        let shares = shares.present().await;
        let (memory_used_bytes, memory_total_bytes) = mem::used_and_total();
        let gpu::Seen { found: gpus, foreign } = seen.borrow().clone();
        let yields_to = neighbours.look(!foreign.is_empty()).await;
        latest.send_replace(Load {
            cpu_percent: meter.percent(),
            memory_used_bytes,
            memory_total_bytes,
            load_1m: cpu::load_1m(),
            gpu_percent: gpus.iter().map(|found| found.percent).collect(),
            gpu_memory: gpus.iter().map(gpu::Found::memory).collect(),
            gpu_processes: foreign,
            disk_free_bytes,
            disk_full: disk_free_bytes.is_some_and(|bytes| bytes < WORKER_FREE_BYTES_FLOOR),
            shares,
            yields_to,
            elsewhere,
        });
    }
    if let Some(watching) = watching {
        watching.abort();
    }
}
