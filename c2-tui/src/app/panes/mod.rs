//! The four panes: which they are, and the columns of each as one table of functions; those of the pages
//! of failures and of schedules are beside them.

pub(crate) mod groups;
pub(crate) mod jobs;
pub(crate) mod log;
pub(crate) mod queue;
pub(crate) mod schedules;
pub(crate) mod workers;

use c2_shared::job::JobState;
use c2_shared::time;

use crate::app::cache::{Cache, Job, JobScope, Wait, Worker};
use crate::app::keymap::Context;
use crate::app::preferences::Sizes;
use crate::app::table::{Grid, Table, Tone};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pane {
    Workers,
    Jobs,
    /// What waits, and for what.
    Queue,
    Log,
}

/// What there is to know of a pane beside its table; the file of each pane answers for it.
pub(crate) trait View {
    fn word(&self) -> &'static str;

    /// Whether the chips of kinds of jobs stand on its border.
    fn has_chips(&self) -> bool {
        false
    }

    /// The keys that act in it, the nearest first.
    fn keys(&self) -> &'static [Context] {
        &[Context::Table, Context::Pane]
    }

    /// Rows above its table, in a box of this height.
    fn head_rows(&self, _height: u16) -> u16 {
        0
    }

    /// Whether a row that fits says more than what the columns have cut of the selected one.
    fn puts_rows_first(&self) -> bool {
        false
    }

    /// Which part of the screen grows with it.
    fn grow(&self, sizes: &mut Sizes, percent: i16);

    /// Why it has no rows, and what to do next: what to type, and what that does.
    fn nothing(&self, panes: &Panes) -> Nothing;
}

pub(crate) type Nothing = (&'static str, &'static [(&'static str, &'static str)]);

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

    pub(crate) const fn view(self) -> &'static dyn View {
        match self {
            Self::Workers => &workers::Workers,
            Self::Jobs => &jobs::Jobs,
            Self::Queue => &queue::Queue,
            Self::Log => &log::Log,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        self.view().word()
    }
}

impl Default for Panes {
    fn default() -> Self {
        Self {
            workers: Table::new(workers::COLUMNS, (), 0, false),
            jobs: Table::new(jobs::COLUMNS, JobScope::Active, jobs::STATE, false),
            queue: Table::new(queue::COLUMNS, (), 0, false),
            log: Table::new(log::COLUMNS, JobScope::Ended, log::ENDED, true).sticking(),
        }
    }
}

impl Panes {
    pub(crate) const fn grid(&self, pane: Pane) -> &dyn Grid<Cache> {
        match pane {
            Pane::Workers => &self.workers,
            Pane::Jobs => &self.jobs,
            Pane::Queue => &self.queue,
            Pane::Log => &self.log,
        }
    }

    pub(crate) const fn grid_mut(&mut self, pane: Pane) -> &mut dyn Grid<Cache> {
        match pane {
            Pane::Workers => &mut self.workers,
            Pane::Jobs => &mut self.jobs,
            Pane::Queue => &mut self.queue,
            Pane::Log => &mut self.log,
        }
    }

    /// The tables of jobs, which follow each change of a job.
    pub(crate) fn of_jobs(&self) -> [&Table<Job>; 2] {
        [&self.jobs, &self.log]
    }

    pub(crate) fn of_jobs_mut(&mut self) -> [&mut Table<Job>; 2] {
        [&mut self.jobs, &mut self.log]
    }

    pub(crate) fn rebuild(&mut self, cache: &Cache) {
        Pane::ALL.into_iter().for_each(|pane| self.grid_mut(pane).rebuild(cache));
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
