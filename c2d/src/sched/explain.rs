//! Why a job does not run: the scheduler's own rules, asked as a question instead of followed.
//!
//! It looks at what [`super::place`] looks at and in the same words, so that a queued job without
//! a reason, at a worker without an obstacle, is one that the worker's next poll is given. It
//! decides nothing.

use c2_shared::api::why::{Obstacle, Reason, Whereabouts, WorkerVerdict};
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::JobState;

use crate::sched::event::Now;
use crate::sched::fit::{self, Short, cards_among};
use crate::sched::jobs::Job;
use crate::sched::queues::Shape;
use crate::sched::scheduler::Scheduler;
use crate::sched::workers::{Grant, Heard, Worker};

/// What keeps an active job from running; nothing for one that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// What keeps it from all workers.
    pub reasons: Vec<Reason>,
    /// What keeps it from each, by address.
    pub workers: Vec<WorkerVerdict>,
    /// Of one that was given to a worker: that it says it has it and did not begin.
    pub fetches: bool,
}

impl Scheduler {
    /// Explains why an active job does not run; `None` for a job that is not active.
    pub fn explain(&self, now: Now, id: JobId) -> Option<Explained> {
        let job = self.jobs.get(id)?;
        if let Some(worker) = self.waits_at(job) {
            let reasons = vec![Reason::GivenAhead { worker: worker.ip() }];
            return Some(Explained { reasons, ..Explained::default() });
        }
        if job.state == JobState::Running {
            let attempt = AttemptId { job: id, number: job.attempt };
            let host = job.worker.as_ref().and_then(|worker| self.workers.get(worker));
            let heard = host.and_then(|host| host.grants.get(&attempt)).map(|grant| grant.heard);
            return Some(Explained { fetches: heard == Some(Heard::Staged), ..Explained::default() });
        }
        let shape = self.queues.shape(job.shape);
        let verdict = |worker: &Worker| WorkerVerdict {
            ip: worker.ip(),
            worker_id: Some(worker.id().clone()),
            hostname: worker.record.intro.hostname.clone(),
            whereabouts: worker.whereabouts(now),
            obstacles: self.obstacles(now, id, shape, worker),
        };
        let mut workers: Vec<WorkerVerdict> = self.workers.values().map(verdict).collect();
        workers.sort_by_key(|worker| worker.ip);
        Some(Explained { reasons: self.reasons(now, id, job), workers, fetches: false })
    }

    fn reasons(&self, now: Now, id: JobId, job: &Job) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let Some(reason) = self.defects.get(&id) {
            reasons.push(Reason::Unreadable { reason: reason.clone() });
        } else if job.state == JobState::Held {
            reasons.push(Reason::Held);
        }
        if self.paused {
            reasons.push(Reason::Paused);
        }
        if let Some(at_ms) = job.terms.begin_at.filter(|at| *at > now.wall_ms) {
            reasons.push(Reason::BeginAt { at_ms });
        }
        if let Some(until) = self.rests_until(id) {
            reasons.push(Reason::BeginAt { at_ms: now.wall_ms + until.since_ms(now.mono) });
        }
        for edge in job.depends.iter().filter(|edge| !edge.fulfilled) {
            let state = self.jobs.get(edge.on).expect("the end of a job settles what waits for it").state;
            reasons.push(Reason::Dependency { job_id: edge.on, condition: edge.condition, state });
        }
        if job.state == JobState::Queued {
            let jobs = self.queues.ahead(job.shape, job.rank());
            reasons.extend((jobs > 0).then_some(Reason::Ahead { jobs }));
            let batch = job.terms.batch.as_ref();
            reasons.extend(batch.zip(self.batches.full(batch)).map(|(batch, (running, max_running))| {
                Reason::BatchFull { batch: batch.to_string(), running, max_running }
            }));
            reasons.extend(self.room_kept_for(id).map(|worker| Reason::RoomKept { worker: worker.ip() }));
        }
        if self.workers.is_empty() {
            reasons.push(Reason::NoWorkers);
        }
        reasons
    }
}

impl Scheduler {
    fn obstacles(&self, now: Now, id: JobId, shape: &Shape, worker: &Worker) -> Vec<Obstacle> {
        let mut obstacles = worker.obstacles(now, shape);
        if let (Some(kept), Some(share)) = (self.kept_on(worker), fit::fit(&shape.placement, worker.room()))
            && let Some(job) = self.jobs.get(id)
            && !kept.leaves_room(job.rank(), &share)
        {
            obstacles.push(Obstacle::RoomKept { job_id: kept.job() });
        }
        if let Some(other) = shape.pinned.as_ref().filter(|id| *id != worker.id()) {
            obstacles.push(Obstacle::OtherMachine { worker: self.called(other), worker_id: Some(other.clone()) });
        }
        let named = &shape.placement.workers;
        if !(named.is_empty() || worker.is_among(named)) {
            let workers = named.iter().map(|word| self.called(&WorkerId::from(word.clone()))).collect();
            obstacles.push(Obstacle::NotNamed { workers });
        }
        if shape.avoid.contains(worker.id())
            && let Some(avoided) = self.avoided.get(&(id, worker.id().clone()))
        {
            obstacles.push(match (&avoided.unread, avoided.until) {
                (Some(reason), _) => Obstacle::TooOld { reason: reason.clone() },
                (None, until) => Obstacle::Avoided { retry_ms: until.map_or(0, |until| until.since_ms(now.mono)) },
            });
        }
        obstacles
    }
}

impl Worker {
    /// What is short there, with those who hold it.
    fn short(&self, short: Short<'_>) -> Obstacle {
        let (name, needed, total, free) = match short {
            Short::Tag { tag, holders } if holders.is_empty() => return Obstacle::NoTag { tag: tag.to_owned() },
            Short::Tag { tag, holders } => return Obstacle::TagHeld { tag: tag.to_owned(), holders },
            Short::Amount { name, needed, total, free } => (name, needed, total, free),
        };
        let holds = |grant: &Grant| match name {
            "cpus" => grant.share.takes.cpus > 0,
            "memory" => grant.share.takes.memory_bytes > 0,
            "gpus" | "vram" => grant.share.card.is_some() || cards_among(&grant.share.tags).next().is_some(),
            name => grant.share.takes.needs.contains_key(name),
        };
        // Whoever holds the rest is in the way only where there would be enough.
        let holders = self.grants.iter().filter(|(_, grant)| needed <= total && holds(grant));
        // What others use of a card is in the way of its memory, never of the card itself.
        let of_memory = name == "vram" && needed <= total;
        let foreign = &self.presence.load.gpu_processes;
        Obstacle::Short {
            resource: name.to_owned(),
            needed,
            total,
            free,
            holders: holders.map(|(attempt, _)| *attempt).collect(),
            foreign: if of_memory { foreign.clone() } else { Vec::new() },
        }
    }

    /// How it sleeps, or is woken.
    fn sleep(&self, now: Now) -> Option<Obstacle> {
        let rousing = &self.presence.rousing;
        let waking = rousing.until.is_some() && !self.is_online(now.mono);
        (self.record.asleep || waking).then(|| Obstacle::Asleep {
            waking,
            failed: rousing.failed,
            retry_ms: rousing.rest.map(|rest| rest.since_ms(now.mono)),
            unwakeable: self.record.intro.mac.is_none(),
        })
    }

    fn whereabouts(&self, now: Now) -> Whereabouts {
        let copied_at = self.presence.newcomers.proven(now.mono);
        Whereabouts { moved_from: None, passed_on: self.record.passed_on, copied_at }
    }

    fn obstacles(&self, now: Now, shape: &Shape) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if let Some(reason) = self.record.quarantine.clone().filter(|_| !self.is_admitted()) {
            let retry_ms = self.presence.trial.until().map_or(0, |until| until.since_ms(now.mono));
            obstacles.push(Obstacle::Quarantined { reason, retry_ms });
        }
        if let Some(asleep) = self.sleep(now) {
            obstacles.push(asleep);
        } else if !self.is_online(now.mono) {
            obstacles.push(Obstacle::Offline { silent_ms: self.silent_ms(now.mono) });
        }
        if self.record.drained {
            obstacles.push(Obstacle::Draining);
        }
        if let Some(group) = shape.placement.group.as_deref().filter(|group| !self.record.groups.contains(*group)) {
            obstacles.push(Obstacle::NotInGroup { group: group.to_owned() });
        }
        if self.is_among(&shape.placement.exclude) {
            obstacles.push(Obstacle::Excluded);
        }
        obstacles.extend(fit::shortages(&shape.placement, self.room()).into_iter().map(|short| self.short(short)));
        let lacking = self.lacking_shares(&shape.placement.shares);
        obstacles.extend(lacking.map(|share| Obstacle::NoShare { share: share.clone() }));
        if self.yields() {
            obstacles.push(Obstacle::Yields { to: self.presence.load.yields_to.clone() });
        }
        if self.presence.load.disk_full {
            obstacles.push(Obstacle::DiskFull { free_bytes: self.presence.load.disk_free_bytes.unwrap_or(0) });
        }
        if self.slots_free() == 0 {
            obstacles.push(Obstacle::SlotsFull { slots: self.slots() });
        }
        obstacles
    }
}
