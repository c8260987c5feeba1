//! Graphics processors, of any make: found once, and looked at again by a task of its own, as a driver may
//! hang for as long as it likes.

use std::path::Path;
use std::time::Duration;

use c2_shared::worker::{Gpu, GpuMemory, GpuProcess};
use tokio::sync::watch;

use super::nvml::Library;
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

/// How they are watched.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The library of NVIDIA's driver.
    pub(crate) nvml: String,
    /// How the jobs of this agent are known, in their environment.
    pub(crate) job_marks: Vec<String>,
}

/// Who tells of the cards of NVIDIA: the library of their driver, where it can be used, or its program.
struct Cards(Option<Library>);

impl Cards {
    async fn open(nvml: &str) -> Self {
        Self(Library::open(nvml).await)
    }

    /// What there is of NVIDIA; where there is nothing, what there is of AMD.
    async fn look(&mut self) -> Seen {
        let seen = match &mut self.0 {
            Some(library) => library.look().await,
            None => {
                let found = nvidia::read().await;
                let foreign = if found.is_empty() { Vec::new() } else { nvidia::processes(&found).await };
                Seen { found, foreign }
            }
        };
        if seen.found.is_empty() { Seen { found: amd::read(Path::new(SYS)), foreign: Vec::new() } } else { seen }
    }
}

/// The graphics processors of this machine.
pub(crate) async fn read(nvml: &str) -> Vec<Found> {
    Cards::open(nvml).await.look().await.found
}

/// Keeps what is seen up to date for as long as somebody looks at it.
pub(crate) async fn watch(latest: watch::Sender<Seen>, Wanted { nvml, job_marks }: Wanted) {
    let mut cards = Cards::open(&nvml).await;
    while !latest.is_closed() {
        let Seen { found, mut foreign } = cards.look().await;
        foreign.retain(|process| !is_marked(process.pid, &job_marks));
        latest.send_replace(Seen { found, foreign });
        tokio::time::sleep(INTERVAL).await;
    }
}
