//! The table of live jobs, and the verdicts of all that ever ended.
//!
//! Live jobs stand in a dense table by id. Of an ended job only its final state and its worker are
//! kept, four bytes each, because later jobs may still depend on it; everything else is history
//! and the store's business.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::id::JobId;
use c2_shared::job::{Condition, JobState, OnLost};

use crate::sched::decision::{EndedRecord, JobRecord};
use crate::sched::queues::ShapeId;

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) state: JobState,
    pub(crate) payload: Arc<str>,
    pub(crate) name: Option<Box<str>>,
    /// What it asks of a worker.
    pub(crate) shape: ShapeId,
    pub(crate) depends: Box<[DependencyEdge]>,
    pub(crate) same_machine: bool,
    pub(crate) hold: bool,
    pub(crate) cancelling: bool,
    pub(crate) on_lost: OnLost,
    pub(crate) priority: i32,
    pub(crate) retries_left: u32,
    pub(crate) crashes: u32,
    pub(crate) attempt: u32,
    pub(crate) worker: Option<IpAddr>,
    pub(crate) begin_at: Option<u64>,
    pub(crate) submitted_ms: u64,
    pub(crate) started_ms: Option<u64>,
}

/// One dependency of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DependencyEdge {
    pub(crate) condition: Condition,
    pub(crate) on: JobId,
    pub(crate) fulfilled: bool,
}

impl Job {
    pub(crate) fn from_record(record: &JobRecord, shape: ShapeId) -> Self {
        let edge = |&(condition, on, fulfilled): &(Condition, JobId, bool)| DependencyEdge { condition, on, fulfilled };
        Self {
            state: record.state,
            payload: Arc::clone(&record.payload),
            name: record.name.clone(),
            shape,
            depends: record.depends.iter().map(edge).collect(),
            same_machine: record.same_machine,
            hold: record.hold,
            cancelling: record.cancelling,
            on_lost: record.on_lost,
            priority: record.priority,
            retries_left: record.retries_left,
            crashes: record.crashes,
            attempt: record.attempt,
            worker: record.worker,
            begin_at: record.begin_at,
            submitted_ms: record.submitted_ms,
            started_ms: record.started_ms,
        }
    }

    /// The state of a job that does not run: what it waits for, the strongest reason first.
    pub(crate) fn waiting_state(&self, wall_ms: u64) -> JobState {
        if self.hold {
            JobState::Held
        } else if self.depends.iter().any(|edge| !edge.fulfilled) || self.begin_at.is_some_and(|at| at > wall_ms) {
            JobState::Blocked
        } else {
            JobState::Queued
        }
    }
}

/// Live jobs by id. Ids only grow, so the table is a window that moves.
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
    /// By id less one: the state's place in [`JobState::ALL`] (0 while alive) and the worker's place
    /// in `workers` plus one.
    verdicts: Vec<(u8, u16)>,
    workers: Vec<IpAddr>,
}

impl EndedTable {
    pub(crate) fn get(&self, id: JobId) -> Option<EndedRecord> {
        let (state, worker) = *self.verdicts.get(usize::try_from(id.0.checked_sub(1)?).ok()?)?;
        let state = *JobState::ALL.get(usize::from(state)).filter(|state| state.is_terminal())?;
        let worker = usize::from(worker).checked_sub(1).and_then(|place| self.workers.get(place)).copied();
        Some(EndedRecord { job: id, state, worker })
    }

    pub(crate) fn insert(&mut self, record: EndedRecord) {
        let index = usize::try_from(record.job.0 - 1).expect("job ids fit the address space");
        if self.verdicts.len() <= index {
            self.verdicts.resize(index + 1, (0, 0));
        }
        let place = JobState::ALL.iter().position(|state| *state == record.state).expect("ALL names every state");
        let state = u8::try_from(place).expect("there are seven states");
        self.verdicts[index] = (state, record.worker.map_or(0, |ip| self.worker_place(ip)));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = EndedRecord> {
        (1..=self.verdicts.len() as u64).filter_map(|n| self.get(JobId(n)))
    }

    /// Place of a worker plus one. Beyond 65,534 different workers, which no home has, a job is
    /// remembered without its worker.
    fn worker_place(&mut self, ip: IpAddr) -> u16 {
        let place = self.workers.iter().rposition(|known| *known == ip).unwrap_or_else(|| {
            self.workers.push(ip);
            self.workers.len() - 1
        });
        u16::try_from(place + 1).unwrap_or(0)
    }
}
