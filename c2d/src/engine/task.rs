//! The task itself: take what waits, apply, commit, answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use c2_shared::advice::with_causes;
use c2_shared::api::work::AttemptResult;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Outcome;
use c2_shared::limits::{FREE_BYTES_FLOOR, UNOBSERVED_MS};
use c2_shared::time::Mono;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::handle::{Message, Read, Tell};
use super::schedules::Looked;
use super::{AttemptOutput, Batch, Committed, Durable, EngineHandle, Noted, Observed, Refusal, Touched, Wake};
use crate::clock::Clock;
use crate::sched::decision::{PollAnswer, Saved};
use crate::sched::event::{Event, Now, PollDropped, PollToken, TimePassed, TimeUnobserved};
use crate::sched::{Decision, Figures, Note, Scheduler, Who};

/// Requests that may wait for the engine; beyond it they are refused as busy.
const WAITING_MAX: usize = 8_192;
/// Requests that share one commit at most, so that the first of them does not wait for ever.
const GROUP_MAX: usize = 2_048;
/// Changes that a reader of the event stream may be behind before it needs a new snapshot.
const CHANGES_MAX: usize = 1_024;
/// The engine looks up at least this often, so that a gap in its own attention is noticed.
const HEARTBEAT_MS: u64 = 1_000;

/// Starts the engine on what was saved. It ends without an error after `shutdown`, and with the
/// store's error as soon as a commit fails.
pub fn start<D: Durable>(
    saved: Saved,
    capacity: usize,
    store: D,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> (EngineHandle, JoinHandle<Result<D, D::Error>>) {
    let (messages, inbox) = mpsc::channel(WAITING_MAX);
    let (changes, _) = broadcast::channel(CHANGES_MAX);
    let (notes, _) = broadcast::channel(CHANGES_MAX);
    let (wakes, _) = broadcast::channel(CHANGES_MAX);
    let failure = Arc::<OnceLock<_>>::default();
    let now = clock.now();
    let engine = Engine {
        scheduler: Scheduler::restore(saved, capacity, now),
        store,
        capacity,
        clock,
        inbox,
        changes: changes.clone(),
        notes: notes.clone(),
        wakes: wakes.clone(),
        polls: BTreeMap::new(),
        waiters: BTreeMap::new(),
        awake: now.mono,
        stopping: false,
        failure: Arc::clone(&failure),
        exhausted: None,
        looked: Looked::default(),
        observed: Observed::default(),
    };
    let task = tokio::spawn(engine.run(shutdown));
    (EngineHandle { messages, changes, notes, wakes, last_token: Arc::new(AtomicU64::new(0)), failure }, task)
}

pub(super) struct Engine<D> {
    pub(super) scheduler: Scheduler,
    pub(super) store: D,
    pub(super) capacity: usize,
    pub(super) clock: Clock,
    inbox: mpsc::Receiver<Message>,
    changes: broadcast::Sender<Arc<Touched>>,
    notes: broadcast::Sender<Noted>,
    wakes: broadcast::Sender<Wake>,
    /// Requests that wait for the answer to a poll.
    pub(super) polls: BTreeMap<PollToken, oneshot::Sender<Result<PollAnswer, Refusal>>>,
    /// Requests that wait for the end of a job.
    waiters: BTreeMap<JobId, Vec<oneshot::Sender<()>>>,
    /// When the engine last looked up.
    awake: Mono,
    stopping: bool,
    /// Whoever waits when a commit fails finds here why.
    failure: Arc<OnceLock<Refusal>>,
    /// While nothing can be made durable: when to look for space.
    pub(super) exhausted: Option<Mono>,
    pub(super) looked: Looked,
    /// What was counted since the start.
    observed: Observed,
}

/// What an event needs to be applied.
pub(super) struct Step<'a> {
    scheduler: &'a mut Scheduler,
    now: Now,
    decisions: &'a mut Vec<Decision>,
    free_bytes: &'a dyn Fn() -> u64,
    exhausted: bool,
}

/// What is done after the commit.
#[derive(Default)]
pub(super) struct Pending {
    decisions: Vec<Decision>,
    outputs: Vec<AttemptOutput>,
    tells: Vec<Tell>,
    reads: Vec<Read>,
    waits: Vec<(JobId, oneshot::Sender<()>)>,
    /// What attempts took whose results counted.
    figures: BTreeMap<AttemptId, Figures>,
    /// What identifies results that decided nothing.
    unrecorded: BTreeMap<AttemptId, [u8; 32]>,
}

impl<D: Durable> Engine<D> {
    async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<D, D::Error> {
        tokio::pin!(shutdown);
        loop {
            let heartbeat = self.awake.after_ms(HEARTBEAT_MS);
            let due =
                self.next_look().or_else(|| self.scheduler.next_deadline().into_iter().chain(self.next_run()).min());
            let wake = due.map_or(heartbeat, |at| at.min(heartbeat));
            let wake = self.clock.tokio_instant(wake);
            let first = tokio::select! {
                biased;
                () = &mut shutdown, if !self.stopping => {
                    self.stop();
                    continue;
                }
                message = self.inbox.recv() => match message {
                    Some(message) => Some(message),
                    None => return Ok(self.store),
                },
                () = tokio::time::sleep_until(wake) => None,
            };
            self.turn(first).await?;
        }
    }

    /// Refuses what comes from now on and lets go of what waits; the engine ends when the last
    /// handle is gone.
    fn stop(&mut self) {
        self.stopping = true;
        self.inbox.close();
        for (_, answer) in std::mem::take(&mut self.polls) {
            drop(answer.send(Err(Refusal::Stopping)));
        }
        self.waiters.clear();
    }

    async fn turn(&mut self, first: Option<Message>) -> Result<(), D::Error> {
        let now = self.clock.now();
        let mut pending = Pending::default();
        self.look_at_time(now, &mut pending);
        let mut next = first;
        let mut taken = 0;
        while let Some(message) = next {
            self.handle(now, message, &mut pending);
            taken += 1;
            next = if taken < GROUP_MAX { self.inbox.try_recv().ok() } else { None };
        }
        let decisions = std::mem::take(&mut pending.decisions);
        let outputs = std::mem::take(&mut pending.outputs);
        let (durable, answers): (Vec<_>, Vec<_>) = decisions.into_iter().partition(Decision::is_durable);
        if !durable.is_empty() {
            match self.store.commit(Batch { decisions: durable, outputs, now }).await {
                Ok(Committed::All) => {}
                Ok(Committed::Nothing(saved)) => {
                    self.take_back(now, *saved, pending);
                    return Ok(());
                }
                Err(error) => {
                    // Before those who wait are let go of.
                    let _first = self.failure.set(Refusal::StoreFailed(with_causes(&error)));
                    return Err(error);
                }
            }
        }
        self.answer(now, answers, pending, &Ok(()));
        Ok(())
    }

    /// Time may have run out for something, or have passed unobserved.
    fn look_at_time(&mut self, now: Now, pending: &mut Pending) {
        let gap_ms = now.mono.since_ms(self.awake);
        self.awake = now.mono;
        self.look_for_space(now, pending);
        if self.exhausted.is_some() {
            return;
        }
        if gap_ms > HEARTBEAT_MS + UNOBSERVED_MS {
            tracing::warn!(
                "the machine slept or stalled for {} s; silent workers are not marked offline for it",
                gap_ms / 1_000
            );
            self.apply(now, TimeUnobserved, pending);
        } else if self.scheduler.next_deadline().is_some_and(|at| at <= now.mono) {
            self.apply(now, TimePassed, pending);
        }
        self.look_at_schedules(now, pending);
    }

    fn handle(&mut self, now: Now, message: Message, pending: &mut Pending) {
        match message {
            Message::Apply { apply, outputs } => {
                let tell = self.step(now, outputs, pending, apply);
                pending.tells.push(tell);
            }
            Message::Poll { poll, answer, .. } if self.exhausted.is_some() => self.hold_poll(now, &poll, answer),
            Message::PollDropped(_) if self.exhausted.is_some() => {}
            Message::Poll { poll, outputs, answer } => {
                let token = poll.token;
                match self.step(now, outputs, pending, |step| step.apply(poll)) {
                    Ok(()) => drop(self.polls.insert(token, answer)),
                    Err(refusal) => drop(answer.send(Err(refusal))),
                }
            }
            Message::PollDropped(token) => {
                self.polls.remove(&token);
                self.apply(now, PollDropped { token }, pending);
            }
            Message::Read(read) => pending.reads.push(read),
            Message::Ended { job, done } => pending.waits.push((job, done)),
        }
    }

    /// Applies an event that is never refused.
    pub(super) fn apply<E: Event>(&mut self, now: Now, event: E, pending: &mut Pending) {
        let result = self.step(now, Vec::new(), pending, |step| step.apply(event));
        debug_assert!(result.is_ok(), "time and dropped polls are never refused");
    }

    /// Applies an event and keeps, of what attempts wrote, what belongs to results that counted.
    pub(super) fn step<T>(
        &mut self,
        now: Now,
        outputs: Vec<AttemptOutput>,
        pending: &mut Pending,
        apply: impl FnOnce(&mut Step<'_>) -> T,
    ) -> T {
        let before = pending.decisions.len();
        let free_bytes = &|| self.store.free_bytes();
        let (decisions, exhausted) = (&mut pending.decisions, self.exhausted.is_some());
        let result = apply(&mut Step { scheduler: &mut self.scheduler, now, decisions, free_bytes, exhausted });
        let mut concluded: BTreeMap<AttemptId, &Outcome> =
            pending.decisions[before..].iter().filter_map(concludes).collect();
        let (outputs, others): (Vec<_>, Vec<_>) =
            outputs.into_iter().partition(|output| concluded.remove(&output.result.attempt).is_some());
        pending.figures.extend(outputs.iter().map(|output| (output.result.attempt, figures_of(&output.result))));
        pending.outputs.extend(outputs);
        // What ran and came to an end wrote something, which then went with its worker.
        let lost = concluded.into_iter().filter(|(_, outcome)| outcome.ran_to_an_end());
        pending.outputs.extend(lost.map(|(attempt, outcome)| AttemptOutput::lost(attempt, outcome.clone())));
        pending.unrecorded.extend(others.into_iter().map(|output| (output.result.attempt, output.digest)));
        result
    }

    /// Everything is durable: now it may be known. The caller may be gone, which does not matter.
    pub(super) fn answer(&mut self, now: Now, answers: Vec<Decision>, pending: Pending, durable: &Result<(), Refusal>) {
        for decision in answers {
            match decision {
                Decision::Answer { token, answer } => {
                    if let Some(waiting) = self.polls.remove(&token) {
                        drop(waiting.send(Ok(answer)));
                    }
                }
                // Nobody may listen, as in tests.
                Decision::Wake { ip, mac, near, .. } => drop(self.wakes.send(Wake { ip, mac, near })),
                _ => {}
            }
        }
        for tell in pending.tells {
            tell(durable.clone());
        }
        for read in pending.reads {
            read(&self.scheduler, &self.observed, now);
        }
        for (job, done) in pending.waits {
            if self.scheduler.job(now, job).is_some() {
                let waiters = self.waiters.entry(job).or_default();
                waiters.retain(|waiter| !waiter.is_closed());
                waiters.push(done);
            } else {
                let _gone = done.send(());
            }
        }
        self.publish(now, &pending.figures, &pending.unrecorded);
    }

    /// Wakes those who wait for a job's end and tells the event stream what changed.
    fn publish(
        &mut self,
        now: Now,
        figures: &BTreeMap<AttemptId, Figures>,
        unrecorded: &BTreeMap<AttemptId, [u8; 32]>,
    ) {
        let mut touched = self.scheduler.take_touched();
        for job in &mut touched.ended {
            let attempt = AttemptId { job: job.id, number: job.attempt };
            job.figures = figures.get(&attempt).copied().unwrap_or_default();
            for done in self.waiters.remove(&job.id).into_iter().flatten() {
                let _gone = done.send(());
            }
        }
        self.observed.count(std::mem::take(&mut touched.measures), figures);
        self.observed.forget(touched.gone.iter().map(|who| &who.id));
        for note in &touched.notes {
            if note.is_audited() {
                let digest = match note {
                    Note::Foreign { attempt, .. } | Note::Unwanted { attempt, .. } => unrecorded.get(attempt).copied(),
                    _ => None,
                };
                // Nobody may listen, as in tests.
                let _heard = self.notes.send(Noted { note: note.clone(), digest });
            }
            // A worker may do this all the time; who audits it counts.
            if matches!(note, Note::Foreign { .. } | Note::Unwanted { .. }) {
                continue;
            }
            if note.is_warning() {
                tracing::warn!("{note}");
            } else {
                tracing::info!("{note}");
            }
        }
        let quiet = touched.jobs.is_empty() && touched.ended.is_empty() && touched.workers.is_empty();
        if quiet || self.changes.receiver_count() == 0 {
            return;
        }
        let active = touched.jobs.iter().filter_map(|job| self.scheduler.job(now, *job));
        let jobs = active.chain(touched.ended).collect();
        let workers: Vec<_> = touched.workers.iter().filter_map(|id| self.scheduler.worker(now, id)).collect();
        let is_back = |who: &Who| workers.iter().any(|worker| worker.intro.id == who.id);
        let gone = touched.gone.into_iter().filter(|who| !is_back(who)).collect();
        let queue = self.scheduler.queue(now);
        drop(self.changes.send(Arc::new(Touched { jobs, workers, gone, queue })));
    }
}

impl Step<'_> {
    pub(super) fn apply<E: Event>(&mut self, event: E) -> Result<E::Answer, Refusal> {
        if self.exhausted || E::BRINGS_JOBS && (self.free_bytes)() < FREE_BYTES_FLOOR {
            return Err(Refusal::DiskFull);
        }
        Ok(self.scheduler.apply(self.now, event, self.decisions)?)
    }
}

fn figures_of(result: &AttemptResult) -> Figures {
    Figures { took_ms: result.took_ms(), peak_bytes: result.peak_bytes, cpu_ms: result.cpu_ms }
}

/// The attempt whose result a decision records, and how that ended.
fn concludes(decision: &Decision) -> Option<(AttemptId, &Outcome)> {
    match decision {
        Decision::End { job, attempt, outcome, .. } => Some((AttemptId { job: *job, number: *attempt }, outcome)),
        Decision::Requeue { attempt, outcome, .. } if *outcome != Outcome::Lost => Some((*attempt, outcome)),
        _ => None,
    }
}
