//! What operators do in a history: they submit, retry, cancel, hold, release, drain and remove.

use std::collections::BTreeSet;
use std::sync::Arc;

use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::{Dependency, JobState, Needs, OnLost, Placement, Terms};
use c2_shared::worker::WorkerStatus;
use c2d::sched::event::{self, Again, IdempotencyKey, NewJob};
use c2d::sched::{BatchLimited, Change, JobsChanged, JobsMoved, QueueEnd, ToEach, Which, WorkerView};

use super::{ENDLESS_MS, TAGS, World};
use crate::sim::agent::{Agent, CPUS, LICENSES, MEMORY, VRAM};
use crate::sim::disk::Disk;
use crate::sim::random::Random;

/// Batches that jobs belong to.
const BATCHES: [&str; 2] = ["night", "sweep"];

impl<D: Disk> World<D> {
    /// A new machine gets its groups and tags from the operator.
    pub(super) fn equip(&mut self, worker: &WorkerId) {
        let tags: BTreeSet<String> = TAGS.iter().map(|&tag| tag.to_owned()).collect();
        self.apply(event::TagsSet { worker: worker.clone(), tags });
        if worker.as_str().ends_with(['0', '2', '4', '6', '8']) {
            self.apply(event::GroupsChanged {
                worker: worker.clone(),
                add: ["even".to_owned()].into(),
                remove: [].into(),
            });
        }
    }

    /// Operators submit, retry, cancel, hold, release, drain, remove.
    pub(super) fn operate(&mut self) {
        let job = JobId(1 + self.random.below(self.scheduler.last_job().max(1)));
        let i = usize::try_from(self.random.below(self.agents.len() as u64)).unwrap_or(0);
        let worker = self.agents[i].worker();
        match self.random.below(40) {
            0..=7 => self.submit(),
            26..=31 if self.brisk => self.submit(),
            8 | 9 => drop(self.apply(event::CancelRequested { job })),
            10 => drop(self.apply(event::HoldRequested { job })),
            11 => drop(self.apply(event::ReleaseRequested { job })),
            12 => drop(self.apply(event::DrainSet { worker, drain: true })),
            13 | 14 => drop(self.apply(event::DrainSet { worker, drain: false })),
            15 => {
                let paused = self.random.chance(30);
                self.apply(event::PauseSet { paused });
            }
            16 => self.retry(),
            19 => self.change(job),
            20 => {
                let which = Which { jobs: vec![job], all: None };
                let to = self.random.pick(&[QueueEnd::Top, QueueEnd::Bottom]);
                self.apply(JobsMoved { which, to });
            }
            21 => {
                let many = self.many();
                self.apply(ToEach::<event::HoldRequested>::from(many));
            }
            22 => {
                let many = self.many();
                self.apply(ToEach::<event::ReleaseRequested>::from(many));
            }
            23 => self.operate_schedules(),
            24 => self.add_rule(),
            32 => self.change_rule(),
            25 => {
                let batch = self.random.pick(&BATCHES);
                let max_running = (self.random.below(3) > 0).then(|| 1 + u32::from(self.random.chance(50)));
                if self.oracle.knows_batch(batch) {
                    self.apply(BatchLimited { batch: batch.into(), max_running });
                }
            }
            17 => drop(self.apply(event::WorkerRemoved { worker, lost: false })),
            // Nobody gives a machine up on which something may run.
            18 if self.is_dead(&worker) => drop(self.apply(event::WorkerRemoved { worker, lost: true })),
            _ => {}
        }
    }

    /// All jobs of a group, or three in a row.
    fn many(&mut self) -> Which {
        let first = 1 + self.random.below(self.scheduler.last_job().max(1));
        let common = if self.random.chance(50) { "even".to_owned() } else { format!("batch:{}", BATCHES[0]) };
        let all = self.random.chance(30).then(|| format!("@{common}").parse().expect("it selects jobs"));
        Which { jobs: (first..first + 3).map(JobId).collect(), all }
    }

    /// A job becomes another one, as far as it still can.
    fn change(&mut self, job: JobId) {
        let Ok(was) = self.scheduler.payload(job) else { return };
        let mut change = Change {
            job,
            was,
            new: NewJob { name: None, ..self.new_job(0) },
            depends: self.random.chance(50),
            limit_s: self.random.chance(50).then(|| self.random.below(3)),
            fixed: Some("command"),
        };
        if self.random.chance(50) {
            // As far as one can change that runs.
            let old = self.scheduler.saved().jobs.into_iter().find(|record| record.id == job);
            let Terms { priority, retries, retry_delay_s, .. } = *change.new.terms;
            let mut terms = old.map(|record| record.terms.as_ref().clone()).unwrap_or_default();
            (terms.priority, terms.retries, terms.retry_delay_s) = (priority, retries, retry_delay_s);
            (change.new.terms, change.depends, change.fixed) = (Arc::new(terms), false, None);
        }
        self.apply(JobsChanged { changes: vec![change] });
    }

    pub(super) fn submit(&mut self) {
        let count = 1 + self.random.below(if self.brisk { 25 } else { 5 });
        let jobs = (0..count).map(|i| self.new_job(i)).collect();
        let key = self.random.chance(20).then(|| {
            let key = format!("k{}", self.random.below(5));
            IdempotencyKey { digest: key.clone(), key }
        });
        let max_running = self.random.chance(20).then(|| 1 + u32::from(self.random.chance(50)));
        if let Some(accepted) = self.apply(event::JobsSubmitted { jobs, key, max_running }) {
            self.unanswered.push(accepted.jobs);
        }
    }

    pub(super) fn new_job(&mut self, place: u64) -> NewJob {
        let plain = self.brisk && self.random.chance(85);
        let random = &mut self.random;
        let mut depends: Vec<String> = Vec::new();
        while !plain && random.chance(25) {
            let on = if place > 0 && random.chance(50) {
                format!("n{}", random.below(place))
            } else {
                format!("job-{}", 1 + random.below(self.scheduler.last_job().max(1)))
            };
            depends.push(format!("{}{on}", random.pick(&["", "", "any:", "notok:"])));
        }
        let grouped = random.chance(15) && self.scheduler.workers(self.now).iter().any(|w| w.groups.contains("even"));
        // Not both: the machine of its dependencies need not be in the group.
        let same_machine = !grouped && !depends.is_empty() && random.chance(20);
        let known: BTreeSet<WorkerId> = self.agents.iter().map(Agent::worker).collect();
        let others = known.len() > 1 && !grouped && !same_machine;
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let excluded = (others && random.chance(15)).then(|| random.below(known.len() as u64));
        let excluded = excluded.and_then(|n| known.get(usize::try_from(n).ok()?).cloned());
        let only = (!plain && others && excluded.is_none() && random.chance(8))
            .then(|| known[usize::try_from(random.below(known.len() as u64)).unwrap_or(0)].clone());
        let placement = Placement {
            group: grouped.then(|| "even".to_owned()),
            tags: if !plain && random.chance(30) {
                vec![random.pick(&["disk", "gpu", "gpu:0"]).to_owned()]
            } else {
                Vec::new()
            },
            exclude: excluded.into_iter().collect(),
            workers: only.into_iter().collect(),
            shares: Vec::new(),
            takes: if plain { Needs::default() } else { some_needs(random) },
        };
        let terms = Terms {
            placement: Arc::new(placement),
            same_machine,
            priority: if plain && random.chance(90) { 1 } else { i32::try_from(random.below(3)).unwrap_or(0) },
            retries: u32::try_from(random.below(3)).unwrap_or(0),
            retry_delay_s: (random.below(3) > 0).then(|| 30 * random.below(2)),
            hold: random.chance(5),
            begin_at: random.chance(10).then(|| self.now.wall_ms + random.below(40_000)),
            on_lost: match plain && random.chance(80) {
                true => OnLost::Requeue,
                false => random.pick(&[OnLost::Requeue, OnLost::Requeue, OnLost::Fail, OnLost::Wait]),
            },
            leaves_files: random.chance(20),
            expires_s: random.chance(5).then(|| 1 + random.below(60)),
            place: None,
            new_limit_s: None,
            schedule: None,
            notify: Vec::new(),
            batch: random.chance(30).then(|| random.pick(&BATCHES).into()),
            retry_of: None,
        };
        NewJob {
            payload: r#"{"command":"true"}"#.into(),
            name: Some(format!("n{place}").into()),
            terms: Arc::new(terms),
            depends: depends.into_iter().map(Dependency::from).collect(),
        }
    }

    /// Some ended jobs are submitted again, in an order of their own; or some that have not ended,
    /// which is refused.
    pub(super) fn retry(&mut self) {
        let last = self.scheduler.last_job().max(1);
        let count = 1 + self.random.below(3);
        let jobs = (0..count).map(|_| {
            let of = JobId(1 + self.random.below(last));
            Again { of, job: NewJob { name: None, ..self.new_job(0) } }
        });
        let jobs = jobs.collect();
        if let Some(accepted) = self.apply(event::JobsRetried { jobs }) {
            self.unanswered.push(accepted.jobs);
        }
    }

    /// A cancel waits for its worker until the lease is over, and no longer.
    pub(super) fn check_cancels(&self) {
        let gone = self.scheduler.workers(self.now).into_iter().filter(|worker| worker.past_lease);
        for attempt in gone.flat_map(|worker| worker.attempts) {
            let job = self.scheduler.job(self.now, attempt.job).filter(|job| job.attempt == attempt.number);
            assert!(!job.is_some_and(|job| job.cancelling), "a cancel of {attempt} waits for a worker past its lease");
        }
    }

    /// An address means one worker: who is silent there has lost it to who is heard there.
    pub(super) fn check_addresses(&self) {
        let workers = self.scheduler.workers(self.now);
        for silent in workers.iter().filter(|worker| worker.past_lease && !worker.passed_on) {
            let is_there = |other: &&WorkerView| {
                other.ip == silent.ip && other.intro.ip == silent.ip && other.status.is_reachable()
            };
            let other = workers.iter().find(is_there);
            assert!(
                other.is_none(),
                "{} has the address of {}: {silent:?}",
                other.map_or("", |other| other.intro.id.as_str()),
                silent.intro.id
            );
        }
    }

    /// Jobs that end by a cancel alone are cancelled at last.
    pub(super) fn cancel_endless(&mut self) {
        let running = self.agents.iter().flat_map(|agent| &agent.running);
        let endless: Vec<JobId> =
            running.filter(|(_, run)| run.ends_ms >= ENDLESS_MS).map(|(attempt, _)| attempt.job).collect();
        for job in endless {
            if self.scheduler.job(self.now, job).is_some_and(|job| !job.cancelling) {
                self.apply(event::CancelRequested { job });
            }
        }
    }

    /// What has not started in time has ended when the scheduler has looked at the clock.
    pub(super) fn check_expired(&self) {
        for job in self.oracle.expiring(self.now.wall_ms) {
            let Some(view) = self.scheduler.job(self.now, job) else { continue };
            let waits = matches!(view.state, JobState::Blocked | JobState::Held | JobState::Queued);
            assert!(!waits || view.attempt > 0, "{job} waits although it has expired: {view:?}");
        }
    }

    /// Jobs that may only run on workers which no longer exist, or in a group without workers, are cancelled at last.
    pub(super) fn cancel_homeless(&mut self) {
        if self.scheduler.queue(self.now).queued == 0 || !self.random.chance(2) {
            return;
        }
        let here: BTreeSet<WorkerId> = self.agents.iter().map(Agent::worker).collect();
        let known = self.scheduler.workers(self.now).into_iter().filter(|view| here.contains(&view.intro.id));
        let groups: BTreeSet<String> = known.flat_map(|view| view.groups).collect();
        let is_homeless = |terms: &Terms| {
            let Placement { workers, group, .. } = &*terms.placement;
            let is_here = |worker: &String| here.iter().any(|id| id.as_str() == worker);
            (!workers.is_empty() && !workers.iter().any(is_here))
                || group.as_ref().is_some_and(|group| !groups.contains(group))
        };
        let jobs = self.scheduler.saved().jobs.into_iter();
        for job in jobs.filter(|job| job.state == JobState::Queued && is_homeless(&job.terms)) {
            self.apply(event::CancelRequested { job: job.id });
        }
    }

    /// An operator gives up the workers that are past their lease and run nothing anywhere: a job may wait for
    /// one whose machine has become another worker.
    pub(super) fn give_up_the_dead(&mut self) {
        let gone = self.scheduler.workers(self.now).into_iter().filter(|view| view.past_lease);
        let gone = gone.filter(|view| !matches!(view.status, WorkerStatus::Asleep | WorkerStatus::Waking));
        for worker in gone.map(|view| view.intro.id).collect::<Vec<_>>() {
            if self.is_dead(&worker) {
                self.apply(event::WorkerRemoved { worker, lost: true });
            }
        }
    }

    /// Whether nothing runs anywhere under an identity.
    pub(super) fn is_dead(&self, worker: &WorkerId) -> bool {
        self.agents.iter().all(|agent| agent.worker() != *worker || agent.starts_nothing())
    }

    pub(super) fn release_all(&mut self) {
        let held = Some(JobState::Held);
        for job in self.scheduler.jobs(self.now, held, None, usize::MAX) {
            self.apply(event::ReleaseRequested { job: job.id });
        }
    }
}

/// What some jobs take: never more than a machine has.
fn some_needs(random: &mut Random) -> Needs {
    if !random.chance(35) {
        return Needs::default();
    }
    let mut part = |chance, most: u64| if random.chance(chance) { 1 + random.below(most) } else { 0 };
    Needs {
        cpus: u32::try_from(part(50, CPUS.into())).unwrap_or(0),
        memory_bytes: part(50, MEMORY),
        gpus: u32::try_from(part(20, 2)).unwrap_or(0),
        vram_bytes: part(30, VRAM),
        needs: [("license".to_owned(), part(30, LICENSES))].into_iter().filter(|(_, amount)| *amount > 0).collect(),
    }
}
