//! Where the simulated c2d keeps its decisions: rows, changed by a second, independent reading of
//! what each decision means. That the rows give the scheduler's own state is one of the checks.

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::JobState;
use c2d::sched::Decision;
use c2d::sched::decision::{
    Back, EndedRecord, FaultRecord, GrantRecord, JobRecord, KeyRecord, NoticeRecord, RuleRecord, Saved, ScheduleRecord,
    WorkerRecord,
};
use c2d::sched::event::{FaultOf, Now};
use c2d::sched::fit::Share;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A durable store of decisions.
pub trait Disk {
    /// Makes a batch durable.
    fn commit(&mut self, now: Now, decisions: &[Decision]);
    /// Reads everything back, as after a restart.
    fn load(&mut self) -> Saved;
    /// The same while it is in use, where that is cheap.
    fn peek(&mut self) -> Option<Saved> {
        Some(self.load())
    }
}

/// A disk made of paper: maps by key.
#[derive(Clone, Debug, Default)]
pub struct PaperDisk {
    jobs: BTreeMap<JobId, JobRecord>,
    ended: BTreeMap<JobId, EndedRecord>,
    workers: BTreeMap<WorkerId, WorkerRecord>,
    grants: BTreeMap<AttemptId, GrantRecord>,
    faults: BTreeMap<(JobId, WorkerId), u32>,
    keys: BTreeMap<String, KeyRecord>,
    limits: BTreeMap<Arc<str>, u32>,
    schedules: BTreeMap<String, ScheduleRecord>,
    rules: BTreeMap<String, RuleRecord>,
    notices: BTreeMap<u64, NoticeRecord>,
    last_job: u64,
    last_seq: u64,
    paused: bool,
}

impl Disk for PaperDisk {
    fn commit(&mut self, _now: Now, decisions: &[Decision]) {
        for decision in decisions {
            self.write(decision);
        }
    }

    fn load(&mut self) -> Saved {
        Saved {
            jobs: self.jobs.values().cloned().collect(),
            ended: self.ended.values().cloned().collect(),
            workers: self.workers.values().cloned().collect(),
            grants: self.grants.values().cloned().collect(),
            faults: self.faults.iter().map(|((job, worker), times)| fault(*job, worker, *times)).collect(),
            keys: self.keys.values().cloned().collect(),
            limits: self.limits.clone().into_iter().collect(),
            schedules: self.schedules.values().cloned().collect(),
            rules: self.rules.values().cloned().collect(),
            notices: self.notices.values().cloned().collect(),
            last_job: self.last_job,
            last_seq: self.last_seq,
            paused: self.paused,
            defects: Vec::new(),
        }
    }
}

impl PaperDisk {
    fn job(&mut self, id: JobId) -> &mut JobRecord {
        self.jobs.get_mut(&id).expect("a decision names an active job")
    }

    fn requeue(&mut self, attempt: AttemptId, back: &Back) {
        let job = self.jobs.get_mut(&attempt.job).expect("a decision names an active job");
        match back {
            Back::Lost { crash } => job.crashes += u32::from(*crash),
            Back::Retry => {
                job.retries_left -= 1;
                job.worker = None;
            }
            Back::Returned { fault_of } => {
                let worker = job.worker.take();
                if let (FaultOf::Worker, Some(worker)) = (fault_of, worker) {
                    *self.faults.entry((attempt.job, worker)).or_default() += 1;
                }
            }
            Back::GivenUp { crash } => {
                job.crashes += u32::from(*crash);
                job.worker = None;
            }
        }
        if job.state == JobState::Running {
            job.state = JobState::Queued;
        }
    }

    fn write(&mut self, decision: &Decision) {
        match decision {
            Decision::AddJob(record) => {
                self.last_job = record.id.0;
                self.jobs.insert(record.id, (**record).clone());
            }
            Decision::SetWaiting { job, state } => {
                self.job(*job).state = *state;
            }
            Decision::Place { job, place } => Arc::make_mut(&mut self.job(*job).terms).place = Some(*place),
            Decision::Change(record) => *self.job(record.id) = (**record).clone(),
            Decision::Fulfil { job, on } => {
                let edges = self.job(*job).depends.iter_mut();
                edges.filter(|edge| edge.on == *on).for_each(|edge| edge.fulfilled = true);
            }
            Decision::Pin { job, worker } => self.job(*job).pinned = Some(worker.clone()),
            Decision::Assign { attempt, worker, share, ahead, at_ms, .. } => {
                let job = self.job(attempt.job);
                job.state = JobState::Running;
                job.attempt = attempt.number;
                job.worker = Some(worker.clone());
                job.started_ms = Some(*at_ms);
                let (worker, share) = (worker.clone(), share.clone());
                let grant = GrantRecord { attempt: *attempt, worker, share, outcome: None, ahead: *ahead, wish: None };
                self.grants.insert(*attempt, grant);
            }
            Decision::Wish { attempt, wish } => {
                self.grants.get_mut(attempt).expect("a decision names a grant").wish.clone_from(wish);
            }
            Decision::MarkCancelling { job } => self.job(*job).cancelling = true,
            Decision::Requeue { attempt, back, .. } => self.requeue(*attempt, back),
            Decision::Readopt { attempt, .. } => self.job(attempt.job).state = JobState::Running,
            Decision::Deliver { attempt, outcome, .. } => {
                let grant = self.grants.get_mut(attempt).expect("a decision names a grant");
                (grant.outcome, grant.share) = (Some(outcome.clone()), Share::default());
            }
            Decision::Free { attempt, .. } => drop(self.grants.remove(attempt)),
            Decision::End { job, outcome, seq, .. } => {
                let record = self.jobs.remove(job).expect("only an active job ends");
                self.faults.retain(|(other, _), _| other != job);
                self.last_seq = *seq;
                let ended = EndedRecord { job: *job, state: outcome.state(), worker: record.worker };
                self.ended.insert(*job, ended);
            }
            Decision::PutWorker(record) => drop(self.workers.insert(record.intro.id.clone(), (**record).clone())),
            Decision::RemoveWorker { worker } => drop(self.workers.remove(worker)),
            Decision::RememberKey(key) => drop(self.keys.insert(key.key.clone(), key.clone())),
            Decision::ForgetKey { key } => drop(self.keys.remove(key)),
            Decision::LimitBatch { batch, max_running: None } => drop(self.limits.remove(batch)),
            Decision::LimitBatch { batch, max_running: Some(n) } => drop(self.limits.insert(batch.clone(), *n)),
            Decision::PutSchedule(record) => drop(self.schedules.insert(record.name.clone(), (**record).clone())),
            Decision::PutRule(record) => drop(self.rules.insert(record.name.clone(), (**record).clone())),
            Decision::RemoveRule { name } => drop(self.rules.remove(name)),
            Decision::AddNotice(record) => drop(self.notices.insert(record.id, (**record).clone())),
            Decision::ForgetNotice { id } => drop(self.notices.remove(id)),
            Decision::RemoveSchedule { name } => drop(self.schedules.remove(name)),
            Decision::SetPaused { paused } => self.paused = *paused,
            Decision::Answer { .. } | Decision::Wake { .. } => unreachable!("answers are not stored"),
        }
    }
}

fn fault(job: JobId, worker: &WorkerId, times: u32) -> FaultRecord {
    FaultRecord { job, worker: worker.clone(), times }
}
