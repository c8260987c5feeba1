//! The bound within which each job starts, in histories of chance.
//!
//! In words: a job that some online worker could run alone waits, after its submit, at most for so many rounds as jobs of
//! a higher rank are active then that need kept room, and for one of its own. A round is a minute until room is kept,
//! and twice the longest run time: of what is in its way, and of what takes that room. Whatever comes after it, of
//! whatever shape, adds nothing.

use std::collections::BTreeMap;

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use c2_shared::limits::KEEP_ROOM_MS;
use c2_shared::resources::Capacity;

use super::lab::{Lab, placed, with};
use crate::sched::event::{self, Introduction, NewJob};

const CPUS: u32 = 8;
/// No job runs longer.
const LONGEST_MS: u64 = 8_000;
const ROUND_MS: u64 = KEEP_ROOM_MS + 2 * LONGEST_MS;
const STEP_MS: u64 = 1_000;
/// How long jobs come.
const STEPS: u64 = 400;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn cpus(&mut self, from: u32, to: u32) -> NewJob {
        let cpus = from + u32::try_from(self.below(u64::from(to - from + 1))).unwrap();
        placed(|placement| placement.takes.cpus = cpus)
    }
}

/// Workers of eight processors on which small jobs never end to come, and a few large ones.
struct History {
    random: Random,
    lab: Lab,
    workers: Vec<u8>,
    now: u64,
    /// When what runs ends, and where.
    ends: BTreeMap<AttemptId, (u64, u8)>,
    /// Large ones that wait: until when each must have started.
    due: BTreeMap<JobId, u64>,
    large: u64,
    /// Small ones that wait.
    small: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let workers: Vec<u8> = (2..=2 + u8::try_from(random.below(3)).unwrap()).collect();
        let mut lab = Lab::new(&workers);
        for last in &workers {
            let has = Capacity { cpus: CPUS, ..Capacity::default() };
            lab.apply(event::WorkerRegistered(Introduction { has, ..Lab::introduction(*last) })).unwrap();
        }
        Self { random, lab, workers, now: 0, ends: BTreeMap::new(), due: BTreeMap::new(), large: 0, small: 0 }
    }

    fn step(&mut self, comes: bool) {
        self.lab.sleep(STEP_MS);
        self.now += STEP_MS;
        let now = self.now;
        for (attempt, (_, worker)) in self.ends.extract_if(.., |_, (at, _)| *at <= now) {
            self.lab.finish(worker, attempt, Outcome::Exit { code: 0 });
        }
        if comes && self.random.below(20) == 0 {
            self.submit_large();
        }
        for worker in self.workers.clone() {
            // There is always more than fits.
            while self.small < 6 {
                let small = self.random.cpus(1, 3);
                self.lab.submit(vec![small]).unwrap();
                self.small += 1;
            }
            for given in self.lab.poll(worker).assign {
                let runs_ms = STEP_MS * (1 + self.random.below(LONGEST_MS / STEP_MS));
                self.ends.insert(given.attempt, (now + runs_ms, worker));
                if self.due.remove(&given.attempt.job).is_none() {
                    self.small -= 1;
                }
            }
        }
        let late = self.due.iter().find(|(_, due)| **due < now);
        assert!(late.is_none(), "{late:?} waits at {now} among {} workers", self.workers.len());
    }

    /// A large one comes before all small ones; those of before it come first.
    fn submit_large(&mut self) {
        let job = with(self.random.cpus(4, CPUS), |terms| terms.priority = 1);
        let before = self.due.len() as u64;
        let id = self.lab.submit(vec![job]).unwrap()[0];
        self.due.insert(id, self.now + ROUND_MS * (before + 1));
        self.large += 1;
    }
}

#[test]
fn no_job_waits_longer_than_its_bound() {
    let mut large = 0;
    for seed in 0..6 {
        let mut history = History::new(seed);
        (0..STEPS).for_each(|_| history.step(true));
        while !history.due.is_empty() {
            history.step(false);
        }
        large += history.large;
        history.lab.decided.clear();
    }
    assert!(large > 75, "{large} large jobs");
}
