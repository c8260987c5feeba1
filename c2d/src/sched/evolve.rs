//! How each decision changes the state: the only place where anything durable does.
//!
//! A decision that does not fit the state is a defect of a handler and panics here, before it can
//! reach the store.

use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{JobState, Outcome};

use crate::sched::decision::{Back, EndedRecord, JobRecord, Wish, WorkerRecord};
use crate::sched::event::{Now, PollToken};
use crate::sched::fit::Share;
use crate::sched::jobs::Job;
use crate::sched::queues::Shape;
use crate::sched::scheduler::Scheduler;
use crate::sched::workers::{Grant, Worker};
use crate::sched::{Decision, Measure, reserve};

impl Scheduler {
    pub(crate) fn evolve(&mut self, now: Now, decision: &Decision) {
        match decision {
            Decision::AddJob(record) => self.add_job((**record).clone()),
            Decision::SetWaiting { job, state } => self.set_state(*job, *state),
            Decision::Place { job, place } => self.place(*job, *place),
            Decision::Change(record) => self.change(record),
            Decision::Fulfil { job, on } => self.fulfil(*job, *on),
            Decision::Pin { job, worker } => self.pin(*job, worker),
            Decision::Assign { attempt, worker, share, ahead, at_ms, .. } => {
                self.assign(now, *attempt, worker, (share, *ahead), *at_ms);
            }
            Decision::Wish { attempt, wish } => self.set_wish(*attempt, wish.as_ref()),
            Decision::MarkCancelling { job } => self.active(*job).cancelling = true,
            Decision::Requeue { attempt, back, .. } => self.requeue(*attempt, *back),
            Decision::Readopt { attempt, worker } => self.readopt(*attempt, worker),
            Decision::Deliver { attempt, worker, outcome } => self.deliver(*attempt, worker, outcome),
            Decision::Free { attempt, worker } => self.free(*attempt, worker),
            Decision::End { job, outcome, started_ms, at_ms, seq, .. } => {
                self.end(now, *job, outcome, *started_ms, *at_ms, *seq);
            }
            Decision::PutWorker(record) => self.put_worker(now, record),
            Decision::RemoveWorker { worker } => self.remove_worker(worker),
            Decision::RememberKey(key) => drop(self.keys.insert(key.key.clone(), key.clone())),
            Decision::ForgetKey { key } => drop(self.keys.remove(key)),
            Decision::SetPaused { paused } => self.set_paused(*paused),
            Decision::LimitBatch { batch, max_running } => self.limit_batch(batch, *max_running),
            Decision::PutSchedule(record) => self.put_schedule((**record).clone()),
            Decision::RemoveSchedule { name } => self.remove_schedule(name),
            Decision::PutRule(record) => self.put_rule((**record).clone()),
            Decision::RemoveRule { name } => drop(self.rules.remove(name)),
            Decision::AddNotice(record) => self.add_notice((**record).clone()),
            Decision::ForgetNotice { id } => drop(self.notices.remove(id)),
            Decision::Wake { worker, .. } => self.begin_to_wake(now, worker),
            Decision::Answer { token, .. } => self.unpark(*token),
        }
    }

    /// Adds a job in the state of its record; also the way in which a restart brings jobs back.
    pub(crate) fn add_job(&mut self, record: JobRecord) {
        let (id, state) = (record.id, record.state);
        let job = self.enter(record, Shape::default());
        self.counts.add(state);
        if state == JobState::Running {
            self.batches.start(job.terms.batch.as_ref());
        }
        self.jobs.insert(id, job);
        self.line_up(id);
        self.last_job = self.last_job.max(id.0);
        self.touched.jobs.insert(id);
    }

    /// Has a job known to the jobs that it waits for and to those that ask for the same.
    fn enter(&mut self, mut record: JobRecord, shape: Shape) -> Job {
        let (placement, pinned) = (Arc::clone(&record.terms.placement), record.pinned.clone());
        let shape = self.queues.enter(Shape { placement, pinned, batch: record.terms.batch.clone(), ..shape });
        self.queues.share(shape, &mut record.terms);
        for edge in record.depends.iter().filter(|edge| !edge.fulfilled) {
            let dependents = self.dependents.entry(edge.on).or_default();
            if let Err(place) = dependents.binary_search(&record.id) {
                dependents.insert(place, record.id);
            }
        }
        self.last_place = self.last_place.max(record.place());
        Job { record, shape }
    }

    /// Lets a job wait where its state says: in its queue, for its time to begin, for its last hour.
    fn line_up(&mut self, id: JobId) {
        let job = self.jobs.get(id).expect("an active job lines up");
        let (rank, shape, begin_at) = (job.rank(), job.shape, job.terms.begin_at);
        let expires_at = job.expires_at();
        match job.state {
            JobState::Queued => {
                self.queues.push(shape, rank);
                self.fresh.shapes.insert(shape);
            }
            JobState::Blocked => self.begins.extend(begin_at.map(|at| (at, id))),
            _ => {}
        }
        self.expiries.extend(expires_at.map(|at| (at, id)));
    }

    /// Takes a job from wherever it waits.
    fn step_out(&mut self, id: JobId) {
        let job = self.jobs.get(id).expect("an active job steps out");
        if job.state == JobState::Queued {
            self.queues.remove(job.shape, job.rank());
            self.fresh.workers.extend(reserve::give_back(&mut self.kept_room, id));
        }
        if let Some(at) = job.terms.begin_at {
            self.begins.remove(&(at, id));
        }
        if let Some(at) = job.expires_at() {
            self.expiries.remove(&(at, id));
        }
    }

    /// Moves a job to another state that is not final.
    fn set_state(&mut self, id: JobId, state: JobState) {
        self.step_out(id);
        let job = self.active(id);
        let (from, batch) = (std::mem::replace(&mut job.state, state), job.terms.batch.clone());
        self.counts.shift(from, state);
        match (from, state) {
            (JobState::Running, JobState::Running) => {}
            (JobState::Running, _) => self.stop_in_batch(batch.as_ref()),
            (_, JobState::Running) => self.batches.start(batch.as_ref()),
            _ => {}
        }
        self.line_up(id);
    }

    fn place(&mut self, id: JobId, place: i64) {
        self.step_out(id);
        Arc::make_mut(&mut self.active(id).terms).place = Some(place);
        self.last_place = self.last_place.max(place);
        self.line_up(id);
    }

    /// Replaces what a job asks for.
    fn change(&mut self, record: &JobRecord) {
        let id = record.id;
        self.step_out(id);
        let old = self.active(id);
        let (shape, state, batch) = (old.shape, old.state, old.terms.batch.clone());
        let waited: Vec<JobId> = old.depends.iter().map(|edge| edge.on).collect();
        for on in waited {
            if let Some(dependents) = self.dependents.get_mut(&on) {
                dependents.retain(|dependent| *dependent != id);
            }
        }
        let avoided = self.queues.shape(shape).clone();
        let job = self.enter(record.clone(), avoided);
        self.queues.leave(shape);
        self.counts.shift(state, record.state);
        if state == JobState::Running {
            self.stop_in_batch(batch.as_ref());
            self.batches.start(job.terms.batch.as_ref());
        }
        *self.active(id) = job;
        self.line_up(id);
    }

    fn fulfil(&mut self, id: JobId, on: JobId) {
        for edge in self.active(id).depends.iter_mut().filter(|edge| edge.on == on) {
            edge.fulfilled = true;
        }
    }

    fn pin(&mut self, id: JobId, worker: &WorkerId) {
        let job = self.active(id);
        assert!(job.state != JobState::Queued, "{id} is tied to a worker before it may start");
        job.pinned = Some(worker.clone());
        self.reshape(id, |shape| shape.pinned = Some(worker.clone()));
    }

    fn assign(&mut self, now: Now, attempt: AttemptId, worker: &WorkerId, (share, ahead): (&Share, bool), at_ms: u64) {
        let job = self.active(attempt.job);
        assert!(attempt.number == job.attempt + 1, "attempts of {} are counted", attempt.job);
        let batch = job.terms.batch.clone();
        assert!(self.batches.full(batch.as_ref()).is_none(), "enough jobs of the batch of {} run", attempt.job);
        let job = self.active(attempt.job);
        job.attempt = attempt.number;
        job.worker = Some(worker.clone());
        job.started_ms = Some(at_ms);
        let measure = Measure::of_start(job, at_ms);
        self.touched.measures.extend(measure);
        self.set_state(attempt.job, JobState::Running);
        let known = self.known(worker);
        assert!(known.room().admits(share), "{attempt} takes more than {worker} has free: {share:?}");
        // I19: what waits there already has the next slots.
        assert!(ahead || known.slots_free() > 0, "{attempt} gets a slot that {worker} does not have");
        let (share, since) = (share.clone(), Some(now.mono));
        known.grant(attempt, Grant { share, ahead, since, ..Grant::default() });
        self.touch_worker(worker);
        self.note_room(worker);
    }

    fn set_wish(&mut self, attempt: AttemptId, wish: Option<&Wish>) {
        let worker = self.active(attempt.job).worker.clone().expect("what was given ahead is at a worker");
        let grant = self.known(&worker).grants.get_mut(&attempt).expect("what was given ahead is granted");
        grant.wish = wish.cloned();
        grant.recall |= wish.is_some();
    }

    fn requeue(&mut self, attempt: AttemptId, back: Back) {
        self.step_out(attempt.job);
        let job = self.active(attempt.job);
        job.crashes += u32::from(back.is_crash());
        job.retries_left -= u32::from(back.is_retry());
        let (state, worker) = (job.state, job.worker.clone());
        if back.is_settled() {
            job.worker = None;
        }
        if let (true, Some(worker)) = (back.is_fault(), worker) {
            self.avoided.entry((attempt.job, worker)).or_default().faults += 1;
        }
        if back.is_void() {
            *self.recalls.entry(attempt.job).or_default() += 1;
        }
        self.line_up(attempt.job);
        if state == JobState::Running {
            self.set_state(attempt.job, JobState::Queued);
        }
    }

    fn readopt(&mut self, attempt: AttemptId, worker: &WorkerId) {
        self.set_state(attempt.job, JobState::Running);
        self.touch_worker(worker);
    }

    fn deliver(&mut self, attempt: AttemptId, worker: &WorkerId, outcome: &Outcome) {
        self.active(attempt.job);
        self.known(worker).vacate(attempt, outcome.clone());
        self.note_room(worker);
        self.fresh.workers.insert(worker.clone());
        self.touch_worker(worker);
    }

    fn free(&mut self, attempt: AttemptId, worker: &WorkerId) {
        self.known(worker).free(attempt);
        self.note_room(worker);
        self.fresh.workers.insert(worker.clone());
        self.touch_worker(worker);
    }

    fn end(&mut self, now: Now, id: JobId, outcome: &Outcome, started_ms: Option<u64>, at_ms: u64, seq: u64) {
        let mut view = self.job(now, id).expect("only an active job ends");
        assert!(seq == self.last_seq + 1, "the log has no gaps");
        self.last_seq = seq;
        let state = outcome.state();
        self.step_out(id);
        let job = self.jobs.remove(id).expect("only an active job ends");
        self.counts.shift(job.state, state);
        if job.state == JobState::Running {
            self.stop_in_batch(job.terms.batch.as_ref());
        }
        self.queues.leave(job.shape);
        self.forget_avoided(id);
        self.forget_rest(id);
        self.recalls.remove(&id);
        self.defects.remove(&id);
        self.dependents.remove(&id);
        self.ended.insert(EndedRecord { job: id, state, worker: job.worker.clone() });
        self.touched.jobs.remove(&id);
        self.touched.measures.push(Measure::of_end(&job, state, at_ms));
        view.state = state;
        view.ip = job.worker.as_ref().and_then(|id| self.workers.get(id)).map(Worker::ip);
        view.worker.clone_from(&job.worker);
        view.started_ms = started_ms.or(job.started_ms);
        view.ended_ms = Some(at_ms);
        view.outcome = Some(outcome.clone());
        self.touched.ended.push(view);
        self.touched.workers.extend(job.record.worker);
    }

    fn put_worker(&mut self, now: Now, record: &WorkerRecord) {
        let id = &record.intro.id;
        match self.workers.get_mut(id) {
            Some(worker) => worker.put(record.clone()),
            None => self.workers.insert(id.clone(), Worker::new(record.clone(), now.mono)),
        }
        self.note_sleep(id);
        self.note_room(id);
        self.fresh.workers.insert(id.clone());
        self.touch_worker(id);
    }

    fn remove_worker(&mut self, id: &WorkerId) {
        self.touched.gone.push(self.who(id));
        let worker = self.workers.remove(id).expect("only a known worker is removed");
        self.suspicion.clear(id);
        self.kept_room.remove(id);
        self.with_room.remove(id);
        self.with_ahead.remove(id);
        self.sleepers.remove(id);
        self.look_for_sleepers = true;
        assert!(worker.grants.is_empty() && worker.presence.parked.is_none(), "{id} is still in use");
        self.touch_worker(id);
    }

    fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        if paused {
            self.fresh.workers.extend(self.with_ahead.iter().cloned());
        } else {
            self.fresh.workers.extend(self.workers.keys().cloned());
            self.look_for_sleepers = true;
        }
    }

    /// Takes a poll that is being answered off the list of those that wait, if it was on it.
    fn unpark(&mut self, token: PollToken) {
        if let Some(id) = self.parked.remove(&token) {
            self.known(&id).presence.parked = None;
        }
    }

    /// A job that a handler knows to be active, marked as changed.
    fn active(&mut self, id: JobId) -> &mut Job {
        self.touched.jobs.insert(id);
        self.jobs.get_mut(id).expect("decisions name active jobs")
    }

    /// A worker that a handler knows to exist.
    pub(crate) fn known(&mut self, id: &WorkerId) -> &mut Worker {
        self.workers.get_mut(id).expect("decisions name known workers")
    }
}
