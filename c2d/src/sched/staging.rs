//! Jobs that are given ahead of free slots, so that the end of a short job and the start of the next need no round
//! trip: they wait at the worker, which starts them by itself.
//!
//! That is done where every worker is full that could take the job, and only with short ones: it must be as good
//! as certain that it starts there first. As soon as it is not, the worker is asked to give it back. It has gone
//! elsewhere when the worker said that it gave it back, or lists it no longer, and not before: it may have started.
//! People see such a job as queued. That it was given is durable; that it waits, or is called back, is not.

use std::collections::BTreeSet;

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{self, JobState, OnLost};
use c2_shared::limits::{AHEAD_BRIEF_MS, AHEAD_PER_SLOT, AHEAD_RESULTS, AHEAD_TOOK_MS, AHEAD_WAITS_MS, RECALLS_MAX};
use c2_shared::time::Mono;

use crate::sched::blame::Trial;
use crate::sched::decision::Handout;
use crate::sched::event::ResultSummary;
use crate::sched::jobs::Job;
use crate::sched::place::suits;
use crate::sched::queues::Shape;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::{Grant, Worker};

impl Worker {
    /// Whether it may be given one more job ahead of its slots.
    fn takes_one_ahead(&self, now: Mono) -> bool {
        let young = |grant: &&Grant| {
            grant.outcome.is_none() && !grant.waits() && grant.since.is_some_and(|since| is_young(since, now))
        };
        self.presence.takes_ahead
            && self.presence.trial == Trial::Trusted
            && self.presence.short_results >= AHEAD_RESULTS
            && self.slots_used() >= self.slots()
            && !self.presence.load.disk_full
            && self.waiting().count() < self.ahead_per_slot() * self.grants.values().filter(young).count()
    }

    const fn ahead_per_slot(&self) -> usize {
        if self.presence.brief_results >= AHEAD_RESULTS { AHEAD_PER_SLOT } else { 1 }
    }

    /// Whether it could start a job of a shape at once, as far as is known.
    fn has_room_for(&self, shape: &Shape, now: Mono) -> bool {
        let is_open = self.is_online(now) && !self.record.drained && self.is_admitted();
        is_open && self.presence.said_free > 0 && self.slots_free() > 0 && suits(shape, self)
    }

    /// When something was there for so long that it is called back.
    pub(crate) fn recalls_at(&self) -> Option<Mono> {
        let open = self.waiting().filter(|(_, grant)| !grant.recall);
        open.filter_map(|(_, grant)| Some(grant.since?.after_ms(AHEAD_WAITS_MS))).min()
    }

    /// Notes how long an attempt took that ended there.
    pub(crate) fn note_result(&mut self, result: &ResultSummary) {
        let took_ms = result.took_ms.filter(|_| result.outcome.ran_to_an_end());
        let presence = &mut self.presence;
        for (row, limit_ms) in
            [(&mut presence.short_results, AHEAD_TOOK_MS), (&mut presence.brief_results, AHEAD_BRIEF_MS)]
        {
            *row = if took_ms.is_some_and(|took_ms| took_ms < limit_ms) { row.saturating_add(1) } else { 0 };
        }
    }
}

const fn is_young(since: Mono, now: Mono) -> bool {
    now.since_ms(since) < AHEAD_WAITS_MS
}

impl Turn<'_> {
    /// Gives a worker a job for which it has no slot yet, if the job is the best for it and nobody could start it
    /// now.
    pub(crate) fn give_ahead(&mut self, id: &WorkerId) -> Option<Handout> {
        let worker = self.s.workers.get(id)?;
        if !worker.takes_one_ahead(self.now.mono) || self.s.kept_room.contains_key(id) {
            return None;
        }
        let best = self.s.best_for(worker).filter(|best| self.s.goes_ahead(best.job))?;
        Some(self.assign(id, best, true))
    }

    /// Calls back what waits at a worker and is needed elsewhere, or should not start: looks at those workers that
    /// changed, or at all.
    pub(crate) fn recall(&mut self, all: bool, changed: &BTreeSet<WorkerId>) {
        if self.s.with_ahead.is_empty() {
            return;
        }
        let concerned = |id: &&WorkerId| all || changed.contains(*id);
        let concerned: Vec<WorkerId> = self.s.with_ahead.iter().filter(concerned).cloned().collect();
        let mut recalled = BTreeSet::new();
        for id in concerned {
            recalled.extend(self.s.outranked_at(&id).into_iter().map(|attempt| (id.clone(), attempt)));
        }
        recalled.extend(self.s.needed_elsewhere(&recalled));
        self.call_back(recalled);
    }

    /// Calls back what has waited at a worker for too long.
    pub(crate) fn recall_overdue(&mut self, id: &WorkerId) {
        let now = self.now.mono;
        let overdue = |grant: &Grant| !grant.recall && grant.since.is_none_or(|since| !is_young(since, now));
        let overdue = self.s.workers[id].waiting().filter(|(_, grant)| overdue(grant));
        let overdue = overdue.map(|(attempt, _)| (id.clone(), *attempt)).collect();
        self.call_back(overdue);
    }

    /// Has attempts given back: a poll that waits is answered with it.
    pub(crate) fn call_back(&mut self, attempts: BTreeSet<(WorkerId, AttemptId)>) {
        let mut told = BTreeSet::new();
        for (id, attempt) in attempts {
            let worker = self.s.known(&id);
            if let Some(grant) = worker.grants.get_mut(&attempt) {
                grant.recall = true;
            }
            if worker.presence.listed.contains(&attempt) {
                told.insert(id);
            }
        }
        for id in told {
            if !self.s.recalled(&id).is_empty() {
                self.answer_parked(&id, Vec::new());
            }
        }
    }
}

impl Scheduler {
    /// Keeps the lists of workers with room, and with anything that was given ahead.
    pub(crate) fn note_room(&mut self, id: &WorkerId) {
        let Some(worker) = self.workers.get(id) else { return };
        let note = |list: &mut BTreeSet<WorkerId>, is_in: bool| {
            if !is_in {
                list.remove(id);
            } else if !list.contains(id) {
                list.insert(id.clone());
            }
        };
        note(&mut self.with_room, worker.slots_free() > 0);
        note(&mut self.with_ahead, worker.has_ahead());
    }

    /// Whether a job may be given ahead of a slot: it takes nothing that others could want meanwhile, nothing has
    /// to be fetched for it, it may run again, and all who could start it at once have enough to do.
    fn goes_ahead(&self, id: JobId) -> bool {
        let Some(job) = self.jobs.get(id) else { return false };
        let (placement, shape) = (&job.terms.placement, self.queues.shape(job.shape));
        placement.tags.is_empty()
            && placement.takes.is_none()
            && job.terms.on_lost == OnLost::Requeue
            && self.recalls.get(&id).is_none_or(|times| *times < RECALLS_MAX)
            && !job::names_contents(&job.payload)
            && !self.with_room.iter().any(|id| self.workers[id].has_room_for(shape, self.now.mono))
    }

    /// What a worker should not start any more that waits there: as it starts nothing, or better ones first.
    fn outranked_at(&self, id: &WorkerId) -> Vec<AttemptId> {
        let worker = &self.workers[id];
        let quarantined = worker.presence.trial != Trial::Trusted;
        let none = self.paused || worker.record.drained || quarantined || self.kept_room.contains_key(id);
        let best = self.best_for(worker).and_then(|best| Some(self.jobs.get(best.job)?.rank()));
        let outranked = |job: &Job| none || best.is_some_and(|best| best < job.rank());
        let open = worker.waiting().filter(|(attempt, grant)| !grant.recall && self.is_current(**attempt));
        let open = open.filter(|(attempt, _)| self.jobs.get(attempt.job).is_some_and(outranked));
        open.map(|(attempt, _)| *attempt).collect()
    }

    /// What waits at a worker and could start at another one, which has room for which no job is queued; less what
    /// is called back already and will fill that room.
    fn needed_elsewhere(&self, recalled: &BTreeSet<(WorkerId, AttemptId)>) -> Vec<(WorkerId, AttemptId)> {
        let now = self.now.mono;
        let mut rooms: Vec<(&Worker, u32)> = Vec::new();
        for worker in self.parked.values().filter_map(|id| self.workers.get(id)) {
            let free = worker.presence.parked.map_or(0, |parked| parked.slots_free).min(worker.slots_free());
            if free > 0 && !self.paused {
                rooms.push((worker, free));
            }
        }
        if rooms.is_empty() {
            return Vec::new();
        }
        let mut waiting = Vec::new();
        for id in &self.with_ahead {
            for (attempt, grant) in self.workers[id].waiting().filter(|(attempt, _)| self.is_current(**attempt)) {
                let Some(job) = self.jobs.get(attempt.job) else { continue };
                let comes = grant.recall || recalled.contains(&(id.clone(), *attempt));
                waiting.push((!comes, job.rank(), id, *attempt, job.shape));
            }
        }
        // Those that come back anyway take room first, then the best.
        waiting.sort_unstable();
        let mut needed = Vec::new();
        for (open, _, id, attempt, shape) in waiting {
            let shape = self.queues.shape(shape);
            let room = rooms
                .iter_mut()
                .find(|(worker, free)| *free > 0 && worker.id() != id && worker.has_room_for(shape, now));
            if let Some((_, free)) = room {
                *free -= 1;
                needed.extend(open.then(|| (id.clone(), attempt)));
            }
        }
        needed
    }

    /// What the newest poll of a worker listed as not started and is called back.
    pub(crate) fn recalled(&self, id: &WorkerId) -> Vec<AttemptId> {
        let Some(worker) = self.workers.get(id) else { return Vec::new() };
        let recalled = worker.waiting().filter(|(attempt, grant)| grant.recall && self.is_current(**attempt));
        let listed = recalled.filter(|(attempt, _)| worker.presence.listed.contains(attempt));
        listed.map(|(attempt, _)| *attempt).filter(|attempt| !self.is_cancelling(*attempt)).collect()
    }

    /// Whether an attempt was given ahead of a slot, and no start of it was heard.
    pub(crate) fn may_wait(&self, id: &WorkerId, attempt: AttemptId) -> bool {
        self.workers.get(id).and_then(|worker| worker.grants.get(&attempt)).is_some_and(Grant::waits)
    }

    /// When an attempt started that was given ahead of a slot; none for others, which start when they are given.
    pub(crate) fn started_ms(&self, id: &WorkerId, attempt: AttemptId) -> Option<u64> {
        self.workers.get(id)?.grants.get(&attempt)?.started_ms
    }

    /// The worker where a job waits for a slot that was given to it ahead of one.
    pub(crate) fn waits_at(&self, job: &Job) -> Option<&Worker> {
        let attempt = AttemptId { job: job.id, number: job.attempt };
        let worker = self.workers.get(job.worker.as_ref().filter(|_| job.state == JobState::Running)?)?;
        worker.grants.get(&attempt).is_some_and(Grant::waits).then_some(worker)
    }

    /// Where a job stands for people: one that waits at a worker is queued.
    pub(crate) fn shown_state(&self, job: &Job) -> JobState {
        if self.waits_at(job).is_some() { JobState::Queued } else { job.state }
    }

    /// Jobs that wait at workers, which are counted as running.
    pub(crate) fn waiting_ahead(&self) -> usize {
        let waiting = self.with_ahead.iter().flat_map(|id| self.workers[id].waiting());
        waiting.filter(|(attempt, _)| self.is_current(**attempt)).count()
    }
}
