//! What operators do with jobs: submit, cancel, hold, release; and with the queue as a whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{JobState, Outcome, Placement};
use c2_shared::limits::IDEMPOTENCY_MS;
use c2_shared::target::{self, Candidate, TargetError};

use crate::sched::decision::{DependencyEdge, JobRecord, KeyRecord};
use crate::sched::event::{
    Accepted, Again, CancelRequested, Event, HoldRequested, IdempotencyKey, JobsRetried, JobsSubmitted, NewJob,
    PauseSet, ReleaseRequested,
};
use crate::sched::graph::{self, Edge};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::{Decision, Reject};

impl Event for JobsSubmitted {
    type Answer = Accepted;

    const BRINGS_JOBS: bool = true;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { jobs, key, max_running } = self;
        let known = key.as_ref().and_then(|key| turn.s.keys.get(&key.key));
        if let Some(known) = known.filter(|known| known.expires_ms > turn.now.seen_ms) {
            let ids = replay(known, key.as_ref())?;
            let job = |place: &usize| turn.s.jobs.get(*ids.get(*place)?);
            let waits = |place: &usize| job(place).is_some_and(|job| turn.s.shown_state(job) != JobState::Running);
            let mut outlooks = turn.s.outlooks(turn.now, &jobs, &[]);
            outlooks.retain(|(place, _)| waits(place));
            return Ok(Accepted { jobs: ids, outlooks });
        }
        let outdated = known.map(|known| known.key.clone());
        let edges = turn.s.check_submit(&jobs, &BTreeMap::new())?;
        if let Some(key) = outdated {
            turn.decide(Decision::ForgetKey { key });
        }
        let outlooks = turn.s.outlooks(turn.now, &jobs, &edges);
        let jobs = turn.accept(jobs, edges, key);
        if let Some(max_running) = max_running {
            turn.limit_batches_of(&jobs, max_running);
        }
        Ok(Accepted { jobs, outlooks })
    }
}

impl Event for JobsRetried {
    type Answer = Accepted;

    const BRINGS_JOBS: bool = true;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let first = turn.s.last_job + 1;
        let mut instead = BTreeMap::new();
        for (again, new) in self.jobs.iter().zip(first..) {
            match turn.s.find_active(again.of) {
                Ok(active) => return Err(Reject::NotEnded { job: again.of, state: active.state }),
                Err(Reject::AlreadyEnded { .. }) => {}
                Err(reject) => return Err(reject),
            }
            if instead.insert(again.of, JobId(new)).is_some() {
                return Err(Reject::NamedTwice { job: again.of });
            }
        }
        let mut jobs = Vec::with_capacity(self.jobs.len());
        for Again { of, mut job } in self.jobs {
            Arc::make_mut(&mut job.terms).retry_of = Some(of);
            turn.s.forget_gone_rules(&mut job);
            jobs.push(job);
        }
        let edges = turn.s.check_submit(&jobs, &instead)?;
        let outlooks = turn.s.outlooks(turn.now, &jobs, &edges);
        Ok(Accepted { jobs: turn.accept(jobs, edges, None), outlooks })
    }
}

impl Event for CancelRequested {
    type Answer = JobState;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { job: id } = self;
        let job = turn.s.find_active(id)?;
        if job.state != JobState::Running {
            turn.end(id, Outcome::Cancelled);
            return Ok(JobState::Cancelled);
        }
        let (cancelling, attempt) = (job.cancelling, AttemptId { job: id, number: job.attempt });
        let worker = job.worker.as_ref().and_then(|id| turn.s.workers.get(id));
        let Some(worker) = worker else { return Ok(JobState::Running) };
        let (worker, expired, plain) = (worker.id().clone(), worker.presence.expired, worker.is_plain());
        if expired || plain {
            // Its lease is over, so no word of it is waited for. When it is back it is told to end what
            // it lists. A plain client cannot be told to end anything.
            turn.end(id, Outcome::Cancelled);
            if plain {
                turn.free(&worker, attempt);
            }
            return Ok(JobState::Cancelled);
        }
        if !cancelling {
            turn.decide(Decision::MarkCancelling { job: id });
        }
        if !turn.s.kills(&worker).is_empty() {
            turn.answer_parked(&worker, Vec::new());
        }
        Ok(JobState::Running)
    }
}

impl Event for HoldRequested {
    type Answer = JobState;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { job: id } = self;
        let state = turn.s.find_active(id)?.state;
        match state {
            JobState::Blocked | JobState::Queued => {
                turn.decide(Decision::SetWaiting { job: id, state: JobState::Held });
            }
            JobState::Held => {}
            JobState::Running if turn.s.shown_state(turn.s.find_active(id)?) == JobState::Queued => {
                turn.wish(id, |wish| wish.hold = true);
                return Ok(JobState::Queued);
            }
            JobState::Running | JobState::Succeeded | JobState::Failed | JobState::Cancelled => {
                return Err(Reject::WrongState { job: id, state });
            }
        }
        Ok(JobState::Held)
    }
}

impl Event for ReleaseRequested {
    type Answer = JobState;

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { job: id } = self;
        let job = turn.s.find_active(id)?;
        if job.state != JobState::Held {
            let state = turn.s.shown_state(job);
            if turn.s.wish_of(id).is_some_and(|(_, wish)| wish.is_some_and(|wish| wish.hold)) {
                turn.wish(id, |wish| wish.hold = false);
                return Ok(state);
            }
            return Err(Reject::WrongState { job: id, state });
        }
        if let Some(reason) = turn.s.defects.get(&id) {
            return Err(Reject::Unreadable { job: id, reason: reason.clone() });
        }
        let state = job.waiting_state(false, turn.now.wall_ms);
        turn.decide(Decision::SetWaiting { job: id, state });
        Ok(state)
    }
}

impl Event for PauseSet {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { paused } = self;
        if turn.s.paused != paused {
            turn.decide(Decision::SetPaused { paused });
        }
        Ok(())
    }
}

impl Turn<'_> {
    /// Accepts jobs that were found to be fine.
    pub(crate) fn accept(
        &mut self,
        jobs: Vec<NewJob>,
        edges: Vec<Vec<Edge>>,
        key: Option<IdempotencyKey>,
    ) -> Vec<JobId> {
        let first = self.s.last_job + 1;
        let ids: Vec<JobId> = (first..).map(JobId).take(jobs.len()).collect();
        let mut failed = Vec::new();
        for ((id, job), edges) in ids.iter().zip(jobs).zip(edges) {
            let root = edges.iter().find(|edge| self.s.is_unmet(edge)).map(|(_, on)| *on);
            failed.extend(root.map(|root| (*id, Outcome::Dependency { root })));
            let record = self.s.new_record(*id, job, &edges, self.now.wall_ms);
            self.decide(Decision::AddJob(Box::new(record)));
        }
        if let Some(IdempotencyKey { key, digest }) = key {
            let expires_ms = self.now.seen_ms + IDEMPOTENCY_MS;
            self.decide(Decision::RememberKey(KeyRecord { key, digest, jobs: ids.clone(), expires_ms }));
        }
        // A dependency that has ended otherwise than asked is told after the job exists, so that
        // its own dependents in the batch exist too and fail with it.
        for (id, outcome) in failed {
            self.end(id, outcome);
        }
        ids
    }
}

/// Answers a repeated request as the first time.
fn replay(known: &KeyRecord, key: Option<&IdempotencyKey>) -> Result<Vec<JobId>, Reject> {
    if key.is_some_and(|key| key.digest != known.digest) {
        return Err(Reject::KeyReused { key: known.key.clone() });
    }
    Ok(known.jobs.clone())
}

impl Scheduler {
    /// The first thing that is wrong with a batch, before any of it is accepted.
    pub(crate) fn check_submit(
        &self,
        jobs: &[NewJob],
        instead: &BTreeMap<JobId, JobId>,
    ) -> Result<Vec<Vec<Edge>>, Reject> {
        self.judge(jobs, instead).map_err(|mut refusals| refusals.swap_remove(0))
    }

    /// Everything that can be wrong with a batch.
    pub(crate) fn judge(
        &self,
        jobs: &[NewJob],
        instead: &BTreeMap<JobId, JobId>,
    ) -> Result<Vec<Vec<Edge>>, Vec<Reject>> {
        let (active, asked) = (self.jobs.len(), jobs.len());
        let full = active + asked > self.capacity;
        let full = full.then_some(Reject::QueueFull { active, capacity: self.capacity, asked });
        match (full, self.judge_terms(jobs, instead)) {
            (None, judged) => judged,
            (Some(full), judged) => Err([full].into_iter().chain(judged.err().into_iter().flatten()).collect()),
        }
    }

    /// Everything that can be wrong with what jobs ask for.
    pub(crate) fn judge_terms(
        &self,
        jobs: &[NewJob],
        instead: &BTreeMap<JobId, JobId>,
    ) -> Result<Vec<Vec<Edge>>, Vec<Reject>> {
        let mut refusals = Vec::new();
        let groups = self.groups();
        let asked =
            jobs.iter().enumerate().filter_map(|(place, job)| Some((place, job.terms.placement.group.as_ref()?)));
        for (place, group) in asked.filter(|(_, group)| !groups.contains(group)) {
            let known = groups.iter().copied().cloned().collect();
            refusals.push(Reject::UnknownGroup { group: group.clone(), known }.of_job(place));
        }
        let (edges, more) = graph::resolve(jobs, self.last_job + 1, instead);
        refusals.extend(more);
        // Also of a job that was removed its verdict stays; of anything else no end would ever come.
        let known = |on: JobId| on.0 > self.last_job || self.jobs.get(on).is_some() || self.ended.get(on).is_some();
        for (place, edges) in edges.iter().enumerate() {
            let unknown = edges.iter().find(|(_, on)| !known(*on));
            refusals.extend(unknown.map(|(_, job)| Reject::UnknownJob { job: *job }.of_job(place)));
        }
        for (place, (_, edges)) in jobs.iter().zip(&edges).enumerate().filter(|(_, (job, _))| job.terms.same_machine) {
            let conflict = |(first, second)| {
                let (first, second) = (self.called(&first), self.called(&second));
                Reject::SameMachineConflict { first, second }.of_job(place)
            };
            refusals.extend(self.machine_of(edges).err().map(conflict));
        }
        for (place, job) in jobs.iter().enumerate() {
            let unknown = job.terms.notify.iter().find_map(|name| self.find_rule(name).err());
            refusals.extend(unknown.map(|reject| reject.of_job(place)));
            let placement = &job.terms.placement;
            for (field, words) in [("exclude", &placement.exclude), ("workers", &placement.workers)] {
                let ambiguous = self.check_words(field, words).err();
                refusals.extend(ambiguous.map(|reject| reject.of_job(place)));
            }
        }
        if refusals.is_empty() { Ok(edges) } else { Err(refusals) }
    }

    /// Refuses words that may mean this worker or that.
    fn check_words(&self, field: &'static str, words: &[String]) -> Result<(), Reject> {
        if words.is_empty() {
            return Ok(());
        }
        let workers = self.candidates();
        match words.iter().find_map(|word| target::find(word, &workers).err()) {
            Some(TargetError::Ambiguous(name, workers)) => Err(Reject::AmbiguousWorker { field, name, workers }),
            _ => Ok(()),
        }
    }

    /// Where a job may run, with each worker by its id, which it keeps wherever it goes. Words that mean nobody
    /// yet stay as they are.
    pub(crate) fn pinned_down<'a>(&self, placement: &'a Placement) -> Cow<'a, Placement> {
        let mut placement = Cow::Borrowed(placement);
        if !(placement.exclude.is_empty() && placement.workers.is_empty()) {
            let workers = self.candidates();
            let Placement { exclude, workers: among, .. } = placement.to_mut();
            for word in exclude.iter_mut().chain(among) {
                if let Ok(worker) = target::find(word, &workers) {
                    *word = worker.id.to_string();
                }
            }
        }
        placement
    }

    pub(crate) fn candidates(&self) -> Vec<Candidate<'_>> {
        self.workers.values().map(|worker| worker.candidate(self.now.mono)).collect()
    }

    /// Whether a dependency has ended otherwise than asked.
    pub(crate) fn is_unmet(&self, (condition, on): &Edge) -> bool {
        self.ended.get(*on).is_some_and(|ended| !graph::meets(*condition, ended.state))
    }

    pub(crate) fn new_record(&self, id: JobId, job: NewJob, edges: &[Edge], wall_ms: u64) -> JobRecord {
        let edge = |&(condition, on): &Edge| DependencyEdge { condition, on, fulfilled: self.ended.get(on).is_some() };
        let pinned = job.terms.same_machine.then(|| self.machine_of(edges).unwrap_or_default()).flatten();
        let mut terms = job.terms;
        if let Cow::Owned(placement) = self.pinned_down(&terms.placement) {
            Arc::make_mut(&mut terms).placement = Arc::new(placement);
        }
        // Behind all that there are, also those that were moved behind the last number.
        let place = Some(self.last_place + 1).filter(|place| *place > id.0.cast_signed());
        if terms.place != place {
            Arc::make_mut(&mut terms).place = place;
        }
        let mut record = JobRecord {
            id,
            state: JobState::Queued,
            payload: job.payload,
            name: job.name,
            depends: edges.iter().map(edge).collect(),
            pinned,
            retries_left: terms.retries,
            terms,
            submitted_ms: wall_ms,
            attempt: 0,
            worker: None,
            started_ms: None,
            cancelling: false,
            crashes: 0,
        };
        record.state = record.waiting_state(record.terms.hold, wall_ms);
        record
    }

    /// An active job, or why there is none of this id.
    pub(crate) fn find_active(&self, id: JobId) -> Result<&crate::sched::jobs::Job, Reject> {
        self.jobs.get(id).ok_or_else(|| match self.ended.get(id) {
            Some(ended) => Reject::AlreadyEnded { job: id, state: ended.state },
            None => Reject::UnknownJob { job: id },
        })
    }
}
