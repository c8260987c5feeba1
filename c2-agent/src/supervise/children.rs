//! The children of the agent: the runners that it started, and what falls to it because their runner died.
//!
//! The agent is the reaper of last resort. A runner leads a session of its own, so whatever a job did to
//! itself it is of another session than the agent, and so no tool that the agent asked something.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{WaitOptions, getpid, set_child_subreaper, waitpid};

use crate::supervise::proc::{Process, foreign_children};

/// Knows which of its children are runners; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children {
    runners: Arc<Mutex<BTreeSet<u32>>>,
    /// Those that an earlier program started in this same process, which are no orphans while they live.
    adopted: Arc<Mutex<BTreeSet<u32>>>,
}

impl Children {
    /// Lets this process be the one to which orphans fall.
    pub(crate) fn adopt_orphans() -> Self {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!("what loses its runner may stay: {error}");
        }
        Self::default()
    }

    /// Starts a runner. Nobody looks for orphans meanwhile, who could take it for one.
    pub(crate) fn start(&self, command: &mut Command) -> io::Result<Child> {
        let mut runners = self.runners();
        let child = command.spawn()?;
        runners.insert(child.id());
        Ok(child)
    }

    /// Takes over a runner that an earlier run of the agent started. After an upgrade it is a child of this process.
    pub(crate) fn adopt(&self, runners: &[Process]) {
        locked(&self.adopted).extend(runners.iter().map(number));
    }

    /// Collects a runner that is dead.
    pub(crate) fn end(&self, runner: &mut Child) -> io::Result<ExitStatus> {
        let mut runners = self.runners();
        let status = runner.wait();
        runners.remove(&runner.id());
        status
    }

    /// What lost its runner and lives; what has ended is collected.
    pub(crate) fn orphans(&self) -> Vec<Process> {
        let runners = self.runners();
        let mut adopted = locked(&self.adopted);
        let is_orphan =
            |child: &Process| !runners.contains(&number(child)) && (child.zombie || !adopted.contains(&number(child)));
        let (dead, alive): (Vec<_>, _) = foreign_children().into_iter().filter(is_orphan).partition(|one| one.zombie);
        for orphan in dead {
            adopted.remove(&number(&orphan));
            // One whose other threads live is no case for that yet.
            let _later = waitpid(Some(orphan.pid), WaitOptions::NOHANG);
        }
        alive
    }

    fn runners(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        locked(&self.runners)
    }
}

fn locked(pids: &Mutex<BTreeSet<u32>>) -> MutexGuard<'_, BTreeSet<u32>> {
    pids.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn number(process: &Process) -> u32 {
    process.pid.as_raw_nonzero().get().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, kill_process};

    use super::*;

    #[test]
    fn a_runner_is_no_orphan_and_a_child_of_another_session_is() {
        let children = Children::default();
        let start = |children: &Children| children.start(Command::new("setsid").args(["-w", "sleep", "60"])).unwrap();
        let (mut runner, mut orphan) = (start(&children), start(&Children::default()));
        let found = |child: &Child| {
            let number = i32::try_from(child.id()).unwrap();
            children.orphans().iter().any(|one| one.pid.as_raw_nonzero().get() == number)
        };
        while !found(&orphan) {
            std::thread::yield_now();
        }
        assert!(!found(&runner));
        children.adopt(&children.orphans());
        assert!(!found(&orphan), "it was taken over");
        kill_process(rustix::process::Pid::from_child(&orphan), Signal::KILL).unwrap();
        while found(&orphan) {
            std::thread::yield_now();
        }
        runner.kill().unwrap();
        assert!(children.end(&mut runner).is_ok());
        // Collected already.
        let _gone = orphan.wait();
    }
}
