//! Sleep: when the machine of a worker may, and when it is woken.
//!
//! A machine sleeps only when its agent asked, and nothing that could run there is due: c2d knows it before the machine
//! does. A job that no other worker could run wakes it. What is sent may be lost, so it is tried again; a machine that
//! cannot be woken rests between tries, twice as long each time. That a worker sleeps is durable, how far it is woken
//! is not.

use std::collections::BTreeSet;
use std::net::IpAddr;

use c2_shared::backoff::grown;
use c2_shared::id::WorkerId;
use c2_shared::limits::{SLEEP_AHEAD_MS, WAKE_HELPERS, WAKE_REST_MAX_MS, WAKE_REST_MS, WAKE_TRIES, WAKE_WITHIN_MS};
use c2_shared::time::Mono;

use crate::sched::decision::WorkerRecord;
use crate::sched::event::{Event, Now, Poll, WakeRequested};
use crate::sched::place::names;
use crate::sched::queues::{Shape, ShapeId};
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::Worker;
use crate::sched::{Decision, Note, Reject, fit};

/// How far a machine is woken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rousing {
    /// Tries in a row after which it was not heard.
    pub(crate) failed: u32,
    /// It was tried, which has failed if the machine is not heard until then.
    pub(crate) until: Option<Mono>,
    /// It is not tried again before.
    pub(crate) rest: Option<Mono>,
    /// An operator wants it awake, so it is tried as often as may be whatever waits.
    asked: bool,
}

impl Rousing {
    /// When it is to be looked at again.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.until.into_iter().chain(self.rest).min()
    }
}

impl Event for WakeRequested {
    type Answer = ();

    fn happen(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Reject> {
        let Self { worker: id } = self;
        let worker = turn.s.workers.get(&id).ok_or_else(|| Reject::UnknownWorker { worker: id.clone() })?;
        if worker.is_online(turn.now.mono) {
            return Ok(());
        }
        if worker.record.intro.mac.is_none() {
            return Err(Reject::Unwakeable { worker: worker.ip().to_string() });
        }
        turn.s.known(&id).presence.rousing = Rousing { asked: true, ..Rousing::default() };
        turn.wake(&id);
        Ok(())
    }
}

impl Turn<'_> {
    /// Whether a worker that asks for it may let its machine sleep: it holds nothing, can be woken, and nothing that
    /// it could run is due.
    pub(crate) fn may_sleep(&self, poll: &Poll) -> bool {
        let worker = &self.s.workers[&poll.worker];
        let holds = !(worker.grants.is_empty() && poll.unsent.is_empty() && poll.returned.is_empty());
        poll.would_sleep && !holds && worker.record.intro.mac.is_some() && !self.s.is_due(worker, self.now)
    }

    pub(crate) fn fall_asleep(&mut self, id: &WorkerId) {
        let worker = self.s.known(id);
        worker.presence.rousing = Rousing::default();
        if !worker.record.asleep {
            let record = WorkerRecord { asleep: true, ..worker.record.clone() };
            self.decide(Decision::PutWorker(Box::new(record)));
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Asleep { worker });
        }
    }

    /// A worker polls, so its machine is awake.
    pub(crate) fn wake_up(&mut self, id: &WorkerId) {
        let worker = self.s.known(id);
        worker.presence.rousing = Rousing::default();
        if worker.record.asleep {
            let record = WorkerRecord { asleep: false, ..worker.record.clone() };
            self.decide(Decision::PutWorker(Box::new(record)));
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Awake { worker });
        }
    }

    /// Wakes machines for jobs that wait and that no other could run: for those of these shapes, or for all if others
    /// than these may have lost their worker.
    pub(crate) fn wake_for(&mut self, fresh: &BTreeSet<ShapeId>) {
        let all = std::mem::take(&mut self.s.look_for_sleepers);
        if self.s.sleepers.is_empty() || self.s.paused || !all && fresh.is_empty() {
            return;
        }
        let shapes: Vec<ShapeId> = self.s.queues.all_ready().filter(|id| all || fresh.contains(id)).collect();
        for shape in shapes {
            if let Some(id) = self.s.sleeper_for(shape) {
                self.wake(&id);
            }
        }
    }

    fn wake(&mut self, id: &WorkerId) {
        let worker = &self.s.workers[id];
        let (ip, tries) = (worker.ip(), worker.presence.rousing.failed + 1);
        let Some(mac) = worker.record.intro.mac else { return };
        let near = self.s.near(ip);
        self.decide(Decision::Wake { worker: id.clone(), ip, mac, near });
        let worker = self.s.who(id);
        self.s.touched.notes.push(Note::Wakes { worker, mac, tries });
    }

    /// A machine that was woken may have had its time, or its rest.
    pub(crate) fn look_at_waking(&mut self, id: &WorkerId) {
        let now = self.now.mono;
        let rousing = &mut self.s.known(id).presence.rousing;
        let failed = rousing.until.take_if(|until| *until <= now).is_some();
        let rested = rousing.rest.take_if(|rest| *rest <= now).is_some();
        if !failed && !rested {
            return;
        }
        rousing.failed += u32::from(failed);
        let (tries, again) = (rousing.failed, failed && rousing.failed < WAKE_TRIES && rousing.asked);
        if failed && tries >= WAKE_TRIES {
            let rest_ms = grown(WAKE_REST_MS, tries - WAKE_TRIES + 1, WAKE_REST_MAX_MS);
            (rousing.asked, rousing.rest) = (false, Some(now.after_ms(rest_ms)));
            if tries == WAKE_TRIES {
                let worker = self.s.who(id);
                self.s.touched.notes.push(Note::WakeFailed { worker, tries, rest_ms });
            }
        }
        self.s.look_for_sleepers = true;
        self.s.touch_worker(id);
        if again {
            self.wake(id);
        }
    }
}

impl Scheduler {
    /// Notes whether a worker's machine sleeps, whose record is another one now.
    pub(crate) fn note_sleep(&mut self, id: &WorkerId) {
        self.look_for_sleepers = true;
        if self.workers[id].record.asleep {
            self.sleepers.insert(id.clone());
        } else {
            self.sleepers.remove(id);
        }
    }

    pub(crate) fn begin_to_wake(&mut self, now: Now, id: &WorkerId) {
        let rousing = &mut self.known(id).presence.rousing;
        (rousing.until, rousing.rest) = (Some(now.mono.after_ms(WAKE_WITHIN_MS)), None);
        self.touch_worker(id);
    }

    /// The worker whose machine is to be woken for the jobs of a shape: none if one that is awake could run them or one
    /// that could is being woken.
    pub(crate) fn sleeper_for(&self, id: ShapeId) -> Option<WorkerId> {
        let shape = self.queues.shape(id);
        if shape.rests || self.batches.full(shape.batch.as_ref()).is_some() {
            return None;
        }
        let mut able = self.sleepers.iter().map(|id| &self.workers[id]).filter(|worker| {
            worker.can_be_woken()
                && !worker.record.drained
                && worker.record.quarantine.is_none()
                && worker.could_run(shape)
        });
        // Most jobs have no such worker, so the many others are looked at last.
        let first = able.next()?;
        let mut able: Vec<&Worker> = std::iter::once(first).chain(able).collect();
        let is_up = |worker: &Worker| worker.could_run_soon() && worker.could_run(shape);
        if able.iter().any(|worker| worker.presence.rousing.until.is_some()) || self.workers.values().any(is_up) {
            return None;
        }
        able.retain(|worker| worker.presence.rousing.rest.is_none());
        able.into_iter().min_by_key(|worker| worker.presence.rousing.failed).map(|worker| worker.id().clone())
    }

    /// Whether a job that a worker could run waits, or begins within a while.
    fn is_due(&self, worker: &Worker, now: Now) -> bool {
        let soon_ms = now.wall_ms.saturating_add(SLEEP_AHEAD_MS);
        let waits = self.queues.all_ready().any(|id| worker.could_run(self.queues.shape(id)));
        let begins = self.begins.iter().take_while(|(at, _)| *at <= soon_ms);
        let mut begins = begins.filter_map(|(_, job)| self.jobs.get(*job));
        let runs = self.instants.iter().take_while(|(at, _)| *at <= soon_ms);
        let mut runs = runs.filter_map(|(_, name)| self.schedules.get(name));
        waits
            || begins.any(|job| worker.could_run(self.queues.shape(job.shape)))
            || runs.any(|schedule| {
                let placement = schedule.job.terms.placement.clone();
                worker.could_run(&Shape { placement, ..Shape::default() })
            })
    }

    /// Workers that may be in the network of an address, as theirs begin like it.
    fn near(&self, ip: IpAddr) -> Vec<WorkerId> {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let alike = |worker: &&Worker| worker.ip().is_ipv4() == ip.is_ipv4();
        let there = self.workers.values().filter(|worker| worker.is_online(self.now.mono) && !worker.is_plain());
        let mut near: Vec<&Worker> = there.filter(alike).collect();
        near.sort_by_key(|worker| bits(worker.ip()) ^ bits(ip));
        near.iter().take(WAKE_HELPERS).map(|worker| worker.id().clone()).collect()
    }
}

impl Worker {
    /// Whether its machine sleeps and can be woken.
    pub(crate) const fn can_be_woken(&self) -> bool {
        self.record.asleep && self.record.intro.mac.is_some()
    }

    /// Whether jobs of a shape could ever run there, when nothing else does. Which shared folders it has is known when
    /// it was heard.
    fn could_run(&self, shape: &Shape) -> bool {
        let has_shares = !self.presence.heard || self.has_shares(&shape.placement.shares);
        names(shape, self) && has_shares && fit::could_fit(&shape.placement, self.room())
    }

    /// Whether it is awake, as far as is known, and gets work.
    fn could_run_soon(&self) -> bool {
        let away = self.record.asleep || self.presence.offline || self.record.drained;
        !away && self.presence.trial.until().is_none() && !self.yields()
    }
}
