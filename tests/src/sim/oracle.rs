//! What must hold from the outside: what really ran, what was told to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{Condition, JobState, Needs, OnLost, Outcome};
use c2d::sched::Decision;

use super::agent::{CPUS, LICENSES, MEMORY, SLOTS, VRAM};
use super::given::Given;
use c2d::sched::decision::{Back, JobRecord, Saved, WorkerRecord};
use c2d::sched::event::{Place, Poll};
use c2d::sched::fit::Share;

/// What a broken machine says.
pub(crate) const FAULT: &str = "no space left";
/// How long an address must have been kept before it is written down. Commits come up to some seconds late.
const SETTLES_MS: u64 = 1_000;
/// How long processes may outlive their job on a worker that is in contact.
const SURVIVE_MS: u64 = 20_000;

/// Remembers everything that was acknowledged or that really happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    /// Jobs whose submit was answered.
    acknowledged: BTreeSet<JobId>,
    /// Final states once they were durable.
    verdicts: BTreeMap<JobId, Outcome>,
    /// When each job that still has living processes ended.
    ended_ms: BTreeMap<JobId, u64>,
    /// Since when every worker is up and in contact.
    calm_since_ms: u64,
    /// Attempts in the order in which they became durable, by job.
    issued: BTreeMap<JobId, u32>,
    /// Dependencies of each job.
    depends: BTreeMap<JobId, Vec<(Condition, JobId)>>,
    /// Jobs that wait for each job.
    dependents: BTreeMap<JobId, Vec<JobId>>,
    /// What each job takes beside a slot, and what each attempt was given.
    takes: BTreeMap<JobId, Needs>,
    shares: BTreeMap<AttemptId, Share>,
    /// Workers that must not run each job.
    excluded: BTreeMap<JobId, Vec<String>>,
    /// Workers that alone may run each job, where it names some.
    only: BTreeMap<JobId, Vec<String>>,
    /// When each job that has not started expires, in wall-clock time; and how many did.
    expires: BTreeMap<JobId, u64>,
    expired: u64,
    /// Jobs that asked for the machine of their dependencies.
    together: BTreeSet<JobId>,
    /// Jobs that run at most once, whatever happens to their workers.
    once: BTreeSet<JobId>,
    /// Jobs that wait for a lost worker to come back, however long that takes.
    patient: BTreeSet<JobId>,
    /// Where the latest attempt of each job went, unless it was taken back.
    went_to: BTreeMap<JobId, WorkerId>,
    /// Every attempt that ever started a process.
    started: BTreeSet<AttemptId>,
    /// Every attempt that a machine said it never started.
    given_back: BTreeSet<AttemptId>,
    /// Every attempt that had ended and whose delivery was called off.
    cut_short: BTreeSet<AttemptId>,
    /// Where each job has living processes.
    folders: BTreeMap<JobId, usize>,
    /// Process trees that are alive: by job.
    alive: BTreeMap<JobId, AttemptId>,
    /// Tags in use by processes that are alive.
    tags: BTreeMap<(usize, String), AttemptId>,
    /// Workers that c2d knows: where each is, and since when that is written down.
    known: BTreeMap<WorkerId, (IpAddr, u64)>,
    /// When one was last written down elsewhere right after that.
    hasty: BTreeMap<WorkerId, u64>,
    /// The place of each worker, as far as was decided.
    places: BTreeMap<WorkerId, Place>,
    /// Attempts that were given up with their worker.
    given_up: BTreeSet<AttemptId>,
    /// The batch of each job that has one, and how many of each may run.
    batches: BTreeMap<JobId, Arc<str>>,
    limits: BTreeMap<Arc<str>, u32>,
    /// Jobs that run, as far as is durable.
    running: BTreeSet<JobId>,
    /// The next `seq` of the log.
    log: u64,
    /// What was given to workers, in slots and ahead of them.
    given: Given,
}

impl Oracle {
    pub(crate) fn acknowledge(&mut self, jobs: &[JobId]) {
        self.acknowledged.extend(jobs);
    }

    /// What a job asks for now; answers what it depended on before.
    fn learn(&mut self, job: &JobRecord) -> Option<Vec<(Condition, JobId)>> {
        let edges: Vec<_> = job.depends.iter().map(|edge| (edge.condition, edge.on)).collect();
        for (_, on) in &edges {
            self.dependents.entry(*on).or_default().push(job.id);
        }
        match &job.terms.batch {
            Some(batch) => drop(self.batches.insert(job.id, Arc::clone(batch))),
            None => drop(self.batches.remove(&job.id)),
        }
        self.excluded.insert(job.id, job.terms.placement.exclude.clone());
        self.only.insert(job.id, job.terms.placement.workers.clone());
        self.expires.remove(&job.id);
        if let Some(expires_s) = job.terms.expires_s {
            let from_ms = job.submitted_ms.max(job.terms.begin_at.unwrap_or(0));
            self.expires.insert(job.id, from_ms + 1_000 * expires_s);
        }
        let note = |is_one: bool, jobs: &mut BTreeSet<JobId>| {
            if is_one {
                jobs.insert(job.id)
            } else {
                jobs.remove(&job.id)
            };
        };
        self.takes.insert(job.id, job.terms.placement.takes.clone());
        note(job.terms.same_machine, &mut self.together);
        // One that could have run again may have done so before it changed.
        let once = job.terms.on_lost == OnLost::Fail && job.terms.retries == 0 && job.attempt == 0;
        note(once, &mut self.once);
        note(job.terms.on_lost == OnLost::Wait, &mut self.patient);
        self.depends.insert(job.id, edges)
    }

    /// Decisions became durable.
    pub(crate) fn committed(&mut self, decisions: &[Decision], capacity: usize, now_ms: u64) {
        for decision in decisions {
            match decision {
                Decision::AddJob(job) => {
                    let old = self.learn(job);
                    assert!(old.is_none(), "{} was given twice", job.id);
                }
                Decision::Change(job) => {
                    for (_, on) in self.learn(job).expect("only a job that was given changes") {
                        if let Some(dependents) = self.dependents.get_mut(&on) {
                            let gone = dependents.iter().position(|dependent| *dependent == job.id);
                            gone.map(|place| dependents.remove(place));
                        }
                    }
                }
                Decision::Assign { attempt, worker, share, .. } => {
                    assert_eq!(
                        share.takes, self.takes[&attempt.job],
                        "{attempt} holds something else than it asks for"
                    );
                    self.shares.insert(*attempt, share.clone());
                    let excluded = self.excluded[&attempt.job].iter().any(|word| word == worker.as_str());
                    assert!(!excluded, "{attempt} goes to {worker}, where it must not run");
                    let only = &self.only[&attempt.job];
                    let fits = only.is_empty() || only.iter().any(|word| word == worker.as_str());
                    assert!(fits, "{attempt} goes to {worker}, and may only run on {only:?}");
                    let last = self.issued.insert(attempt.job, attempt.number).unwrap_or(0);
                    assert_eq!(last + 1, attempt.number, "I5: attempts of {} repeat or skip", attempt.job);
                    assert!(!self.verdicts.contains_key(&attempt.job), "I3: {} starts after its end", attempt.job);
                    self.check_batch(attempt.job);
                    self.running.insert(attempt.job);
                    self.check_order(attempt.job);
                    self.check_machine(*attempt, worker);
                    self.went_to.insert(attempt.job, worker.clone());
                }
                Decision::Readopt { attempt, .. } => drop(self.running.insert(attempt.job)),
                Decision::LimitBatch { batch, max_running: Some(n) } => drop(self.limits.insert(batch.clone(), *n)),
                Decision::LimitBatch { batch, max_running: None } => drop(self.limits.remove(batch)),
                Decision::Requeue { attempt, outcome, back, .. } => {
                    self.running.remove(&attempt.job);
                    self.went_to.remove(&attempt.job);
                    self.check_void(*attempt, outcome);
                    if matches!(back, Back::GivenUp { .. }) {
                        self.given_up.insert(*attempt);
                    }
                }
                Decision::PutWorker(record) => self.check_worker(record, now_ms),
                Decision::RemoveWorker { worker } => drop(self.known.remove(worker)),
                Decision::End { job, attempt, outcome, seq, at_ms, .. } => {
                    self.running.remove(job);
                    self.check_expiry(*job, outcome, *at_ms);
                    let number = AttemptId { job: *job, number: *attempt };
                    let unstarted = self.given.was_ahead(number) && !self.started.contains(&number);
                    assert!(!unstarted || *outcome != Outcome::Lost, "{job} failed and was never started");
                    let faulty = matches!(outcome, Outcome::Setup { reason } if reason == FAULT);
                    assert!(!faulty, "I21: {job} ends with a machine's fault");
                    self.check_void(AttemptId { job: *job, number: *attempt }, outcome);
                    let old = self.verdicts.insert(*job, outcome.clone());
                    assert!(old.is_none(), "I3: {job} ended twice");
                    self.ended_ms.insert(*job, now_ms);
                    assert_eq!(*attempt, self.issued.get(job).copied().unwrap_or(0), "I4: {job}");
                    self.log += 1;
                    assert_eq!(*seq, self.log, "I11: the log skips or repeats");
                }
                _ => {}
            }
        }
        self.check_cascade(decisions);
        let alive = self.depends.len() - self.verdicts.len();
        assert!(alive <= capacity, "I9: {alive} jobs are alive, {capacity} fit");
    }

    /// All that was accepted in a commit was answered after it, whole batches and nothing else.
    pub(crate) fn check_batches(&self) {
        assert!(self.depends.keys().eq(&self.acknowledged), "I2: some jobs of a batch exist, some do not");
    }

    /// What was decided because time passed, with no word from anybody.
    pub(crate) fn check_patience(&self, decisions: &[Decision]) {
        for decision in decisions {
            // One that failed, as its worker had said before, is tried again like any other.
            if let Decision::Requeue { attempt, back: Back::Lost { .. } | Back::GivenUp { .. }, .. } = decision {
                let patient = self.patient.contains(&attempt.job);
                assert!(!patient, "{attempt} is taken back although its job waits for its worker");
            }
        }
    }

    /// What was decided in one turn: a grant ends with its processes, unless another place has the identity of
    /// its worker since.
    pub(crate) fn check_grants(&mut self, decisions: &[Decision]) {
        let mut replaced = BTreeSet::new();
        for decision in decisions {
            match decision {
                Decision::PutWorker(record) => {
                    let (id, place) = (&record.intro.id, &record.intro.place);
                    let old = self.places.insert(id.clone(), place.clone());
                    if old.is_some_and(|old| old.machine != place.machine || old.folder != place.folder) {
                        replaced.insert(id.clone());
                    }
                }
                Decision::Deliver { attempt, .. } => {
                    let lives = self.alive.get(&attempt.job) == Some(attempt);
                    assert!(!lives, "I15: {attempt} lives, and what it holds is free");
                }
                Decision::Free { attempt, worker } => {
                    let lives = self.alive.get(&attempt.job) == Some(attempt);
                    let fine = !lives || replaced.contains(worker);
                    assert!(fine, "I15: {attempt} lives on {worker}, and what it holds is free");
                }
                Decision::RemoveWorker { worker } => {
                    self.places.remove(worker);
                    // Whoever comes back is new, wherever it is; unless this was not durable.
                    self.known.entry(worker.clone()).and_modify(|(_, since_ms)| *since_ms = 0);
                }
                _ => {}
            }
        }
    }

    /// c2d goes on with what was written down.
    pub(crate) fn restarted(&mut self, Saved { workers, grants, .. }: &Saved) {
        self.given.restart(grants);
        let place = |record: &WorkerRecord| (record.intro.id.clone(), record.intro.place.clone());
        self.places = workers.iter().map(place).collect();
        // What was not durable is as if it had not been.
        self.known.values_mut().for_each(|(_, since_ms)| *since_ms = 0);
        for WorkerRecord { intro, .. } in workers {
            self.known.insert(intro.id.clone(), (intro.ip, 0));
        }
    }

    /// A new identity begins with nothing; a known one is not written down with each message.
    fn check_worker(&mut self, record: &WorkerRecord, now_ms: u64) {
        let (id, ip) = (&record.intro.id, record.intro.ip);
        let Some((known, since_ms)) = self.known.get_mut(id) else {
            let empty = record.groups.is_empty() && record.tags.is_empty() && !record.drained;
            assert!(empty, "I16: {id} is new and has {record:?}");
            self.known.insert(id.clone(), (ip, now_ms));
            return;
        };
        if *known != ip {
            // It may be introduced from another address in the moment in which one has settled, but not again and again.
            let is_soon = |since_ms: u64| now_ms.saturating_sub(since_ms) < SETTLES_MS;
            let is_second = is_soon(*since_ms) && self.hasty.insert(id.clone(), now_ms).is_some_and(is_soon);
            assert!(!is_second, "{id} is written down at {ip} too soon");
            (*known, *since_ms) = (ip, now_ms);
        }
    }

    /// No result counts of what was given up, and no success of what was thrown away.
    fn check_void(&self, attempt: AttemptId, outcome: &Outcome) {
        let by_worker = !matches!(
            outcome,
            Outcome::Lost
                | Outcome::Cancelled
                | Outcome::CrashLimit
                | Outcome::Expired
                | Outcome::Dependency { .. }
                | Outcome::Setup { .. }
        );
        assert!(!by_worker || !self.given_up.contains(&attempt), "{attempt} was given up, and its result counts");
        let whole = !outcome.ran_to_an_end() || !self.cut_short.contains(&attempt);
        assert!(whole, "{attempt} counts as done, and what it left was thrown away");
    }

    /// A job expires when its time is over, not before.
    fn check_expiry(&mut self, job: JobId, outcome: &Outcome, at_ms: u64) {
        let due = self.expires.remove(&job);
        if *outcome == Outcome::Expired {
            assert!(due.is_some_and(|due| due <= at_ms), "{job} expires at {at_ms}, not at {due:?}");
            self.expired += 1;
        }
    }

    /// Jobs whose time to start is over.
    pub(crate) fn expiring(&self, wall_ms: u64) -> impl Iterator<Item = JobId> {
        self.expires.iter().filter(move |(_, due)| **due <= wall_ms).map(|(job, _)| *job)
    }

    pub(crate) const fn expired(&self) -> u64 {
        self.expired
    }

    /// Whether a job waits for its worker to come back.
    pub(crate) fn is_patient(&self, job: JobId) -> bool {
        self.patient.contains(&job)
    }

    /// From now on nothing fails any more.
    pub(crate) const fn calm_since(&mut self, now_ms: u64) {
        self.calm_since_ms = now_ms;
    }

    /// Once all workers are in contact, nothing lives for long whose job has ended.
    pub(crate) fn check_survivors(&self, now_ms: u64) {
        for attempt in self.alive.values() {
            let since = self.ended_ms.get(&attempt.job).map(|ended_ms| (*ended_ms).max(self.calm_since_ms));
            let fine = since.is_none_or(|since| now_ms.saturating_sub(since) <= SURVIVE_MS);
            assert!(fine, "I17: {attempt} lives {SURVIVE_MS} ms after its job ended");
        }
    }

    /// A machine starts a process tree.
    pub(crate) fn start(&mut self, folder: usize, attempt: AttemptId, tags: &[String]) {
        assert!(self.started.insert(attempt), "I5: {attempt} started twice");
        assert!(!self.given_back.contains(&attempt), "I21: {attempt} starts after it was given back");
        self.folders.insert(attempt.job, folder);
        let busy = self.folders.values().filter(|other| **other == folder).count();
        assert!(busy <= SLOTS as usize, "I19: {busy} jobs run at once on agent {folder}");
        let of_job = |number| AttemptId { job: attempt.job, number };
        let starts = self.started.range(of_job(0)..=of_job(u32::MAX)).count();
        let once = starts == 1 || !self.once.contains(&attempt.job);
        assert!(once, "{attempt} starts although its job runs at most once");
        let issued = self.issued.get(&attempt.job).copied().unwrap_or(0);
        assert!(attempt.number <= issued, "{attempt} started before it was durable");
        let other = self.alive.insert(attempt.job, attempt);
        assert!(other.is_none(), "I14: {attempt} starts while {other:?} is alive");
        for tag in tags {
            let other = self.tags.insert((folder, tag.clone()), attempt);
            assert!(other.is_none(), "I6: {attempt} takes {tag} of agent {folder} from {other:?}, which is alive");
        }
        self.check_shares(folder);
    }

    /// Of nothing more is taken on a machine than it has, whatever c2d counts: by what runs there.
    fn check_shares(&self, folder: usize) {
        let here = self.alive.iter().filter(|(job, _)| self.folders.get(job) == Some(&folder));
        let shares: Vec<&Share> = here.map(|(_, attempt)| &self.shares[attempt]).collect();
        let sum = |of: &dyn Fn(&Share) -> u64| shares.iter().map(|share| of(share)).sum::<u64>();
        let licenses = sum(&|share| share.takes.needs.get("license").copied().unwrap_or(0));
        let (cpus, memory) = (sum(&|share| share.takes.cpus.into()), sum(&|share| share.takes.memory_bytes));
        let fine = cpus <= CPUS.into() && memory <= MEMORY && licenses <= LICENSES;
        assert!(fine, "I24: {cpus} cpus, {memory} bytes, {licenses} licenses are taken on agent {folder}");
        for card in 0..2_u32 {
            let tag = format!("gpu:{card}");
            let own = shares.iter().filter(|share| share.tags.contains(&tag)).count();
            let parts: Vec<u64> =
                shares.iter().filter(|share| share.card == Some(card)).map(|share| share.takes.vram_bytes).collect();
            let fine = own <= 1 && (own == 0 || parts.is_empty()) && parts.iter().sum::<u64>() <= VRAM;
            assert!(fine, "I24: {tag} of agent {folder} is held {own} times and shared as {parts:?}");
        }
    }

    /// A poll reaches c2d, which learns from it what started by itself and when.
    pub(crate) fn note_poll(&mut self, poll: &Poll, now_ms: u64) {
        self.given.note_poll(poll, now_ms);
    }

    /// What was decided in one turn: no more waits at a worker than its slots allow that were taken a moment ago.
    /// Each that was given ahead, and whether others waited for the same slot.
    pub(crate) fn check_ahead(&mut self, decisions: &[Decision], now_ms: u64) -> Vec<bool> {
        decisions.iter().filter_map(|decision| self.given.check(decision, now_ms)).collect()
    }

    /// A machine says that it never started an attempt.
    pub(crate) fn give_back(&mut self, attempt: AttemptId) {
        assert!(!self.started.contains(&attempt), "I21: {attempt} had started");
        self.given_back.insert(attempt);
    }

    /// Machines threw away what ended attempts had left.
    pub(crate) fn cut_short(&mut self, attempts: Vec<AttemptId>) {
        self.cut_short.extend(attempts);
    }

    /// A process tree is dead.
    pub(crate) fn stop(&mut self, attempt: AttemptId) {
        self.folders.remove(&attempt.job);
        let alive = self.alive.remove(&attempt.job);
        assert_eq!(alive, Some(attempt));
        self.tags.retain(|_, holder| *holder != attempt);
    }

    /// After the last fault everything has ended, and nothing that was acknowledged is missing.
    pub(crate) fn finish(&self) {
        for job in &self.acknowledged {
            assert!(self.verdicts.contains_key(job), "I1, I10: {job} was acknowledged and never ended");
        }
        for job in self.depends.keys() {
            assert!(self.verdicts.contains_key(job), "I10: {job} never ended");
        }
        assert!(self.alive.is_empty(), "I13: alive after the end: {:?}", self.alive);
    }

    pub(crate) fn runs(&self) -> usize {
        self.started.len()
    }

    pub(crate) fn ended(&self) -> usize {
        self.verdicts.len()
    }

    /// Whether a batch ever had a job: only then c2d takes a limit for it.
    pub(crate) fn knows_batch(&self, batch: &str) -> bool {
        self.batches.values().any(|known| &**known == batch)
    }

    /// A job is given out only while fewer of its batch run than may.
    fn check_batch(&self, job: JobId) {
        let Some(batch) = self.batches.get(&job) else { return };
        let running = self.running.iter().filter(|other| self.batches.get(other) == Some(batch)).count();
        let limit = self.limits.get(batch).copied();
        assert!(limit.is_none_or(|limit| running < limit as usize), "I22: {job} starts while {running} of {batch} run");
    }

    fn check_order(&self, job: JobId) {
        for (condition, on) in &self.depends[&job] {
            let state = self.verdicts.get(on).map(Outcome::state);
            let fine = state.is_some_and(|state| meets(*condition, state));
            assert!(fine, "I7: {job} starts although {on} is {state:?}");
        }
    }

    fn check_machine(&self, attempt: AttemptId, worker: &WorkerId) {
        if self.together.contains(&attempt.job) {
            for (_, on) in &self.depends[&attempt.job] {
                let there = self.went_to.get(on).is_none_or(|there| there == worker);
                assert!(there, "{attempt} goes to {worker}, not where {on} ran");
            }
        }
    }

    /// Whoever can no longer start has ended in the same commit.
    fn check_cascade(&self, decisions: &[Decision]) {
        for decision in decisions {
            let concerned: &[JobId] = match decision {
                Decision::AddJob(job) => &[job.id],
                Decision::End { job, .. } => self.dependents.get(job).map_or(&[], Vec::as_slice),
                _ => &[],
            };
            for job in concerned {
                let ended = |on: &JobId| self.verdicts.get(on).map(Outcome::state);
                let unmet = |(condition, on): &&(Condition, JobId)| ended(on).is_some_and(|s| !meets(*condition, s));
                let unmet = self.depends[job].iter().find(unmet);
                let fine = unmet.is_none() || self.verdicts.contains_key(job);
                assert!(fine, "I8: {job} lives on although {unmet:?} ended otherwise");
            }
        }
    }
}

/// Whether a final state is what a dependency asked for; on purpose not the scheduler's own word.
fn meets(condition: Condition, state: JobState) -> bool {
    match condition {
        Condition::Ok => state == JobState::Succeeded,
        Condition::Any => true,
        Condition::NotOk => state != JobState::Succeeded,
    }
}
