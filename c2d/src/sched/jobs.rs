//! The table of active jobs, and the verdicts of all that ever ended.
//!
//! Active jobs stand in a dense table by id. Of an ended job only its final state and its worker are
//! kept, four bytes each, because later jobs may still depend on it; everything else is history
//! and the store's business.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;

use crate::sched::decision::{EndedRecord, JobRecord};
use crate::sched::queues::{Rank, ShapeId};

/// A job that has not ended: its record, and the queue of those that ask for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) record: JobRecord,
    pub(crate) shape: ShapeId,
}

impl Deref for Job {
    type Target = JobRecord;

    fn deref(&self) -> &JobRecord {
        &self.record
    }
}

impl DerefMut for Job {
    fn deref_mut(&mut self) -> &mut JobRecord {
        &mut self.record
    }
}

impl JobRecord {
    /// Its place among those of its priority.
    pub(crate) fn place(&self) -> i64 {
        self.terms.place.unwrap_or(self.id.0.cast_signed())
    }

    /// Its place among all that wait.
    pub(crate) fn rank(&self) -> Rank {
        (Reverse(self.terms.priority), self.place(), self.id)
    }

    /// When it ends unless it has started, in wall-clock time: only while it waits for its first start.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        let after_ms = self.terms.expires_s?.saturating_mul(1_000);
        let has_started = self.crashes > 0 || self.retries_left < self.terms.retries;
        let from = self.submitted_ms.max(self.terms.begin_at.unwrap_or(0));
        (self.state != JobState::Running && !has_started).then(|| from.saturating_add(after_ms))
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.depends.iter().any(|edge| !edge.fulfilled)
    }

    /// The state of a job that does not run: what it waits for, the strongest reason first.
    pub(crate) fn waiting_state(&self, held: bool, wall_ms: u64) -> JobState {
        if held {
            JobState::Held
        } else if self.is_blocked() || self.terms.begin_at.is_some_and(|at| at > wall_ms) {
            JobState::Blocked
        } else {
            JobState::Queued
        }
    }
}

/// Active jobs by id. Ids only grow, so the table is a window that moves.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobTable {
    /// Id of the first slot.
    base: u64,
    slots: VecDeque<Option<Box<Job>>>,
    len: usize,
}

impl JobTable {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: JobId) -> Option<&Job> {
        self.slots.get(self.index(id)?)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        let index = self.index(id)?;
        self.slots.get_mut(index)?.as_deref_mut()
    }

    /// Adds a job. Its id must be new and greater than all before.
    pub(crate) fn insert(&mut self, id: JobId, job: Job) {
        if self.slots.is_empty() {
            self.base = id.0;
        }
        let index = self.index(id).expect("ids of new jobs only grow");
        assert!(index >= self.slots.len(), "{id} is already in the table");
        self.slots.resize_with(index, || None);
        self.slots.push_back(Some(Box::new(job)));
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, id: JobId) -> Option<Job> {
        let index = self.index(id)?;
        let job = self.slots.get_mut(index)?.take()?;
        self.len -= 1;
        while matches!(self.slots.front(), Some(None)) {
            self.slots.pop_front();
            self.base += 1;
        }
        Some(*job)
    }

    /// Jobs in the order of their ids, from `first`.
    pub(crate) fn iter_from(&self, first: JobId) -> impl Iterator<Item = (JobId, &Job)> {
        let skip = usize::try_from(first.0.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let start = skip.min(self.slots.len());
        let ids = (self.base + start as u64..).map(JobId);
        ids.zip(self.slots.range(start..)).filter_map(|(id, slot)| Some((id, slot.as_deref()?)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.iter_from(JobId(0))
    }

    fn index(&self, id: JobId) -> Option<usize> {
        usize::try_from(id.0.checked_sub(self.base)?).ok()
    }
}

/// How each job that ever existed ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndedTable {
    /// By id less one: the final state, none while alive, and the worker's place in `workers` plus one.
    verdicts: Vec<(Option<JobState>, u16)>,
    workers: Vec<WorkerId>,
}

impl EndedTable {
    pub(crate) fn get(&self, id: JobId) -> Option<EndedRecord> {
        let (state, worker) = *self.verdicts.get(usize::try_from(id.0.checked_sub(1)?).ok()?)?;
        let worker = usize::from(worker).checked_sub(1).and_then(|place| self.workers.get(place)).cloned();
        Some(EndedRecord { job: id, state: state?, worker })
    }

    pub(crate) fn insert(&mut self, record: EndedRecord) {
        let index = usize::try_from(record.job.0 - 1).expect("job ids fit the address space");
        if self.verdicts.len() <= index {
            self.verdicts.resize(index + 1, (None, 0));
        }
        self.verdicts[index] = (Some(record.state), record.worker.map_or(0, |id| self.worker_place(id)));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = EndedRecord> {
        (1..=self.verdicts.len() as u64).filter_map(|n| self.get(JobId(n)))
    }

    /// Place of a worker plus one. Beyond 65,534 different workers, which no home has, a job is
    /// remembered without its worker.
    fn worker_place(&mut self, id: WorkerId) -> u16 {
        let place = self.workers.iter().rposition(|known| *known == id).unwrap_or_else(|| {
            self.workers.push(id);
            self.workers.len() - 1
        });
        u16::try_from(place + 1).unwrap_or(0)
    }
}
