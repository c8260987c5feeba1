//! `c2-agent doctor`: whether this machine is fit to be a worker, looked at from the machine itself
//! and as the user who asks. It may run beside the agent.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use c2_shared::advice::{Advice as _, with_causes};
use c2_shared::blob::BlobId;
use c2_shared::checkup::{self, Check};
use c2_shared::client::Client;
use c2_shared::limits::WORKER_FREE_BYTES_FLOOR;
use c2_shared::worker::yields_to;

use crate::agent;
use crate::cgroup::{self, Base};
use crate::clock;
use crate::detect;
use crate::neighbours::Neighbours;
use crate::options::Options;
use crate::slurm;
use crate::state::StateDir;
use crate::workspace::Root;

mod sleep;

/// A folder of our own in the workspace root; no job has such a name.
const SCRATCH: &str = ".doctor";
/// Folders that are made and removed, each with a file in it, as jobs do.
const FOLDERS: u32 = 64;
/// Bytes that are written to see how fast the disk takes them.
const PIECE_BYTES: usize = 1 << 20;
const PIECES: u32 = 32;
/// A workspace that takes longer than this slows every job down that one can feel it.
const FOLDER_SLOW: Duration = Duration::from_millis(20);
/// A disk that writes less in a second holds up jobs that write anything.
const WRITE_SLOW_BYTES_S: f64 = 10e6;

/// Looks at everything; answers with what to print, and whether all is well.
pub(crate) fn run(options: &Options) -> (String, bool) {
    let checks = match agent::runtime() {
        Ok(runtime) => runtime.block_on(examine(options)),
        Err(error) => vec![Check::fail("system", format!("no thread can be had: {error}"), "see: ulimit -a")],
    };
    let lines: Vec<String> = checks.iter().map(ToString::to_string).collect();
    (lines.join("\n"), checkup::is_well(&checks))
}

async fn examine(options: &Options) -> Vec<Check> {
    let mut checks = of_c2d(options).await;
    checks.extend(of_workspaces(&options.workspace_root));
    checks.push(of_user());
    checks.push(of_limits(options));
    checks.extend(of_neighbours(options).await);
    checks.extend(of_cluster(options).await);
    checks.extend(sleep::examine(options).await);
    checks.push(of_gpus(&options.sight.nvml).await);
    checks
}

async fn of_c2d(options: &Options) -> Vec<Check> {
    const WHAT: &str = "c2d";
    let client = match Client::new(&options.server, Some(options.pass.clone()), options.address) {
        Ok(client) => client,
        Err(error) => return vec![Check::fail(WHAT, error.to_string(), error.hint().unwrap_or_default())],
    };
    let begun = clock::instant();
    // Workers may ask for blobs, and nobody has one of this name: it only shows the token.
    let asked = client.blob_status(BlobId::of(b"doctor"), None).await;
    let took = begun.elapsed();
    match asked {
        Ok(_) => {
            let words =
                format!("{} answers in {:.1} ms and knows our token", client.server(), took.as_secs_f64() * 1e3);
            let health = client.health().await.unwrap_or_default();
            let clock = health.clock_s.map(|theirs_s| Check::of_clock(clock::wall_ms() / 1_000, theirs_s));
            std::iter::once(Check::ok(WHAT, words)).chain(clock).collect()
        }
        Err(error) => {
            let hint = error.hint().unwrap_or_else(|| "check that c2d runs, and --server".to_owned());
            vec![Check::fail(WHAT, error.to_string(), hint)]
        }
    }
}

fn of_workspaces(root: &Path) -> Vec<Check> {
    const WHAT: &str = "workspaces";
    if let Err(error) = Root::open(root) {
        return vec![Check::fail(WHAT, error.to_string(), error.hint().unwrap_or_default())];
    }
    let mut checks = vec![of_space(root)];
    let scratch = root.join(format!("{SCRATCH}-{}", std::process::id()));
    let measured = fs::create_dir(&scratch).and_then(|()| measure(&scratch));
    // What cannot be removed now is seen by the error above, or by whoever lists the folder.
    drop(fs::remove_dir_all(&scratch));
    checks.push(match measured {
        Ok(speed) => speed.judge(root),
        Err(error) => Check::fail(WHAT, format!("cannot write in {root:?}: {error}"), "see its disk: df, dmesg"),
    });
    checks
}

fn of_space(root: &Path) -> Check {
    const WHAT: &str = "space";
    match detect::disk::free_bytes(root) {
        None => Check::warn(WHAT, format!("the free space in {root:?} is unknown"), "see: df"),
        Some(free) if free < WORKER_FREE_BYTES_FLOOR => {
            let words = format!("{} MB are free in {root:?}; nothing new is taken", free >> 20);
            Check::fail(WHAT, words, "make room; `cleanup-workspaces` in c2-tui frees what jobs left")
        }
        Some(free) => Check::ok(WHAT, format!("{:.1} GB are free in {root:?}", free as f64 / 1e9)),
    }
}

/// How fast workspaces come and go, and how fast a file in one is written.
#[derive(Clone, Copy, Debug)]
struct Speed {
    folder: Duration,
    bytes_s: f64,
}

fn measure(scratch: &Path) -> io::Result<Speed> {
    let begun = clock::instant();
    for n in 0..FOLDERS {
        let folder = scratch.join(n.to_string());
        fs::create_dir(&folder)?;
        fs::write(folder.join("file"), b"x")?;
        fs::remove_dir_all(&folder)?;
    }
    let folder = begun.elapsed() / FOLDERS;
    let piece = vec![b'x'; PIECE_BYTES];
    let begun = clock::instant();
    let mut file = File::create(scratch.join("large"))?;
    for _ in 0..PIECES {
        file.write_all(&piece)?;
    }
    file.sync_data()?;
    let bytes = f64::from(PIECES) * PIECE_BYTES as f64;
    Ok(Speed { folder, bytes_s: bytes / begun.elapsed().as_secs_f64() })
}

impl Speed {
    fn judge(self, root: &Path) -> Check {
        let folder_ms = self.folder.as_secs_f64() * 1e3;
        let words =
            format!("one made and removed in {folder_ms:.2} ms, files written at {:.0} MB/s", self.bytes_s / 1e6);
        if self.folder > FOLDER_SLOW || self.bytes_s < WRITE_SLOW_BYTES_S {
            let advice = format!("give them a faster disk than that of {} with --workspace-root", root.display());
            Check::warn("workspaces", words, advice)
        } else {
            Check::ok("workspaces", words)
        }
    }
}

fn of_user() -> Check {
    const WHAT: &str = "user";
    if rustix::process::geteuid().is_root() {
        Check::warn(WHAT, "jobs run as root", "let a user without rights run the agent; `c2-agent install` says how")
    } else {
        Check::ok(WHAT, "jobs run without the rights of root")
    }
}

/// Whether limits of jobs are kept: by the agent that runs here, or else as if one was started like this.
fn of_limits(options: &Options) -> Check {
    let is_wanted = options.confinement.control_groups;
    let agent = StateDir::open(&options.state_dir).ok().and_then(|state| state.agent());
    let base = agent.map_or_else(Base::own, Base::of);
    let check = cgroup::standing(is_wanted, base.as_ref());
    if agent.is_some() || !is_wanted {
        return check;
    }
    Check { words: format!("{}; no agent runs, so this is of this command", check.words), ..check }
}

/// Whether the cluster that is to run jobs answers.
async fn of_cluster(options: &Options) -> Option<Check> {
    const WHAT: &str = "cluster";
    let slurm = options.elsewhere.slurm()?;
    Some(match slurm::partition(slurm.partition.as_deref()).await {
        Ok((cpus, memory_bytes)) => {
            let words = format!("Slurm answers: {cpus} processors, {} GB of memory", memory_bytes >> 30);
            Check::ok(WHAT, words)
        }
        Err(error) => {
            let hint = "see that sinfo works here, as this user; jobs wait meanwhile, and what runs there runs on";
            Check::fail(WHAT, with_causes(&error), hint)
        }
    })
}

/// To whom the machine is yielded, and whether they need it now.
async fn of_neighbours(options: &Options) -> Option<Check> {
    let wanted: Vec<&str> = options.yield_to.iter().map(|neighbour| neighbour.word()).collect();
    if wanted.is_empty() {
        return None;
    }
    let mut neighbours = Neighbours::new(options.sight.sight_root.clone(), &options.yield_to, 0);
    // Processes on cards are told by the running agent alone, which knows its own.
    let now = neighbours.look(false).await;
    let now = if now.is_empty() { "no one needs it now".to_owned() } else { format!("now it {}", yields_to(&now)) };
    Some(Check::ok("neighbours", format!("the machine is yielded to {}; {now}", wanted.join(", "))))
}

async fn of_gpus(nvml: &str) -> Check {
    const WHAT: &str = "graphics";
    let gpus = detect::hardware(nvml).await.gpus;
    if !gpus.is_empty() {
        let names: Vec<&str> = gpus.iter().map(|gpu| gpu.name.as_str()).collect();
        Check::ok(WHAT, format!("{}: {}", gpus.len(), names.join(", ")))
    } else if fs::exists("/dev/nvidia0").unwrap_or(false) || fs::exists("/proc/driver/nvidia").unwrap_or(false) {
        Check::fail(WHAT, "the driver is there and names no card", "run nvidia-smi and see what it says")
    } else {
        Check::ok(WHAT, "no card of NVIDIA or AMD")
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::checkup::State;

    use super::*;

    #[test]
    fn slow_disks_are_told() {
        let fast = Speed { folder: Duration::from_micros(90), bytes_s: 500e6 };
        let judged = |speed: Speed| speed.judge(Path::new("/tmp/C2"));
        assert_eq!(judged(fast).state, State::Ok);
        assert_eq!(judged(fast).words, "one made and removed in 0.09 ms, files written at 500 MB/s");
        let slow = [Speed { folder: Duration::from_millis(30), ..fast }, Speed { bytes_s: 3e6, ..fast }];
        for speed in slow {
            assert_eq!(judged(speed).state, State::Warn, "{speed:?}");
        }
    }

    #[test]
    fn workspaces_are_measured_and_nothing_stays() {
        let dir = tempfile::TempDir::new().unwrap();
        let root = dir.path().join("C2");
        let checks = of_workspaces(&root);
        assert!(checks.iter().all(|check| check.state != State::Fail), "{checks:?}");
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    }

    #[test]
    fn a_root_of_somebody_else_fails_alone() {
        let dir = tempfile::TempDir::new().unwrap();
        let link = dir.path().join("C2");
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        let checks = of_workspaces(&link);
        assert!(checks.len() == 1 && checks[0].state == State::Fail, "{checks:?}");
    }
}
