//! What work is left, for forecasts. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use c2_shared::job::JobState;

use crate::sched::event::Now;
use crate::sched::jobs::Job;
use crate::sched::queues::ShapeId;
use crate::sched::scheduler::Scheduler;

/// Kinds of jobs of which is told whether a worker could run them.
const KINDS_MAX: usize = 64;

/// Jobs that have not ended, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// How many of each name wait. Nobody knows when those will run that are held, or that no worker could run
    /// as they all are now, so they are left out.
    pub waiting: BTreeMap<Option<Box<str>>, usize>,
    /// Those that run, and for how long they have.
    pub running: Vec<(Option<Box<str>>, u64)>,
}

impl Ahead {
    /// Whether nothing is left that will run by itself.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// How many there are.
    pub fn jobs(&self) -> usize {
        self.running.len() + self.waiting.values().sum::<usize>()
    }

    fn add(&mut self, now: Now, job: &Job, state: JobState) {
        match state {
            JobState::Blocked | JobState::Queued => *self.waiting.entry(job.name.clone()).or_default() += 1,
            JobState::Running => {
                let since = job.started_ms.map_or(0, |at| now.wall_ms.saturating_sub(at));
                self.running.push((job.name.clone(), since));
            }
            JobState::Held | JobState::Succeeded | JobState::Failed | JobState::Cancelled => {}
        }
    }
}

impl Scheduler {
    /// What is left of the whole queue, and of each batch.
    pub fn ahead(&self, now: Now) -> (Ahead, BTreeMap<Arc<str>, Ahead>) {
        let (mut all, mut batches) = (Ahead::default(), BTreeMap::<Arc<str>, Ahead>::new());
        self.for_each_ahead(now, |job, state| {
            all.add(now, job, state);
            if let Some(batch) = &job.terms.batch {
                batches.entry(Arc::clone(batch)).or_default().add(now, job, state);
            }
        });
        (all, batches)
    }

    /// The jobs that run or will by themselves.
    fn for_each_ahead(&self, now: Now, mut each: impl FnMut(&Job, JobState)) {
        // Most jobs ask for the same as others.
        let mut runnable: BTreeMap<ShapeId, bool> = BTreeMap::new();
        for (_, job) in self.jobs.iter() {
            let state = self.shown_state(job);
            let mut may_start = || *runnable.entry(job.shape).or_insert_with(|| self.will_start(now, job.shape));
            if state == JobState::Running || self.paused || may_start() {
                each(job, state);
            }
        }
    }

    /// How many queued jobs no worker could run as they all are now. It is asked for with each change, so of very many
    /// kinds of jobs only the first ones are looked at. A queue that is paused says that instead.
    pub(crate) fn cannot_run(&self, now: Now) -> usize {
        let kinds = self.queues.lengths().take(if self.paused { 0 } else { KINDS_MAX });
        kinds.filter(|(shape, _)| !self.will_start(now, *shape)).map(|(_, jobs)| jobs).sum()
    }
}
