//! Room that is kept for a large job, so that small ones do not take it for ever.
//!
//! A job is passed over when one of a lower rank is given to a worker where it found no room, though it would fit
//! there alone. If that goes on for a minute, the worker that can run it soonest keeps room for it: from then on
//! nothing of a lower rank starts there unless the job fits beside it once those have ended who are in its way now.
//! So it waits a minute, and then as long as these run, whatever comes after. Workers and jobs that are not in its
//! way go on as before. What is kept is not written down: after a restart the minute begins again.

use std::collections::BTreeMap;

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::Placement;
use c2_shared::limits::KEEP_ROOM_MS;

use crate::sched::fit::{self, Held, Room, Share};
use crate::sched::place::suits;
use crate::sched::queues::{Rank, Shape, ShapeId};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::Worker;

/// Room on a worker that is kept for a job.
pub(crate) struct Kept<'a> {
    rank: Rank,
    asked: &'a Placement,
    worker: &'a Worker,
    /// What is held, and how many slots are free, once those have ended who are in its way.
    then: Held,
    slots_free: u32,
}

impl Kept<'_> {
    pub(crate) const fn job(&self) -> JobId {
        self.rank.2
    }

    /// Whether a job may start beside it.
    pub(crate) fn leaves_room(&self, rank: Rank, share: &Share) -> bool {
        if rank <= self.rank {
            return true;
        }
        let mut then = self.then.clone();
        // Its number is of no account: it is not there yet.
        then.add(c2_shared::id::AttemptId { job: rank.2, number: u32::MAX }, share);
        self.slots_free > 1 && fit::fit(self.asked, Room { held: &then, ..self.worker.room() }).is_some()
    }
}

impl Scheduler {
    /// The job for which a worker keeps room, if it can still run it.
    pub(crate) fn kept_on<'a>(&'a self, worker: &'a Worker) -> Option<Kept<'a>> {
        let job = self.jobs.get(*self.kept_room.get(worker.id())?)?;
        if self.batches.full(job.terms.batch.as_ref()).is_some() {
            return None;
        }
        let shape = self.queues.shape(job.shape);
        let (then, slots_free, _) = worker.in_time(shape)?;
        Some(Kept { rank: job.rank(), asked: &shape.placement, worker, then, slots_free })
    }

    /// The worker that keeps room for a job.
    pub(crate) fn room_kept_for(&self, id: JobId) -> Option<&Worker> {
        let worker = self.kept_room.iter().find(|(_, job)| **job == id).map(|(worker, _)| &self.workers[worker])?;
        self.serves(worker).then_some(worker)
    }

    fn serves(&self, worker: &Worker) -> bool {
        worker.is_online(self.now.mono) && worker.is_admitted() && !worker.yields() && !worker.record.drained
    }

    /// The worker where the fewest have to end for a job of a shape, and that keeps no room for another.
    fn soonest(&self, shape: &Shape) -> Option<WorkerId> {
        let free = self.workers.values().filter(|worker| !self.kept_room.contains_key(worker.id()));
        let could = free.filter(|worker| self.serves(worker));
        could.filter_map(|worker| Some((worker.in_time(shape)?.2, worker.id()))).min().map(|(_, id)| id.clone())
    }
}

impl Turn<'_> {
    /// A worker was given a job of a lower rank than the first ones of these shapes.
    pub(crate) fn pass_over(&mut self, id: &WorkerId, passed: &[ShapeId]) {
        let now = self.now.mono;
        for shape in passed {
            match self.s.queues.passed_since(*shape) {
                Some(since) if now.since_ms(since) >= KEEP_ROOM_MS => self.keep_room(*shape),
                Some(_) => {}
                None if fit::could_fit(&self.s.queues.shape(*shape).placement, self.s.workers[id].room()) => {
                    self.s.queues.pass(*shape, now);
                }
                None => {}
            }
        }
    }

    /// Keeps room for the first waiting job of a shape, unless that is done.
    fn keep_room(&mut self, shape: ShapeId) {
        let Some((.., job)) = self.s.queues.first(shape) else { return };
        let shape = self.s.queues.shape(shape);
        if let Some(kept) = self.s.room_kept_for(job)
            && kept.in_time(shape).is_some()
        {
            return;
        }
        let soonest = self.s.soonest(shape);
        give_back(&mut self.s.kept_room, job);
        if let Some(worker) = soonest {
            self.s.fresh.workers.insert(worker.clone());
            self.s.kept_room.insert(worker, job);
            self.s.touched.jobs.insert(job);
        }
    }
}

/// Gives room back that was kept for a job; answers on which worker.
pub(crate) fn give_back(kept: &mut BTreeMap<WorkerId, JobId>, job: JobId) -> Option<WorkerId> {
    let worker = kept.iter().find(|(_, other)| **other == job).map(|(worker, _)| worker.clone())?;
    kept.remove(&worker);
    Some(worker)
}

impl Worker {
    /// How it is once as few have ended as a job of a shape needs, the oldest first: what is held then, how many
    /// slots are free, and how many have to end. None if it cannot run it at all.
    fn in_time(&self, shape: &Shape) -> Option<(Held, u32, usize)> {
        let asked = &shape.placement;
        if !suits(shape, self) || !fit::could_fit(asked, self.room()) {
            return None;
        }
        // What waits there for a slot is called back from where room is kept.
        let (mut then, mut slots_free) = (self.held.clone(), self.slots().saturating_sub(self.slots_used()));
        let has_room = |held: &Held, slots: u32| slots > 0 && fit::fit(asked, Room { held, ..self.room() }).is_some();
        let mut ended = Vec::new();
        for (attempt, grant) in self.grants.iter().filter(|(_, grant)| grant.outcome.is_none() && !grant.waits()) {
            if has_room(&then, slots_free) {
                break;
            }
            then.remove(*attempt, &grant.share);
            slots_free += 1;
            ended.push((*attempt, &grant.share));
        }
        if !has_room(&then, slots_free) {
            return None;
        }
        // Who turns out not to be in its way need not end.
        let mut end = ended.len();
        for (attempt, share) in ended {
            then.add(attempt, share);
            if has_room(&then, slots_free - 1) {
                (slots_free, end) = (slots_free - 1, end - 1);
            } else {
                then.remove(attempt, share);
            }
        }
        Some((then, slots_free, end))
    }
}
