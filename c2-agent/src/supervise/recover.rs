//! Cleans up after a runner that died: ends what is left of its job and says what is owed.
//!
//! It is found in three ways, of which the first two cannot be evaded: it is in the control group of the
//! slot, where control groups are delegated; it fell to the agent, if this run of it started the runner; it
//! carries the marks of the attempt in its environment. So a process is missed only if it wiped its
//! environment, its agent and its runner were both killed, and there are no control groups.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use c2_shared::id::AttemptId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use crate::cgroup::{Base, Group};
use crate::state::{Record, SlotDir};
use crate::supervise::children::Children;
use crate::supervise::launch::marks;
use crate::supervise::proc::{Process, each_descendant, holding, marked, read_stat, signal, stop_all, watch};

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

/// Looks behind a slot of an earlier run of the agent.
pub(crate) fn look(slot: &SlotDir, worker_id: &str) -> io::Result<Found> {
    look_with(slot, worker_id, &Children::default())
}

/// Looks behind a slot. Blocks while leftovers are killed.
pub(super) fn look_with(slot: &SlotDir, worker_id: &str, children: &Children) -> io::Result<Found> {
    let Some(record) = slot.lock()? else {
        return Ok(Found::Alive(slot.record()?.read()?));
    };
    let owed = record.read()?;
    let marks: Vec<_> = owed.iter().map(|attempt| marks(worker_id, attempt)).collect();
    let group = Base::own().map(|base| base.group(worker_id, slot.number()));
    if let Some(group) = &group {
        // What was frozen takes no signal.
        group.thaw();
    }
    let left = || {
        let found = marks.iter().flat_map(|marks| marked(marks));
        let found = found.chain(group.iter().flat_map(Group::members)).chain(children.orphans());
        // One may be found in several ways.
        let left = found.filter(|process| !process.zombie).map(|process| (process.pid.as_raw_nonzero(), process));
        left.collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
    };
    reap(slot.number(), left);
    group.iter().for_each(Group::remove);
    Ok(Found::Dead(owed, record))
}

/// Kills the runner of a slot, which is known by the lock that it holds open, and before it whatever it
/// runs, as long as that is known as its own.
pub(crate) fn end_runner(slot: &SlotDir) -> io::Result<()> {
    for runner in runners(slot)? {
        signal(&runner, Signal::STOP);
        let mut left = Vec::new();
        stop_all(|visit| {
            each_descendant(runner.pid, |process| {
                left.push(*process);
                visit(process);
            });
        });
        kill(&left);
        kill(&[runner]);
    }
    Ok(())
}

/// How much the runner of a slot has worked so far, which tells one that is busy from one that stands still.
pub(crate) fn worked(slot: &SlotDir) -> io::Result<u64> {
    Ok(runners(slot)?.iter().filter_map(|runner| read_stat(runner.pid)).map(|runner| runner.worked).sum())
}

/// The runner of a slot, if it lives.
pub(super) fn runners(slot: &SlotDir) -> io::Result<Vec<Process>> {
    Ok(holding(slot.record()?.mark()?))
}

/// Kills until nothing is left.
fn reap(slot: u32, left: impl Fn() -> Vec<Process>) {
    for _ in 0..ROUNDS_MAX {
        let found = left();
        if found.is_empty() {
            return;
        }
        tracing::warn!("the process of slot {slot} died; ending {} processes that it left", found.len());
        stop_all(|visit| left().iter().for_each(visit));
        kill(&left());
    }
    tracing::error!("some processes that slot {slot} left cannot be ended");
}

fn kill(processes: &[Process]) {
    let ends: Vec<_> = processes.iter().filter_map(watch).collect();
    for process in processes {
        signal(process, Signal::KILL);
    }
    let timeout = Timespec::try_from(ROUND).expect("a fraction of a second");
    for end in &ends {
        // Whoever is not gone in time is found again by the next round.
        if poll(&mut [PollFd::new(end, PollFlags::IN)], Some(&timeout)).unwrap_or(0) == 0 {
            return;
        }
    }
}
