//! NVIDIA graphics processors, as the library of their driver tells them, where it is installed: it starts no
//! program and wakes no card that sleeps.
//!
//! A driver that hangs lets none of its callers go. So one thread speaks to it; while that waits it is not asked
//! again, and nothing else waits for it for longer than a moment.

use std::ffi::OsStr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use c2_shared::worker::{Gpu, GpuProcess};
use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::gpu::{Found, Seen};

/// The library, as the system looks for it.
pub(crate) const LIBRARY: &str = "libnvidia-ml.so.1";
/// Time for it to answer.
const WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a process's name that are of interest.
const NAME_LEN: usize = 256;

/// The library of the driver.
#[derive(Debug)]
pub(super) struct Library {
    questions: SyncSender<oneshot::Sender<Seen>>,
    /// The answer that did not come in time.
    late: Option<oneshot::Receiver<Seen>>,
    within: Duration,
}

impl Library {
    /// Loads it; none if it is not there, is too old, or does not answer.
    pub(super) async fn open(name: &str) -> Option<Self> {
        Self::open_within(name, WITHIN).await
    }

    async fn open_within(name: &str, within: Duration) -> Option<Self> {
        let (questions, asked) = sync_channel::<oneshot::Sender<Seen>>(1);
        let (ready, opened) = oneshot::channel();
        let path = name.to_owned();
        let speak = move || match load(&path) {
            Ok(nvml) => {
                // Whoever did not wait for it asks the program meanwhile.
                if ready.send(Ok(())).is_ok() {
                    while let Ok(answer) = asked.recv() {
                        let _gone = answer.send(see(&nvml));
                    }
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        std::thread::Builder::new().name("nvml".to_owned()).spawn(speak).ok()?;
        match timeout(within, opened).await {
            Ok(Ok(Ok(()))) => Some(Self { questions, late: None, within }),
            Ok(Ok(Err(error))) => {
                tracing::debug!("{name} is not used: {error}");
                None
            }
            Ok(Err(_)) => None,
            Err(_) => {
                tracing::warn!("{name} did not answer within {} s", within.as_secs());
                None
            }
        }
    }

    /// What is seen now; nothing while it hangs.
    pub(super) async fn look(&mut self) -> Seen {
        let mut answered = match self.late.take() {
            Some(late) => late,
            None => {
                let (answer, answered) = oneshot::channel();
                if self.questions.try_send(answer).is_err() {
                    return Seen::default();
                }
                answered
            }
        };
        match timeout(self.within, &mut answered).await {
            Ok(seen) => seen.unwrap_or_default(),
            Err(_) => {
                tracing::warn!("the driver of the graphics cards did not answer within {} s", self.within.as_secs());
                self.late = Some(answered);
                Seen::default()
            }
        }
    }
}

/// The library, if it can say what is needed: drivers of old cannot.
fn load(path: &str) -> Result<Nvml, NvmlError> {
    let nvml = Nvml::builder().lib_path(OsStr::new(path)).init()?;
    if nvml.device_count()? > 0
        && let Err(error @ NvmlError::FailedToLoadSymbol(_)) = nvml.device_by_index(0)?.memory_info()
    {
        return Err(error);
    }
    Ok(nvml)
}

/// What a card does not tell reads as 0.
fn see(nvml: &Nvml) -> Seen {
    let mut seen = Seen::default();
    for index in 0..nvml.device_count().unwrap_or(0) {
        let Ok(device) = nvml.device_by_index(index) else { continue };
        let memory = device.memory_info().ok();
        let gpu = Gpu {
            index,
            name: device.name().unwrap_or_default(),
            uuid: device.uuid().unwrap_or_default(),
            memory_bytes: memory.as_ref().map_or(0, |memory| memory.total),
        };
        let percent = device.utilization_rates().ok().and_then(|rates| u16::try_from(rates.gpu).ok());
        let percent = percent.map_or(0.0, f32::from);
        seen.found.push(Found { gpu, percent, memory_used_bytes: memory.map_or(0, |memory| memory.used) });
        let process = |pid: u32, used: &UsedGpuMemory| GpuProcess {
            gpu: index,
            pid,
            name: name_of(nvml, pid),
            memory_bytes: if let UsedGpuMemory::Used(bytes) = used { *bytes } else { 0 },
        };
        let processes = device.running_compute_processes().unwrap_or_default();
        seen.foreign.extend(processes.iter().map(|one| process(one.pid, &one.used_gpu_memory)));
    }
    seen
}

/// A whole path says no more than its end.
fn name_of(nvml: &Nvml, pid: u32) -> String {
    let path = nvml.sys_process_name(pid, NAME_LEN).unwrap_or_default();
    path.rsplit('/').next().unwrap_or(&path).to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::*;

    /// A library of a driver with so many cards, of which the second is used by a process; it hangs while a file is
    /// there.
    fn driver(folder: &Path, cards: u32) -> (PathBuf, PathBuf) {
        let (library, hangs) = (folder.join(format!("nvml-{cards}.so")), folder.join(format!("hangs-{cards}")));
        let source = folder.join("driver.c");
        std::fs::write(&source, include_str!("nvml/driver.c")).unwrap();
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", &format!("-DCARDS={cards}"), &format!("-DHANGS=\"{}\"", hangs.display()), "-o"])
            .args([&library, &source])
            .status();
        assert!(status.unwrap().success());
        (library, hangs)
    }

    async fn opened(library: &Path, within: Duration) -> Option<Library> {
        Library::open_within(library.to_str().unwrap(), within).await
    }

    #[tokio::test]
    async fn cards_and_processes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        for cards in [0, 1, 8] {
            let (library, _) = driver(folder.path(), cards);
            let Seen { found, foreign } = opened(&library, WITHIN).await.unwrap().look().await;
            let card = |index: u32| Found {
                gpu: Gpu {
                    index,
                    name: "NVIDIA Test".to_owned(),
                    uuid: format!("GPU-{index}"),
                    memory_bytes: 24 << 30,
                },
                percent: 10.0 * index as f32,
                memory_used_bytes: u64::from(index) << 30,
            };
            assert_eq!(found, (0..cards).map(card).collect::<Vec<_>>());
            let blender = GpuProcess { gpu: 1, pid: 4711, name: "blender".to_owned(), memory_bytes: 6 << 30 };
            assert_eq!(foreign, if cards > 1 { vec![blender] } else { Vec::new() });
        }
    }

    #[tokio::test]
    async fn a_missing_library_is_none() {
        assert!(Library::open("/nonexistent/libnvidia-ml.so.1").await.is_none());
    }

    #[tokio::test]
    async fn a_driver_that_hangs_is_asked_once_and_its_answer_taken_when_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (library, hangs) = driver(folder.path(), 2);
        let mut open = opened(&library, Duration::from_millis(300)).await.unwrap();
        std::fs::write(&hangs, "").unwrap();
        assert_eq!(open.look().await, Seen::default());
        assert_eq!(open.look().await, Seen::default());
        std::fs::remove_file(&hangs).unwrap();
        open.within = WITHIN;
        assert_eq!(open.look().await.found.len(), 2);
    }

    #[tokio::test]
    async fn a_library_that_hangs_at_its_start_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (library, hangs) = driver(folder.path(), 3);
        std::fs::write(&hangs, "").unwrap();
        assert!(opened(&library, Duration::from_millis(300)).await.is_none());
        std::fs::remove_file(&hangs).unwrap();
    }
}
