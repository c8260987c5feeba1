//! Cleans up after a runner that died: ends what is left of its job and says what is owed.
//!
//! Such processes were handed to init when the runner died, so they are known only by the marks
//! in their environment. A process that wiped its environment is missed; only a runner that was
//! itself killed makes that possible.

use std::io;
use std::time::Duration;

use c2_shared::id::AttemptId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};

use crate::state::{Record, SlotDir};
use crate::supervise::launch::marks;
use crate::supervise::proc::{Process, holding, marked, watch};

/// Rounds of killing; each waits until what it found is gone, so only a job that forks faster than
/// it can be killed or a process stuck in the kernel needs more than two.
const ROUNDS_MAX: u32 = 100;
/// How long one round waits for the ends of what it killed.
const ROUND: Duration = Duration::from_millis(200);

/// What was found behind a slot.
#[derive(Debug)]
pub(crate) enum Found {
    /// A runner lives there; the attempts that it noted.
    Alive(Vec<AttemptId>),
    /// Its runner is dead and so is everything that it ran; the attempts whose results it owed.
    /// The slot is locked until the record is dropped.
    Dead(Vec<AttemptId>, Record),
}

/// Looks behind a slot. Blocks while leftovers are killed.
pub(crate) fn look(slot: &SlotDir, worker_id: &str) -> io::Result<Found> {
    match slot.lock()? {
        None => Ok(Found::Alive(slot.record()?.read()?)),
        Some(record) => {
            let owed = record.read()?;
            for attempt in &owed {
                reap(*attempt, worker_id);
            }
            Ok(Found::Dead(owed, record))
        }
    }
}

/// Kills the runner of a slot, which is known by the lock that it holds open as its standard output.
pub(crate) fn end_runner(slot: &SlotDir) -> io::Result<()> {
    kill(&holding(&slot.record()?.mark()?));
    Ok(())
}

/// Kills everything that carries the attempt's marks.
fn reap(attempt: AttemptId, worker_id: &str) {
    let marks = marks(worker_id, attempt);
    for _ in 0..ROUNDS_MAX {
        let found = marked(&marks);
        if found.is_empty() {
            return;
        }
        tracing::warn!("the runner of {attempt} died; ending {} processes that it left", found.len());
        kill(&found);
    }
    tracing::error!("some processes of {attempt} cannot be ended");
}

fn kill(processes: &[Process]) {
    let ends: Vec<_> = processes.iter().filter_map(watch).collect();
    for end in &ends {
        if let Err(error) = pidfd_send_signal(end, Signal::KILL) {
            tracing::debug!("cannot kill: {error}");
        }
    }
    let timeout = Timespec::try_from(ROUND).expect("a fraction of a second");
    for end in &ends {
        // Whoever is not gone in time is found again by the next round.
        if poll(&mut [PollFd::new(end, PollFlags::IN)], Some(&timeout)).unwrap_or(0) == 0 {
            return;
        }
    }
}
