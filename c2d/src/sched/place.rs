//! Which job goes to which worker: the first eligible worker gets the job.
//!
//! Workers whose polls wait are asked in the order in which they came, one job each a round, so
//! that a handful of jobs spreads over the machines instead of filling the first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, WorkerId};

use crate::sched::Decision;
use crate::sched::decision::{Handout, JobRecord, PollAnswer};
use crate::sched::event::PollToken;
use crate::sched::fit::{self, Share};
use crate::sched::queues::ShapeId;
use crate::sched::queues::{Rank, Shape};
use crate::sched::scheduler::{Fresh, Scheduler, Turn};
use crate::sched::workers::Worker;

impl Turn<'_> {
    /// Offers what became possible in this turn to the polls that wait: what is given may let others go, where
    /// room was kept for it.
    /// Then it looks which of those jobs are needed elsewhere that wait at a worker for a slot.
    pub(crate) fn settle(&mut self) {
        let (mut all, mut changed, mut waiting) = (false, BTreeSet::new(), BTreeSet::new());
        loop {
            let fresh = std::mem::take(&mut self.s.fresh);
            if fresh.shapes.is_empty() && fresh.workers.is_empty() {
                break;
            }
            if !self.s.paused && !self.s.queues.is_idle() {
                self.offer(&fresh);
            }
            all |= !fresh.shapes.is_empty();
            if !self.s.sleepers.is_empty() {
                waiting.extend(fresh.shapes.iter().copied());
            }
            changed.extend(fresh.workers);
        }
        self.recall(all, &changed);
        self.wake_for(&waiting);
    }

    fn offer(&mut self, Fresh { shapes, workers }: &Fresh) {
        let asked = self.s.parked.values().filter(|id| !shapes.is_empty() || workers.contains(*id));
        let asked: Vec<WorkerId> = asked.cloned().collect();
        let mut answers: BTreeMap<&WorkerId, Vec<Handout>> = BTreeMap::new();
        loop {
            let before = self.s.counts;
            for id in &asked {
                let room = self.s.workers[id].presence.parked.map_or(0, |parked| parked.slots_free);
                let given = answers.get(id).map_or(0, Vec::len);
                if given < room as usize
                    && let Some(handout) = self.give(id)
                {
                    answers.entry(id).or_default().push(handout);
                }
            }
            if before == self.s.counts {
                break;
            }
        }
        for (id, assign) in answers {
            self.answer_parked(id, assign);
        }
    }

    /// Gives the best job that a worker can run now, if there is one.
    pub(crate) fn give(&mut self, id: &WorkerId) -> Option<Handout> {
        let worker = self.s.workers.get(id)?;
        if worker.slots_free() == 0 {
            return None;
        }
        let best = self.s.best_for(worker)?;
        Some(self.assign(id, best, false))
    }

    /// Gives a worker what was found to be the best for it.
    pub(crate) fn assign(&mut self, id: &WorkerId, Best { job, share, passed }: Best, ahead: bool) -> Handout {
        let ip = self.s.workers[id].ip();
        let active = self.s.jobs.get(job).expect("waiting jobs are active");
        let attempt = AttemptId { job, number: active.attempt + 1 };
        let handout = Handout::new(attempt, share.clone(), ahead, active);
        self.decide(Decision::Assign { attempt, worker: id.clone(), ip, share, ahead, at_ms: self.now.wall_ms });
        self.pass_over(id, &passed);
        handout
    }

    /// Answers a poll, and notes what the worker was told to end or to give back.
    pub(crate) fn answer(&mut self, id: &WorkerId, token: PollToken, mut answer: PollAnswer) {
        answer.limits = self.s.limits(id);
        if !(answer.kill.is_empty() && answer.recall.is_empty()) {
            let now = self.now.mono;
            let presence = &mut self.s.known(id).presence;
            presence.told = answer.kill.iter().chain(&answer.recall).copied().collect();
            presence.told_at = now;
        }
        self.decide(Decision::Answer { token, answer });
    }

    /// Answers the poll of a worker that waits, with what it must end and give back; nothing, if none does.
    pub(crate) fn answer_parked(&mut self, id: &WorkerId, assign: Vec<Handout>) {
        if let Some(parked) = self.s.workers.get(id).and_then(|worker| worker.presence.parked) {
            let (kill, recall) = (self.s.kills(id), self.s.recalled(id));
            self.answer(id, parked.token, PollAnswer { assign, kill, recall, ..PollAnswer::default() });
        }
    }

    /// Ends the wait of a poll whose answer will not be listened to.
    pub(crate) fn dismiss_parked(&mut self, id: &WorkerId) {
        if let Some(parked) = self.s.workers.get(id).and_then(|worker| worker.presence.parked) {
            self.decide(Decision::Answer { token: parked.token, answer: PollAnswer::default() });
        }
    }
}

impl Scheduler {
    /// The waiting job of the highest rank that a worker can run now, with what it would hold, slots aside.
    pub(crate) fn best_for(&self, worker: &Worker) -> Option<Best> {
        if self.paused || worker.record.drained || !worker.is_admitted() || worker.yields() {
            return None;
        }
        let kept = self.kept_on(worker);
        let mut best: Option<(Rank, Share)> = None;
        let mut too_large: Vec<(Rank, ShapeId)> = Vec::new();
        for id in self.queues.servable(worker.id(), &worker.record.groups) {
            let Some(rank) = self.queues.first(id) else { continue };
            if best.as_ref().is_some_and(|(other, _)| *other < rank) {
                continue;
            }
            let shape = self.queues.shape(id);
            if !suits(shape, worker) || self.batches.full(shape.batch.as_ref()).is_some() {
                continue;
            }
            match fit::fit(&shape.placement, worker.room()) {
                Some(share) if kept.as_ref().is_none_or(|kept| kept.leaves_room(rank, &share)) => {
                    best = Some((rank, share));
                }
                Some(_) => {}
                None if is_large(shape) => too_large.push((rank, id)),
                None => {}
            }
        }
        let (rank, share) = best?;
        let passed = too_large.into_iter().filter(|(other, _)| *other < rank).map(|(_, id)| id).collect();
        Some(Best { job: rank.2, share, passed })
    }
}

/// What a worker is given next.
pub(crate) struct Best {
    pub(crate) job: JobId,
    share: Share,
    /// Shapes of a higher rank that would have found no room.
    passed: Vec<ShapeId>,
}

/// Whether smaller jobs could take the room of such a one again and again: not of one that waits for a single
/// thing, as it is the first to get that.
fn is_large(shape: &Shape) -> bool {
    shape.placement.tags.len() > 1 || !shape.placement.takes.is_none()
}

/// Whether a worker suits a shape now, locks aside.
pub(crate) fn suits(shape: &Shape, worker: &Worker) -> bool {
    !shape.rests && allows(shape, worker)
}

/// Whether a worker is one of those that a shape allows, locks aside.
pub(crate) fn allows(shape: &Shape, worker: &Worker) -> bool {
    names(shape, worker) && worker.has_shares(&shape.placement.shares)
}

/// The same, whatever folders are there now.
pub(crate) fn names(shape: &Shape, worker: &Worker) -> bool {
    shape.pinned.as_ref().is_none_or(|id| id == worker.id())
        && shape.placement.group.as_ref().is_none_or(|group| worker.record.groups.contains(group))
        && !worker.is_among(&shape.placement.exclude)
        && (shape.placement.workers.is_empty() || worker.is_among(&shape.placement.workers))
        && !shape.avoid.contains(worker.id())
}

impl Handout {
    pub(crate) fn new(attempt: AttemptId, share: Share, ahead: bool, job: &JobRecord) -> Self {
        let depends = job.depends.iter().map(|edge| edge.on).collect();
        Self { attempt, share, ahead, payload: Arc::clone(&job.payload), depends }
    }
}
