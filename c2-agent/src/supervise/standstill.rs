//! A job that stands still, while its agent yields the machine: by the freezer of its control group, where it has
//! one, else each of its processes is stopped.

use std::collections::HashSet;

use c2_shared::time::Mono;
use rustix::process::{Pid, Signal, getpid};

use crate::cgroup::Group;
use crate::supervise::proc::{each_descendant, signal, stop_all};

/// Since when a job stands still, and by what.
#[derive(Debug)]
pub(crate) struct Standstill {
    pub(crate) since: Mono,
    /// On the clock of time-outs.
    pub(crate) awake_since: Mono,
    by: By,
}

#[derive(Debug)]
enum By {
    Group(Group),
    /// The processes that were stopped, by number and start time; others had stopped themselves.
    Signals(HashSet<(Pid, u64)>),
}

impl Standstill {
    pub(crate) fn begin(group: Option<&Group>, since: Mono, awake_since: Mono) -> Self {
        let by = match group.filter(|group| group.freeze(true)) {
            Some(group) => By::Group(group.clone()),
            None => By::Signals(stop()),
        };
        Self { since, awake_since, by }
    }

    /// Lets it go on.
    pub(crate) fn end(self) {
        match self.by {
            By::Group(group) => group.thaw(),
            By::Signals(stopped) => each_descendant(getpid(), |process| {
                if stopped.contains(&(process.pid, process.start)) {
                    signal(process, Signal::CONT);
                }
            }),
        }
    }
}

fn stop() -> HashSet<(Pid, u64)> {
    let mut already = HashSet::new();
    each_descendant(getpid(), |process| {
        if process.stopped {
            already.insert((process.pid, process.start));
        }
    });
    let mut stopped = HashSet::new();
    stop_all(|visit| {
        each_descendant(getpid(), |process| {
            stopped.insert((process.pid, process.start));
            visit(process);
        });
    });
    stopped.retain(|process| !already.contains(process));
    stopped
}
