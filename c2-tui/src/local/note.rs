//! What `--local` started and left running, so that a later console can stop it: a note beside each log.
//!
//! A number of a process is used again, so the note says in which run of the machine and when the process began, and the
//! process is held by a descriptor before it is looked at.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::task::spawn_blocking;

/// Where the kernel says which run of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Which of the words behind a process's name says when it began.
const START: usize = 19;

/// Notes that a program runs.
pub(super) fn write(folder: &Path, name: &str, pid: u32) -> io::Result<()> {
    let began = began(pid).ok_or(io::ErrorKind::NotFound)?;
    let text = format!("{pid} {began} {}\n", boot()?);
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path(folder, name))?;
    file.write_all(text.as_bytes())
}

/// Forgets a program that has ended.
pub(super) fn remove(folder: &Path, name: &str) {
    // One that stays is of a process that is gone, and found to be so.
    let _missing = fs::remove_file(path(folder, name));
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.pid"))
}

/// A program that runs and that `--local` started.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) name: &'static str,
    process: OwnedFd,
}

impl Left {
    /// The program of a note, if it still runs.
    pub(crate) fn find(folder: &Path, name: &'static str) -> Option<Self> {
        let text = fs::read_to_string(path(folder, name)).ok()?;
        let [pid, noted, boot_id] = text.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let pid: u32 = pid.parse().ok()?;
        let process = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
        let is_it = boot().is_ok_and(|boot| boot == boot_id) && began(pid).is_some_and(|began| began == noted);
        is_it.then_some(Self { name, process })
    }

    /// Asks it to end and waits for that. Gives whether it ended.
    pub(crate) async fn stop(self, folder: &Path, within: Duration) -> bool {
        let name = self.name;
        let ended = spawn_blocking(move || {
            // It may have ended by itself, which the wait finds out.
            let _gone = pidfd_send_signal(&self.process, Signal::TERM);
            let within = Timespec::try_from(within).unwrap_or_default();
            // One that has ended can be read.
            poll(&mut [PollFd::new(&self.process, PollFlags::IN)], Some(&within)).is_ok_and(|ready| ready > 0)
        });
        let ended = ended.await.unwrap_or(false);
        if ended {
            remove(folder, name);
        }
        ended
    }
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string(BOOT_ID)?.trim().to_owned())
}

/// When a process began, in the kernel's own count; none if there is none.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A name may hold anything.
    let (_, words) = stat.rsplit_once(')')?;
    words.split_whitespace().nth(START).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn only_the_process_that_was_noted_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        assert!(Left::find(folder, "c2d").is_none());
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        write(folder, "c2d", child.id()).unwrap();
        let noted = fs::read_to_string(path(folder, "c2d")).unwrap();
        let [pid, began, boot] = noted.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{noted}") };
        for other in [format!("{pid} {began}1 {boot}"), format!("{pid} {began} other"), "nonsense".to_owned()] {
            fs::write(path(folder, "c2d"), &other).unwrap();
            assert!(Left::find(folder, "c2d").is_none(), "{other}");
        }
        fs::write(path(folder, "c2d"), &noted).unwrap();
        let left = Left::find(folder, "c2d").unwrap();
        assert!(left.stop(folder, Duration::from_secs(20)).await);
        assert!(!child.wait().unwrap().success() && !path(folder, "c2d").exists());
        assert!(Left::find(folder, "c2d").is_none());
    }
}
