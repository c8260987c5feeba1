//! The scheduler's state, its start from what was saved, and the one door through which events
//! come in.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;
use c2_shared::limits::RECOVERY_WINDOW_MS;
use c2_shared::time::Mono;

use crate::sched::batches::Batches;
use crate::sched::blame::Avoided;
use crate::sched::decision::{FaultRecord, GrantRecord, KeyRecord, NoticeRecord, RuleRecord, Saved, ScheduleRecord};
use crate::sched::event::{Event, Now, PollToken};
use crate::sched::jobs::{EndedTable, JobTable};
use crate::sched::note::Who;
use crate::sched::queues::{Queues, ShapeId};
use crate::sched::registry::Registry;
use crate::sched::suspicion::Suspicion;
use crate::sched::view::JobView;
use crate::sched::workers::{Grant, Heard, Worker};
use crate::sched::{Decision, Measure, Note, Reject};

/// All active jobs and workers.
#[derive(Clone, Debug)]
pub struct Scheduler {
    pub(crate) capacity: usize,
    pub(crate) jobs: JobTable,
    pub(crate) ended: EndedTable,
    pub(crate) queues: Queues,
    /// Jobs that wait for each job. May name jobs that have ended since.
    pub(crate) dependents: BTreeMap<JobId, Vec<JobId>>,
    /// Blocked jobs with a begin time, the earliest first.
    pub(crate) begins: BTreeSet<(u64, JobId)>,
    /// Jobs that have not started and end at a time, the earliest first.
    pub(crate) expiries: BTreeSet<(u64, JobId)>,
    /// Jobs that workers could not start or lost, until they end.
    pub(crate) avoided: BTreeMap<(JobId, WorkerId), Avoided>,
    /// Those of them that avoid the worker still, the first to go there again first.
    pub(crate) avoiding: BTreeSet<(Mono, JobId, WorkerId)>,
    /// Jobs that rest before a retry, and until when.
    pub(crate) rests: BTreeMap<JobId, Mono>,
    /// The same, the first to start again first.
    pub(crate) resting: BTreeSet<(Mono, JobId)>,
    /// Active jobs whose stored specification cannot be used, and why: they are never given to anybody.
    pub(crate) defects: BTreeMap<JobId, String>,
    pub(crate) workers: Registry,
    pub(crate) suspicion: Suspicion,
    /// Queued jobs for which room is kept, by the worker.
    pub(crate) kept_room: BTreeMap<WorkerId, JobId>,
    /// Workers with a free slot that nothing there waits for.
    pub(crate) with_room: BTreeSet<WorkerId>,
    /// Workers that hold anything that was given ahead of a slot.
    pub(crate) with_ahead: BTreeSet<WorkerId>,
    /// Workers whose machines sleep.
    pub(crate) sleepers: BTreeSet<WorkerId>,
    /// A job that waited for another worker may have to wake one of these by now.
    pub(crate) look_for_sleepers: bool,
    /// How often jobs came back from where they waited for a slot; observed, until they end.
    pub(crate) recalls: BTreeMap<JobId, u32>,
    /// Parked polls in the order in which they came, so that idle workers take turns.
    pub(crate) parked: BTreeMap<PollToken, WorkerId>,
    pub(crate) keys: BTreeMap<String, KeyRecord>,
    pub(crate) batches: Batches,
    pub(crate) schedules: BTreeMap<String, ScheduleRecord>,
    /// The next instant of each that has one, the earliest first.
    pub(crate) instants: BTreeSet<(u64, String)>,
    pub(crate) rules: BTreeMap<String, RuleRecord>,
    pub(crate) notices: BTreeMap<u64, NoticeRecord>,
    pub(crate) last_notice: u64,
    pub(crate) counts: Counts,
    pub(crate) last_job: u64,
    /// No job has a place behind this one.
    pub(crate) last_place: i64,
    pub(crate) last_seq: u64,
    pub(crate) paused: bool,
    pub(crate) recovering_until: Option<Mono>,
    /// The present of the last event.
    pub(crate) now: Now,
    /// What became possible since work was last offered.
    pub(crate) fresh: Fresh,
    pub(crate) touched: Touched,
}

/// Jobs by state, those that have ended included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; 7]);

/// What may make a parked poll answerable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fresh {
    /// Shapes that got a waiting job.
    pub(crate) shapes: BTreeSet<ShapeId>,
    /// Workers that got room.
    pub(crate) workers: BTreeSet<WorkerId>,
}

/// What changed since somebody last looked; see [`Scheduler::take_touched`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched {
    /// Active jobs.
    pub jobs: BTreeSet<JobId>,
    /// Jobs that ended, as they were then.
    pub ended: Vec<JobView>,
    /// Workers, removed ones included.
    pub workers: BTreeSet<WorkerId>,
    /// Workers that were removed, as they were then.
    pub gone: Vec<Who>,
    /// What is worth a line in the log.
    pub notes: Vec<Note>,
    /// How long things took.
    pub measures: Vec<Measure>,
}

/// One event being handled: the state, the present, and the decisions so far.
#[derive(Debug)]
pub struct Turn<'a> {
    pub(crate) s: &'a mut Scheduler,
    pub(crate) now: Now,
    decisions: &'a mut Vec<Decision>,
}

impl Scheduler {
    /// Goes on where the store left off; with [`Saved::default`], begins.
    ///
    /// Work that was running is neither believed nor doubted yet: the workers say what they still
    /// run. One that speaks without it frees it at once; one that stays silent keeps it until its
    /// lease is over, because it may be running it behind a broken network.
    pub fn restore(saved: Saved, capacity: usize, now: Now) -> Self {
        let recovering = !saved.grants.is_empty();
        let mut s = Self {
            capacity,
            jobs: JobTable::default(),
            ended: EndedTable::default(),
            queues: Queues::default(),
            dependents: BTreeMap::new(),
            begins: BTreeSet::new(),
            expiries: BTreeSet::new(),
            avoided: BTreeMap::new(),
            avoiding: BTreeSet::new(),
            rests: BTreeMap::new(),
            resting: BTreeSet::new(),
            defects: saved.defects.into_iter().collect(),
            workers: Registry::default(),
            suspicion: Suspicion::default(),
            kept_room: BTreeMap::new(),
            with_room: BTreeSet::new(),
            with_ahead: BTreeSet::new(),
            sleepers: BTreeSet::new(),
            look_for_sleepers: true,
            recalls: BTreeMap::new(),
            parked: BTreeMap::new(),
            keys: saved.keys.into_iter().map(|key| (key.key.clone(), key)).collect(),
            batches: Batches { limits: saved.limits.into_iter().collect(), ..Batches::default() },
            schedules: BTreeMap::new(),
            instants: BTreeSet::new(),
            rules: BTreeMap::new(),
            notices: BTreeMap::new(),
            last_notice: 0,
            counts: Counts::default(),
            last_job: saved.last_job,
            last_place: saved.last_job.cast_signed(),
            last_seq: saved.last_seq,
            paused: saved.paused,
            recovering_until: recovering.then(|| now.mono.after_ms(RECOVERY_WINDOW_MS)),
            now,
            fresh: Fresh::default(),
            touched: Touched::default(),
        };
        for record in saved.ended {
            s.counts.add(record.state);
            s.ended.insert(record);
        }
        for record in saved.workers {
            let id = record.intro.id.clone();
            s.workers.insert(id.clone(), Worker::new(record, now.mono));
            s.note_sleep(&id);
            s.note_room(&id);
        }
        for record in saved.jobs {
            s.add_job(record);
        }
        s.restore_grants(saved.grants, now);
        for FaultRecord { job, worker, times } in saved.faults {
            s.avoided.entry((job, worker)).or_default().faults = times;
        }
        for record in saved.schedules {
            s.put_schedule(record);
        }
        saved.rules.into_iter().for_each(|record| s.put_rule(record));
        saved.notices.into_iter().for_each(|record| s.add_notice(record));
        // Nobody waits for an answer yet, and nobody has looked at anything.
        s.fresh = Fresh::default();
        s.touched = Touched::default();
        s.workers.note_deadlines();
        s
    }

    fn restore_grants(&mut self, grants: Vec<GrantRecord>, now: Now) {
        for GrantRecord { attempt, worker: id, share, outcome, ahead, wish } in grants {
            let worker = self.workers.get_mut(&id).expect("a grant names a worker that is kept");
            let (recall, since) = (wish.is_some(), ahead.then_some(now.mono));
            let heard = Heard::Inherited;
            worker.grant(attempt, Grant { share, ahead, wish, heard, recall, since, ..Grant::default() });
            if let Some(outcome) = outcome {
                worker.vacate(attempt, outcome);
            }
            self.note_room(&id);
        }
    }

    /// Everything that [`Self::restore`] needs; the store must load exactly this.
    pub fn saved(&self) -> Saved {
        let grants = self.workers.values().flat_map(|worker| {
            worker.grants.iter().map(|(attempt, grant)| GrantRecord {
                attempt: *attempt,
                worker: worker.id().clone(),
                share: grant.share.clone(),
                outcome: grant.outcome.clone(),
                ahead: grant.ahead,
                wish: grant.wish.clone(),
            })
        });
        let mut grants: Vec<GrantRecord> = grants.collect();
        grants.sort_by_key(|grant| grant.attempt);
        let faults = self
            .avoided
            .iter()
            .filter(|(_, avoided)| avoided.faults > 0)
            .map(|((job, worker), avoided)| FaultRecord { job: *job, worker: worker.clone(), times: avoided.faults });
        Saved {
            jobs: self.jobs.iter().map(|(_, job)| job.record.clone()).collect(),
            ended: self.ended.iter().collect(),
            workers: self.workers.values().map(|worker| worker.record.clone()).collect(),
            grants,
            faults: faults.collect(),
            keys: self.keys.values().cloned().collect(),
            limits: self.batches.limits.clone().into_iter().collect(),
            schedules: self.schedules.values().cloned().collect(),
            rules: self.rules.values().cloned().collect(),
            notices: self.notices.values().cloned().collect(),
            last_job: self.last_job,
            last_seq: self.last_seq,
            paused: self.paused,
            defects: self.defects.clone().into_iter().collect(),
        }
    }

    /// Handles one event. On refusal nothing has changed and no decision was made.
    pub fn apply<E: Event>(&mut self, now: Now, event: E, decisions: &mut Vec<Decision>) -> Result<E::Answer, Reject> {
        self.now = now;
        let (notes, active) = (self.touched.notes.len(), self.jobs.len());
        let mut turn = Turn { s: self, now, decisions };
        let answer = event.happen(&mut turn);
        if answer.is_ok() {
            turn.settle();
            turn.notice(notes, active);
        }
        self.workers.note_deadlines();
        answer
    }

    /// When [`super::event::TimePassed`] is due at the latest.
    pub fn next_deadline(&self) -> Option<Mono> {
        // The wall clock may be set meanwhile, so these times are looked at again every minute.
        let timed = [self.begins.first(), self.expiries.first()].into_iter().flatten().map(|(at, _)| {
            let wait_ms = at.saturating_sub(self.now.wall_ms).min(60_000);
            self.now.mono.after_ms(wait_ms)
        });
        let avoiding = self.avoiding.first().map(|(until, ..)| *until);
        let resting = self.resting.first().map(|(until, _)| *until);
        self.workers
            .first_deadline()
            .into_iter()
            .chain(timed)
            .chain(avoiding)
            .chain(resting)
            .chain(self.recovering_until)
            .min()
    }

    /// Hands over what changed since the last call.
    pub fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.touched)
    }

    /// A worker as the log names it.
    pub(crate) fn who(&self, id: &WorkerId) -> Who {
        let worker = &self.workers[id];
        Who { id: id.clone(), ip: worker.ip(), hostname: worker.record.intro.hostname.clone() }
    }

    /// A worker as people call it: by its address, or by its id if that means another one or it is not known any more.
    pub(crate) fn called(&self, id: &WorkerId) -> String {
        let there = self.workers.get(id).filter(|worker| !worker.record.passed_on);
        there.map_or_else(|| id.to_string(), |worker| worker.ip().to_string())
    }

    /// Notes that a worker's row changed.
    pub(crate) fn touch_worker(&mut self, id: &WorkerId) {
        if !self.touched.workers.contains(id) {
            self.touched.workers.insert(id.clone());
        }
    }

    /// How many jobs have ended.
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The last job id given; ids up to it exist or existed.
    pub const fn last_job(&self) -> u64 {
        self.last_job
    }
}

impl Turn<'_> {
    /// Makes a decision: the state changes at once, the rest of the world when it is committed.
    pub(crate) fn decide(&mut self, decision: Decision) {
        self.s.evolve(self.now, &decision);
        self.decisions.push(decision);
    }
}

impl Counts {
    const fn place(state: JobState) -> usize {
        match state {
            JobState::Blocked => 0,
            JobState::Held => 1,
            JobState::Queued => 2,
            JobState::Running => 3,
            JobState::Succeeded => 4,
            JobState::Failed => 5,
            JobState::Cancelled => 6,
        }
    }

    pub(crate) const fn of(&self, state: JobState) -> u64 {
        self.0[Self::place(state)]
    }

    pub(crate) const fn add(&mut self, state: JobState) {
        self.0[Self::place(state)] += 1;
    }

    pub(crate) const fn shift(&mut self, from: JobState, to: JobState) {
        self.0[Self::place(from)] -= 1;
        self.0[Self::place(to)] += 1;
    }
}
