//! What may be seen of the scheduler's state: plain owned rows, made on demand.
//!
//! The rows carry the specification as it came; whoever shows them reads what it needs of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::api::files::Needed;
use c2_shared::api::jobs::QueueStatus;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{JobState, Needs, Outcome};
use c2_shared::limits::LEASE_MS;
use c2_shared::resources::{Amounts, Capacity};
use c2_shared::worker::{Load, WorkerStatus};

use crate::sched::Reject;
use crate::sched::event::{Introduction, Now};
use crate::sched::fit::cards_among;
use crate::sched::jobs::Job;
use crate::sched::scheduler::Scheduler;
use crate::sched::workers::Worker;

/// Jobs that are named as unreadable; whoever has more restores a backup.
const DEFECTS_SHOWN: usize = 20;

/// A job that has not ended, or has just.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    pub id: JobId,
    pub state: JobState,
    pub payload: Arc<str>,
    pub attempt: u32,
    pub worker: Option<WorkerId>,
    /// The address of that worker.
    pub ip: Option<IpAddr>,
    pub cancelling: bool,
    /// It runs on a worker that is offline.
    pub unreachable: bool,
    /// Its processes have ended, and what they wrote is on its way.
    pub delivering: bool,
    /// Its processes stand still, as its worker yields.
    pub frozen: bool,
    pub submitted_ms: u64,
    pub started_ms: Option<u64>,
    pub ended_ms: Option<u64>,
    /// What its latest attempt took, which the result says and nothing here decides by.
    pub figures: Figures,
    pub outcome: Option<Outcome>,
}

/// What an attempt took, as its worker measured it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How long it ran.
    pub took_ms: Option<u64>,
    /// The most memory that it used.
    pub peak_bytes: Option<u64>,
    /// The time of processors.
    pub cpu_ms: Option<u64>,
}

/// A worker.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerView {
    /// Where it was last heard.
    pub ip: IpAddr,
    pub intro: Introduction,
    pub status: WorkerStatus,
    pub groups: BTreeSet<String>,
    /// The tags that it offers.
    pub offered: BTreeSet<String>,
    /// These, and those that are held though no longer offered, each with its holder.
    pub tags: BTreeMap<String, Option<AttemptId>>,
    pub running: Vec<JobId>,
    /// The attempts at them.
    pub attempts: Vec<AttemptId>,
    pub slots: u32,
    pub slots_used: u32,
    /// What it has beside its slots, and what of that is held.
    pub has: Capacity,
    pub taken: Needs,
    /// What operators say that it has.
    pub set: Amounts,
    pub silent_ms: Option<u64>,
    /// Another worker has its address by now.
    pub passed_on: bool,
    pub past_lease: bool,
    /// What is left of its lease, which begins when it is heard, or with c2d.
    pub lease_left_ms: u64,
    /// Jobs that wait for it to come back, however long that takes.
    pub awaited: usize,
    /// From where another machine uses its identity.
    pub cloned_at: Option<IpAddr>,
    /// Why it is in quarantine, or could not start the last job that it got.
    pub fault: Option<String>,
    /// How often in a row its machine was woken and not heard.
    pub wakes_failed: u32,
    /// Commands fail there at once that succeed elsewhere.
    pub suspect: bool,
    pub load: Load,
}

impl Scheduler {
    /// Those of some jobs that have ended and that no job depends on which has not.
    pub fn done_with(&self, mut jobs: BTreeSet<JobId>) -> Vec<JobId> {
        jobs.retain(|job| self.ended.get(*job).is_some());
        for (_, job) in self.jobs.iter() {
            for edge in &job.depends {
                jobs.remove(&edge.on);
            }
        }
        jobs.into_iter().collect()
    }

    /// The ended jobs of a worker that jobs depend on which have not ended, each with one of those.
    pub fn needed_on(&self, worker: &WorkerId) -> Vec<Needed> {
        let ran_there = |on: JobId| self.ended.get(on).is_some_and(|ended| ended.worker.as_ref() == Some(worker));
        let edges = self.jobs.iter().flat_map(|(by, job)| job.depends.iter().map(move |edge| (edge.on, by)));
        let mut needed = BTreeMap::new();
        for (job, by) in edges.filter(|(on, _)| ran_there(*on)) {
            needed.entry(job).or_insert(by);
        }
        needed.into_iter().map(|(job_id, by)| Needed { job_id, by }).collect()
    }

    /// An active job.
    pub fn job(&self, now: Now, id: JobId) -> Option<JobView> {
        self.jobs.get(id).map(|job| self.view(now, id, job))
    }

    /// The specification of an active job.
    pub fn payload(&self, id: JobId) -> Result<Arc<str>, Reject> {
        self.find_active(id).map(|job| Arc::clone(&job.payload))
    }

    /// Active jobs by id, after `after`, of one state or all, at most `limit`.
    pub fn jobs(&self, now: Now, state: Option<JobState>, after: Option<JobId>, limit: usize) -> Vec<JobView> {
        let first = JobId(after.map_or(0, |id| id.0.saturating_add(1)));
        let is_wanted = |job: &Job| state.is_none_or(|state| self.shown_state(job) == state);
        let wanted = self.jobs.iter_from(first).filter(|(_, job)| is_wanted(job));
        wanted.take(limit).map(|(id, job)| self.view(now, id, job)).collect()
    }

    /// Active jobs that were tried before and do not run, the latest first, at most `limit`.
    pub fn tried(&self, now: Now, limit: usize) -> Vec<JobView> {
        let waits = |job: &Job| job.attempt > 0 && job.state != JobState::Running;
        let tried: Vec<JobId> = self.jobs.iter().filter(|(_, job)| waits(job)).map(|(id, _)| id).collect();
        tried.into_iter().rev().take(limit).filter_map(|id| self.job(now, id)).collect()
    }

    /// All workers by address.
    pub fn workers(&self, now: Now) -> Vec<WorkerView> {
        let mut views: Vec<WorkerView> = self.workers.values().map(|worker| self.view_of(now, worker)).collect();
        views.sort_by_key(|view| view.ip);
        views
    }

    /// One worker.
    pub fn worker(&self, now: Now, id: &WorkerId) -> Option<WorkerView> {
        self.workers.get(id).map(|worker| self.view_of(now, worker))
    }

    /// Slots of the workers at an address.
    pub fn slots_at(&self, ip: IpAddr) -> Option<u32> {
        self.workers.values().filter(|worker| worker.ip() == ip).map(|worker| worker.slots()).max()
    }

    /// The queue in numbers.
    pub fn queue(&self, now: Now) -> QueueStatus {
        let of = |state| usize::try_from(self.counts.of(state)).unwrap_or(usize::MAX);
        let ended = JobState::ALL.into_iter().filter(|state| state.is_terminal());
        let ahead = self.waiting_ahead();
        let online = || self.workers.values().filter(|worker| worker.is_online(now.mono));
        QueueStatus {
            blocked: of(JobState::Blocked),
            held: of(JobState::Held),
            queued: of(JobState::Queued) + ahead,
            running: of(JobState::Running) - ahead,
            unreachable: self.unreachable(now),
            cannot_run: self.cannot_run(now),
            active: self.jobs.len(),
            capacity: self.capacity,
            ended: ended.map(|state| (state, self.counts.of(state))).collect(),
            workers_online: online().count(),
            slots: online().map(Worker::slots).sum(),
            slots_used: online().map(Worker::slots_used).sum(),
            recovering: self.recovering_until.is_some(),
            unreadable: self.defects.keys().take(DEFECTS_SHOWN).copied().collect(),
            paused: self.paused,
        }
    }

    /// How many jobs run on workers that are not heard.
    fn unreachable(&self, now: Now) -> usize {
        let silent = self.workers.values().filter(|worker| !worker.is_online(now.mono));
        let runs = |attempt: &&AttemptId| {
            let job = self.jobs.get(attempt.job).filter(|_| self.is_current(**attempt));
            job.is_some_and(|job| self.shown_state(job) == JobState::Running)
        };
        silent.flat_map(|worker| worker.grants.keys()).filter(runs).count()
    }

    /// How many jobs wait for a worker, by the group that they ask for.
    pub fn waiting_by_group(&self) -> BTreeMap<String, usize> {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for (shape, jobs) in self.queues.lengths() {
            let shape = self.queues.shape(shape);
            *groups.entry(shape.placement.group.clone().unwrap_or_default()).or_default() += jobs;
        }
        groups
    }

    pub(crate) fn view(&self, now: Now, id: JobId, job: &Job) -> JobView {
        let state = self.shown_state(job);
        let runs = state == JobState::Running;
        let attempt = AttemptId { job: id, number: job.attempt };
        let worker = job.worker.as_ref().filter(|_| runs);
        let host = worker.and_then(|id| self.workers.get(id));
        JobView {
            id,
            state,
            payload: Arc::clone(&job.payload),
            attempt: job.attempt,
            worker: worker.cloned(),
            ip: host.map(Worker::ip),
            cancelling: job.cancelling,
            frozen: host.is_some_and(Worker::yields),
            unreachable: host.is_some_and(|worker| !worker.is_online(now.mono)),
            delivering: host.is_some_and(|worker| worker.grants.get(&attempt).is_some_and(|g| g.outcome.is_some())),
            submitted_ms: job.submitted_ms,
            started_ms: worker.and_then(|id| self.started_ms(id, attempt)).or(job.started_ms).filter(|_| runs),
            ended_ms: None,
            figures: Figures::default(),
            outcome: None,
        }
    }
}

impl Scheduler {
    fn view_of(&self, now: Now, worker: &Worker) -> WorkerView {
        let record = &worker.record;
        let offered = record.tags.iter().map(|tag| (tag.clone(), worker.held.locks.get(tag).copied()));
        let held = worker.held.locks.iter().map(|(tag, attempt)| (tag.clone(), Some(*attempt)));
        WorkerView {
            ip: worker.ip(),
            intro: record.intro.clone(),
            status: worker.status(now.mono),
            groups: record.groups.clone(),
            offered: record.tags.clone(),
            tags: offered.chain(held).collect(),
            attempts: worker.grants.keys().copied().collect(),
            running: worker.grants.iter().filter(|(_, g)| !g.waits()).map(|(attempt, _)| attempt.job).collect(),
            slots: worker.slots(),
            slots_used: worker.slots_used(),
            has: worker.has.clone(),
            taken: worker.taken(),
            set: record.resources.clone(),
            silent_ms: worker.silent_ms(now.mono),
            passed_on: record.passed_on,
            past_lease: worker.presence.expired,
            lease_left_ms: match worker.presence.expired {
                true => 0,
                false => LEASE_MS.saturating_sub(now.mono.since_ms(worker.presence.contact)),
            },
            awaited: self.awaited(worker.id()),
            cloned_at: worker.presence.newcomers.proven(now.mono),
            fault: worker.fault().map(str::to_owned),
            wakes_failed: worker.presence.rousing.failed,
            suspect: self.suspicion.is_on(worker.id()),
            load: worker.presence.load.clone(),
        }
    }
}

impl Worker {
    /// What attempts hold of it together, in the words of what a job takes: of cards that are shared the memory.
    fn taken(&self) -> Needs {
        let shared = self.has.gpus.iter().map(|card| self.held.shared_bytes(card.index));
        Needs {
            cpus: u32::try_from(self.held.cpus).unwrap_or(u32::MAX),
            memory_bytes: self.held.memory_bytes,
            gpus: u32::try_from(cards_among(self.held.locks.keys()).count()).unwrap_or(u32::MAX),
            vram_bytes: shared.sum(),
            needs: self.held.needs.clone(),
        }
    }
}
