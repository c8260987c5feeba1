//! What work is left, for forecasts. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use c2_shared::job::JobState;

use crate::sched::event::Now;
use crate::sched::jobs::Job;
use crate::sched::scheduler::Scheduler;

/// Jobs that have not ended, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// How many of each name wait. Nobody knows when those will run that are held, so they are left out.
    pub waiting: BTreeMap<Option<Box<str>>, usize>,
    /// Those that run, and for how long they have.
    pub running: Vec<(Option<Box<str>>, u64)>,
}

impl Ahead {
    /// Whether nothing is left that will run by itself.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
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
    /// What is left of the whole queue.
    pub fn ahead(&self, now: Now) -> Ahead {
        let mut all = Ahead::default();
        self.jobs.iter().for_each(|(_, job)| all.add(now, job, self.shown_state(job)));
        all
    }

    /// What is left of each batch.
    pub fn ahead_by_batch(&self, now: Now) -> BTreeMap<Arc<str>, Ahead> {
        let mut batches: BTreeMap<Arc<str>, Ahead> = BTreeMap::new();
        for (_, job) in self.jobs.iter() {
            if let Some(batch) = &job.terms.batch {
                batches.entry(Arc::clone(batch)).or_default().add(now, job, self.shown_state(job));
            }
        }
        batches
    }
}
