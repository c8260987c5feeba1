//! Graphics processors, of any make: found once, and looked at again by a task of its own, as a driver may
//! hang for as long as it likes.

use std::path::Path;
use std::time::Duration;

use c2_shared::worker::{Gpu, GpuMemory, GpuProcess};
use tokio::sync::watch;

use super::{amd, nvidia};
use crate::supervise::is_marked;

/// Where the kernel shows devices.
const SYS: &str = "/sys";
/// How often they are looked at: as often as the rest of the load.
const INTERVAL: Duration = Duration::from_secs(5);

/// A graphics processor and how busy it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) gpu: Gpu,
    pub(crate) percent: f32,
    pub(crate) memory_used_bytes: u64,
}

impl Found {
    pub(crate) const fn memory(&self) -> GpuMemory {
        GpuMemory { used_bytes: self.memory_used_bytes, total_bytes: self.gpu.memory_bytes }
    }
}

/// What was seen at one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) found: Vec<Found>,
    /// Processes that use them and belong to no job.
    pub(crate) foreign: Vec<GpuProcess>,
}

/// The graphics processors of this machine: those of NVIDIA; where there is none, those of AMD.
pub(crate) async fn read() -> Vec<Found> {
    match nvidia::read().await {
        found if found.is_empty() => amd::read(Path::new(SYS)),
        found => found,
    }
}

/// Keeps what is seen up to date for as long as somebody looks at it. The jobs of this agent are known by a mark
/// in their environment.
pub(crate) async fn watch(latest: watch::Sender<Seen>, job_marks: Vec<String>) {
    while !latest.is_closed() {
        let found = read().await;
        let mut foreign = if found.is_empty() { Vec::new() } else { nvidia::processes(&found).await };
        foreign.retain(|process| !is_marked(process.pid, &job_marks));
        latest.send_replace(Seen { found, foreign });
        tokio::time::sleep(INTERVAL).await;
    }
}
