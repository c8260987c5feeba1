//! What operators do with many jobs at once, and how jobs change that have not ended. One job that is refused
//! does not keep the others from it.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{Dependency, DependsOn, JobState, Standing};
use c2_shared::selection::{Common, Selection};

use crate::sched::decision::{DependencyEdge, JobRecord, Wanted};
use crate::sched::event::{CancelRequested, Event, HoldRequested, NewJob, Now, ReleaseRequested};
use crate::sched::graph::Edge;
use crate::sched::jobs::Job;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, Reject};

/// Which jobs are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    pub jobs: Vec<JobId>,
    /// Beside them all that have this in common.
    pub all: Option<Selection>,
}

/// What became of each job: where it stands, or why nothing was done with it.
pub type EachAnswer = Vec<(JobId, Result<JobState, Reject>)>;

/// An event about one job.
pub trait OfJob: Event<Answer = JobState> {
    fn of(job: JobId) -> Self;
}

impl OfJob for CancelRequested {
    fn of(job: JobId) -> Self {
        Self { job }
    }
}

impl OfJob for HoldRequested {
    fn of(job: JobId) -> Self {
        Self { job }
    }
}

impl OfJob for ReleaseRequested {
    fn of(job: JobId) -> Self {
        Self { job }
    }
}

/// The same happens to each of many jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToEach<E> {
    which: Which,
    event: PhantomData<fn() -> E>,
}

impl<E> From<Which> for ToEach<E> {
    fn from(which: Which) -> Self {
        Self { which, event: PhantomData }
    }
}

/// An operator moves jobs among those of their priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsMoved {
    pub which: Which,
    pub to: QueueEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueEnd {
    Top,
    Bottom,
}

/// An operator changes jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsChanged {
    pub changes: Vec<Change>,
}

/// What a job is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub job: JobId,
    /// Its specification as it was read for this; another change since makes this one void.
    pub was: Arc<str>,
    /// The new one.
    pub new: NewJob,
    /// Whether it names its dependencies anew.
    pub depends: bool,
    /// Its new time limit, if it has one; 0 for none.
    pub limit_s: Option<u64>,
    /// What of it cannot change once the job has started.
    pub fixed: Option<&'static str>,
}

impl<E: OfJob> Event for ToEach<E> {
    type Answer = EachAnswer;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let jobs = turn.s.meant(turn.now, &self.which);
        let active: BTreeSet<JobId> = jobs.iter().copied().filter(|job| turn.s.jobs.get(*job).is_some()).collect();
        let mut each = |job| match E::of(job).happen(turn) {
            // It ended with another one of them.
            Err(Reject::AlreadyEnded { state, .. }) if active.contains(&job) => Ok(state),
            other => other,
        };
        Ok(jobs.into_iter().map(|job| (job, each(job))).collect())
    }
}

impl Event for JobsMoved {
    type Answer = EachAnswer;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let jobs = turn.s.meant(turn.now, &self.which);
        let moves: BTreeSet<JobId> = jobs.iter().copied().collect();
        let waiting = |job: &Job| turn.s.shown_state(job) != JobState::Running;
        let mut ranked: Vec<_> =
            moves.iter().filter_map(|id| turn.s.jobs.get(*id)).filter(|job| waiting(job)).collect();
        ranked.sort_by_key(|job| job.rank());
        let ranked: Vec<(i32, JobId)> = ranked.into_iter().map(|job| (job.terms.priority, job.id)).collect();
        let mut next: BTreeMap<i32, i64> = BTreeMap::new();
        match self.to {
            QueueEnd::Top => {
                let others = turn.s.jobs.iter().filter(|(id, job)| waiting(job) && !moves.contains(id));
                for (_, job) in others {
                    let first = next.entry(job.terms.priority).or_insert(i64::MAX);
                    *first = (*first).min(job.place());
                }
                for (priority, _) in &ranked {
                    *next.entry(*priority).or_insert(turn.s.last_place + 1) -= 1;
                }
            }
            QueueEnd::Bottom => {
                let behind = turn.s.last_place + 1;
                next.extend(ranked.iter().map(|(priority, _)| (*priority, behind)));
            }
        }
        for (priority, job) in ranked {
            let place = next.get_mut(&priority).expect("each priority has a next place");
            turn.decide(Decision::Place { job, place: *place });
            *place += 1;
        }
        let stands = |job: JobId| match turn.s.shown_state(turn.s.find_active(job)?) {
            JobState::Running => Err(Reject::WrongState { job, state: JobState::Running }),
            state => Ok(state),
        };
        Ok(jobs.into_iter().map(|job| (job, stands(job))).collect())
    }
}

impl Event for JobsChanged {
    type Answer = EachAnswer;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        Ok(self.changes.into_iter().map(|change| (change.job, turn.change(change))).collect())
    }
}

impl Turn<'_> {
    pub(crate) fn change(&mut self, change: Change) -> Result<JobState, Reject> {
        let (id, limit_s) = (change.job, change.limit_s);
        if let Some(job) = self.s.jobs.get(id).filter(|job| self.s.waits_at(job).is_some()) {
            self.s.refuse_second_change(job)?;
            let Change { new, depends, limit_s, fixed, .. } = change.clone();
            self.s.changed(self.now, change)?;
            let wanted = Wanted { new, depends, limit_s, before_start: fixed.is_some() };
            self.wish(id, |wish| wish.change = Some(Box::new(wanted)));
            return Ok(JobState::Queued);
        }
        let record = self.s.changed(self.now, change)?;
        let (state, worker) = (record.state, record.worker.clone());
        self.decide(Decision::Change(Box::new(record)));
        if let (JobState::Running, Some(worker), Some(_)) = (state, worker, limit_s) {
            self.answer_parked(&worker, Vec::new());
        }
        Ok(state)
    }
}

impl Scheduler {
    /// The jobs that are meant, each once.
    pub fn meant(&self, now: Now, which: &Which) -> Vec<JobId> {
        let selected = which.all.as_ref().map(|all| self.selected(now, all)).unwrap_or_default();
        let mut seen = BTreeSet::new();
        which.jobs.iter().copied().chain(selected).filter(|id| seen.insert(*id)).collect()
    }

    /// Active jobs that have something in common.
    pub fn selected(&self, now: Now, all: &Selection) -> Vec<JobId> {
        let jobs = self.jobs.iter_from(all.first).take_while(|(id, _)| *id <= all.last);
        let is_one = |(id, job): &(JobId, &Job)| match &all.common {
            Common::Batch(batch) => job.terms.batch.as_deref() == Some(batch),
            Common::Group(group) => job.terms.placement.group.as_ref() == Some(group),
            Common::State(standing) if standing.state() != self.shown_state(job) => false,
            Common::State(Standing::Unreachable) => self.view(now, *id, job).unreachable,
            Common::State(Standing::Delivering) => self.view(now, *id, job).delivering,
            Common::State(Standing::Frozen) => self.view(now, *id, job).frozen,
            Common::State(Standing::Cancelling) => job.cancelling,
            Common::State(_) => true,
        };
        jobs.filter(is_one).map(|(id, _)| id).collect()
    }

    /// A job as a change would leave it, or what is wrong with that.
    fn changed(&self, now: Now, change: Change) -> Result<JobRecord, Reject> {
        let Change { job: id, was, new, depends, limit_s, fixed } = change;
        let old = self.find_active(id)?;
        if let Some(reason) = self.defects.get(&id) {
            return Err(Reject::Unreadable { job: id, reason: reason.clone() });
        }
        if old.payload != was {
            return Err(Reject::Changed { job: id });
        }
        let runs = self.shown_state(old) == JobState::Running;
        if let Some(field) = fixed.filter(|_| runs) {
            return Err(Reject::Started { job: id, field });
        }
        // Names in its specification meant the jobs that were submitted with it.
        let by_id = |edge: &DependencyEdge| Dependency { condition: edge.condition, on: DependsOn::Job(edge.on) };
        let kept = || old.depends.iter().map(by_id).collect();
        let asked = if depends { new } else { NewJob { depends: kept(), ..new } };
        let judged = self.judge_terms(std::slice::from_ref(&asked), &BTreeMap::new());
        let edges = judged.map_err(|mut all| alone(all.swap_remove(0)))?.swap_remove(0);
        if let Some((_, on)) = edges.iter().find(|edge| self.is_unmet(edge)) {
            let state = self.ended.get(*on).map_or(JobState::Failed, |ended| ended.state);
            return Err(Reject::NeverRuns { job: id, on: *on, state });
        }
        if let Some(path) = self.waits_for(&edges, id) {
            return Err(Reject::Cycle { path });
        }
        let used = old.terms.retries - old.retries_left;
        let mut record = self.new_record(id, asked, &edges, now.wall_ms);
        let terms = Arc::make_mut(&mut record.terms);
        terms.hold = old.terms.hold;
        terms.place = old.terms.place;
        terms.schedule.clone_from(&old.terms.schedule);
        terms.new_limit_s = limit_s.or(old.terms.new_limit_s).filter(|_| runs);
        record.retries_left = record.terms.retries.saturating_sub(used);
        let state =
            if runs { JobState::Running } else { record.waiting_state(old.state == JobState::Held, now.wall_ms) };
        let old = old.record.clone();
        Ok(JobRecord {
            state,
            payload: record.payload,
            name: record.name,
            terms: record.terms,
            depends: record.depends,
            pinned: record.pinned,
            retries_left: record.retries_left,
            ..old
        })
    }

    /// How a job would wait for itself, if it waited for these.
    fn waits_for(&self, edges: &[Edge], id: JobId) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<JobId, JobId> = edges.iter().map(|(_, on)| (*on, id)).collect();
        let mut open: Vec<JobId> = came_from.keys().copied().collect();
        while let Some(at) = open.pop() {
            if at == id {
                let mut path = vec![id.to_string()];
                let mut back = id;
                loop {
                    back = came_from[&back];
                    path.push(back.to_string());
                    if back == id {
                        path.reverse();
                        return Some(path);
                    }
                }
            }
            for edge in self.jobs.get(at).into_iter().flat_map(|job| &job.depends).filter(|edge| !edge.fulfilled) {
                came_from.entry(edge.on).or_insert_with(|| {
                    open.push(edge.on);
                    at
                });
            }
        }
        None
    }

    /// The time limits of what runs on a worker, where they were changed since it was given out.
    pub(crate) fn limits(&self, id: &WorkerId) -> Vec<(AttemptId, u64)> {
        let grants = self.workers.get(id).into_iter().flat_map(|worker| worker.grants.keys());
        let current = grants.filter(|attempt| self.is_current(**attempt));
        current.filter_map(|attempt| Some((*attempt, self.jobs.get(attempt.job)?.terms.new_limit_s?))).collect()
    }
}

/// A refusal without the place of the job in a batch: there is one only.
fn alone(refusal: Reject) -> Reject {
    match refusal {
        Reject::BadJob { reason, .. } => *reason,
        other => other,
    }
}
