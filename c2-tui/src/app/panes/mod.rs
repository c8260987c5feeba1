//! The four panes: which they are, and the columns of each as one table of functions.

pub(crate) mod jobs;
pub(crate) mod log;
pub(crate) mod queue;
pub(crate) mod workers;

use c2_shared::job::JobState;
use c2_shared::time;

use crate::app::store::{Job, JobScope, Store, Wait, Worker};
use crate::app::table::{Grid, Table, Tone};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pane {
    Workers,
    Jobs,
    /// What waits, and for what.
    Queue,
    Log,
}

/// The tables of the panes.
#[derive(Clone, Debug)]
pub(crate) struct Panes {
    pub(crate) workers: Table<Worker>,
    pub(crate) jobs: Table<Job>,
    /// Waiting jobs by what they wait for.
    pub(crate) queue: Table<Wait>,
    /// Ended jobs, the latest first.
    pub(crate) log: Table<Job>,
}

impl Pane {
    /// All panes in the order of their keys.
    pub(crate) const ALL: [Self; 4] = [Self::Workers, Self::Jobs, Self::Queue, Self::Log];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Jobs => "jobs",
            Self::Queue => "queue",
            Self::Log => "log",
        }
    }
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            workers: Table::new(workers::COLUMNS, (), 0, false),
            jobs: Table::new(jobs::COLUMNS, JobScope::Active, 0, false),
            queue: Table::new(queue::COLUMNS, (), 0, false),
            log: Table::new(log::COLUMNS, JobScope::Ended, log::ENDED, true),
        }
    }
}

impl Panes {
    /// The table of a pane.
    pub(crate) const fn grid(&self, pane: Pane) -> &dyn Grid {
        match pane {
            Pane::Workers => &self.workers,
            Pane::Jobs => &self.jobs,
            Pane::Queue => &self.queue,
            Pane::Log => &self.log,
        }
    }

    pub(crate) const fn grid_mut(&mut self, pane: Pane) -> &mut dyn Grid {
        match pane {
            Pane::Workers => &mut self.workers,
            Pane::Jobs => &mut self.jobs,
            Pane::Queue => &mut self.queue,
            Pane::Log => &mut self.log,
        }
    }

    pub(crate) fn rebuild(&mut self, store: &Store) {
        self.workers.rebuild(store);
        self.jobs.rebuild(store);
        self.queue.rebuild(store);
        self.log.rebuild(store);
    }
}

/// What a job's state means.
pub(crate) const fn tone(state: JobState) -> Tone {
    match state {
        JobState::Blocked | JobState::Cancelled => Tone::Dim,
        JobState::Held => Tone::Warn,
        JobState::Queued => Tone::Plain,
        JobState::Running => Tone::Busy,
        JobState::Succeeded => Tone::Good,
        JobState::Failed => Tone::Bad,
    }
}

/// A span in at most six cells, for columns: seconds without fractions.
pub(crate) fn short_span(ms: u64) -> String {
    if ms < 10_000 { format!("{}s", ms / 1_000) } else { time::span(ms) }
}
