//! The invariants of the state, derived again from scratch: for tests and the simulation, after
//! each event. It panics with the first thing that does not hold.

use std::collections::{BTreeMap, BTreeSet};

use c2_shared::id::AttemptId;
use c2_shared::job::JobState;

use crate::sched::fit::{Held, Share};
use crate::sched::queues::{Rank, ShapeId};
use crate::sched::scheduler::{Counts, Scheduler};
use crate::sched::workers::Worker;

impl Scheduler {
    /// Checks that every index agrees with what it was made from and that the promises hold.
    pub fn check_invariants(&self) {
        self.check_counts();
        self.check_queues();
        self.check_batches();
        self.check_rests();
        self.check_grants();
        self.check_dependencies();
        self.check_parked();
        self.check_schedules();
        self.check_sleepers();
        let earliest = self.workers.values().filter_map(Worker::deadline).min();
        assert_eq!(self.workers.first_deadline(), earliest, "the earliest deadline of a worker");
    }

    fn check_schedules(&self) {
        let instants = self.schedules.values().filter_map(|one| Some((one.next_ms?, one.name.clone())));
        assert_eq!(self.instants, instants.collect(), "the next instant of each schedule");
        for schedule in self.schedules.values() {
            let fine = !(schedule.paused && schedule.next_ms.is_some());
            assert!(fine, "{} is paused and would run", schedule.name);
        }
    }

    fn check_counts(&self) {
        let mut counts = Counts::default();
        for (_, job) in self.jobs.iter() {
            assert!(!job.state.is_terminal(), "an ended job is active");
            counts.add(job.state);
        }
        for ended in self.ended.iter() {
            assert!(self.jobs.get(ended.job).is_none(), "{} is both active and ended", ended.job);
            counts.add(ended.state);
        }
        assert_eq!(counts, self.counts, "counts");
        // I1: every id that was given is in exactly one state.
        let known = self.jobs.len() + self.ended.iter().count();
        assert_eq!(known as u64, self.last_job, "some job is in no state");
        assert!(self.jobs.len() <= self.capacity, "I9: more jobs than the queue holds");
        assert_eq!(self.ended.iter().count() as u64, self.last_seq, "I11: the log has one line for each ended job");
    }

    fn check_queues(&self) {
        let waiting: BTreeMap<Rank, ShapeId> = self.queues.waiting().map(|(shape, rank)| (rank, shape)).collect();
        let queued = self.jobs.iter().filter(|(_, job)| job.state == JobState::Queued);
        let expected: BTreeMap<Rank, ShapeId> = queued.map(|(_, job)| (job.rank(), job.shape)).collect();
        assert_eq!(waiting, expected, "the queues hold exactly the queued jobs");
        for (id, job) in self.jobs.iter() {
            let shape = self.queues.shape(job.shape);
            assert!(
                shape.placement == job.terms.placement && shape.pinned == job.pinned && shape.batch == job.terms.batch,
                "{id} asks for something else"
            );
        }
    }

    fn check_batches(&self) {
        let mut running = BTreeMap::new();
        for (_, job) in self.jobs.iter().filter(|(_, job)| job.state == JobState::Running) {
            job.terms.batch.iter().for_each(|batch| *running.entry(batch.clone()).or_default() += 1);
        }
        assert_eq!(self.batches.running, running, "what runs of each batch");
    }

    fn check_rests(&self) {
        let expected: BTreeSet<_> = self.rests.iter().map(|(job, until)| (*until, *job)).collect();
        assert_eq!(self.resting, expected, "rests by time and by job");
        for (id, job) in self.jobs.iter() {
            let rests = self.queues.shape(job.shape).rests;
            assert_eq!(rests, self.rests.contains_key(&id), "{id} rests exactly while it is noted");
            assert!(!rests || job.state != JobState::Running, "{id} runs while it rests");
        }
    }

    fn check_grants(&self) {
        let mut running: BTreeSet<AttemptId> = BTreeSet::new();
        for worker in self.workers.values() {
            let mut held = Held::default();
            for (attempt, grant) in &worker.grants {
                // I6: it panics where a tag has two holders.
                held.add(*attempt, &grant.share);
                let job = self.jobs.get(attempt.job);
                if job.is_some_and(|job| job.state == JobState::Running && job.attempt == attempt.number) {
                    assert_eq!(job.and_then(|job| job.worker.as_ref()), Some(worker.id()), "{attempt} runs elsewhere");
                    assert!(running.insert(*attempt), "{attempt} runs twice");
                }
            }
            assert_eq!(held, worker.held, "what is held of {}", worker.id());
            let ahead = worker.grants.values().any(|grant| grant.ahead && grant.outcome.is_none());
            assert_eq!(ahead, self.with_ahead.contains(worker.id()), "{} holds something ahead", worker.id());
            assert_eq!(worker.slots_free() > 0, self.with_room.contains(worker.id()), "{} has room", worker.id());
            for (attempt, grant) in worker.grants.iter().filter(|(_, grant)| grant.ahead) {
                assert_eq!(grant.share, Share::default(), "{attempt} was given ahead and holds something");
            }
            assert_eq!(worker.record.has(), worker.has, "what {} has", worker.id());
        }
        for (id, job) in self.jobs.iter().filter(|(_, job)| job.state == JobState::Running) {
            assert!(running.contains(&AttemptId { job: id, number: job.attempt }), "{id} runs nowhere");
        }
    }

    fn check_dependencies(&self) {
        for (id, job) in self.jobs.iter() {
            let open: Vec<_> = job.depends.iter().filter(|edge| !edge.fulfilled).collect();
            if matches!(job.state, JobState::Queued | JobState::Running) {
                assert!(open.is_empty(), "I7: {id} may start before {}", open[0].on);
            }
            for edge in open {
                // I8: what cannot be fulfilled any more has ended the dependent with it.
                assert!(self.jobs.get(edge.on).is_some(), "{id} waits for {}, which has ended", edge.on);
                let listed = self.dependents.get(&edge.on).is_some_and(|list| list.binary_search(&id).is_ok());
                assert!(listed, "{} does not know that {id} waits for it", edge.on);
            }
        }
        let expiries = self.jobs.iter().filter_map(|(id, job)| Some((job.expires_at()?, id)));
        assert_eq!(self.expiries, expiries.collect(), "jobs that end at a time");
        for (at, id) in &self.begins {
            let job = self.jobs.get(*id);
            let fine = job.is_some_and(|job| job.state == JobState::Blocked && job.terms.begin_at == Some(*at));
            assert!(fine, "{id} has no begin time to wait for");
        }
    }

    fn check_sleepers(&self) {
        let asleep = self.workers.values().filter(|worker| worker.record.asleep);
        for worker in asleep.clone() {
            let idle = worker.grants.is_empty() && worker.presence.parked.is_none();
            assert!(idle, "{} sleeps and holds something", worker.id());
        }
        assert_eq!(self.sleepers, asleep.map(|worker| worker.id().clone()).collect(), "workers that sleep");
        // I25: no job waits for ever beside a worker that could be woken.
        for id in self.queues.all_ready().filter(|_| !self.paused && !self.look_for_sleepers) {
            if let Some(worker) = self.sleeper_for(id) {
                unreachable!("I25: {:?} would run on {worker}, which no one wakes", self.queues.shape(id));
            }
        }
    }

    fn check_parked(&self) {
        for (token, id) in &self.parked {
            let parked = self.workers.get(id).and_then(|worker| worker.presence.parked);
            assert_eq!(parked.map(|parked| parked.token), Some(*token), "the parked poll of {id}");
        }
        let parked = self.workers.values().filter(|worker| worker.presence.parked.is_some()).count();
        assert_eq!(parked, self.parked.len(), "every parked poll is listed");
        for (id, job) in &self.kept_room {
            let waits = self.jobs.get(*job).is_some_and(|job| job.state == JobState::Queued);
            assert!(waits && self.workers.contains_key(id), "room on {id} is kept for {job}, which does not wait");
        }
        assert!(self.fresh.shapes.is_empty() && self.fresh.workers.is_empty(), "work was not offered");
    }
}
