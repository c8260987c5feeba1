//! Batches: how many jobs of each run, and how many may.
//!
//! The limit is one row for the whole batch, so a change of it holds for all of its jobs at once. What runs is
//! counted from the jobs. A limit outlives the last job of its batch, for a retry; it is forgotten at a start
//! when none is kept any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use c2_shared::id::JobId;

use crate::sched::event::Event;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, EachAnswer, Reject};

/// The limits of batches, and what of them runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batches {
    pub(crate) limits: BTreeMap<Arc<str>, u32>,
    /// Jobs that run of each batch of which any does.
    pub(crate) running: BTreeMap<Arc<str>, usize>,
}

impl Batches {
    /// How many run and how many may, if no more may be started.
    pub(crate) fn full(&self, batch: Option<&Arc<str>>) -> Option<(usize, u32)> {
        let max_running = *self.limits.get(batch?)?;
        let running = self.running.get(batch?).copied().unwrap_or(0);
        (running >= max_running as usize).then_some((running, max_running))
    }

    pub(crate) fn start(&mut self, batch: Option<&Arc<str>>) {
        if let Some(batch) = batch {
            *self.running.entry(Arc::clone(batch)).or_default() += 1;
        }
    }

    pub(crate) fn stop(&mut self, batch: Option<&Arc<str>>) {
        if let Some(batch) = batch
            && let Some(running) = self.running.get_mut(batch)
        {
            *running -= 1;
            if *running == 0 {
                self.running.remove(batch);
            }
        }
    }
}

/// An operator said how many jobs of a batch may run at once. Answered with those of it that have not ended. Whoever
/// asks has seen that there is such a batch: also one of which all jobs have ended may get others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLimited {
    pub batch: Arc<str>,
    /// Any number without it.
    pub max_running: Option<u32>,
}

impl Event for BatchLimited {
    type Answer = EachAnswer;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { batch, max_running } = self;
        let jobs = turn.s.jobs.iter().filter(|(_, job)| job.terms.batch.as_deref() == Some(&*batch));
        let jobs: EachAnswer = jobs.map(|(id, job)| (id, Ok(job.state))).collect();
        turn.limit(&batch, max_running);
        Ok(jobs)
    }
}

impl Turn<'_> {
    /// Lets so many jobs of a batch run at once from now on.
    fn limit(&mut self, batch: &Arc<str>, max_running: Option<u32>) {
        if self.s.max_running(batch) != max_running {
            self.decide(Decision::LimitBatch { batch: Arc::clone(batch), max_running });
        }
    }

    /// The same for the batches of jobs that were just accepted.
    pub(crate) fn limit_batches_of(&mut self, jobs: &[JobId], max_running: u32) {
        for id in jobs {
            let batch = self.s.jobs.get(*id).and_then(|job| job.terms.batch.clone());
            if let Some(batch) = batch {
                self.limit(&batch, Some(max_running));
            }
        }
    }
}

impl Scheduler {
    /// How many jobs of a batch may run at once.
    pub fn max_running(&self, batch: &str) -> Option<u32> {
        self.batches.limits.get(batch).copied()
    }

    pub(crate) fn limit_batch(&mut self, batch: &Arc<str>, max_running: Option<u32>) {
        match max_running {
            Some(max_running) => drop(self.batches.limits.insert(Arc::clone(batch), max_running)),
            None => drop(self.batches.limits.remove(batch)),
        }
        self.offer_batch(batch);
    }

    /// A job stops running, so that another one of its batch may start.
    pub(crate) fn stop_in_batch(&mut self, batch: Option<&Arc<str>>) {
        let was_full = self.batches.full(batch).is_some();
        self.batches.stop(batch);
        if let Some(batch) = batch.filter(|_| was_full) {
            self.offer_batch(batch);
        }
    }

    fn offer_batch(&mut self, batch: &Arc<str>) {
        self.fresh.shapes.extend(self.queues.ready_of(batch));
    }
}
