//! What this worker holds and what it owes: the pure core of the agent.
//!
//! Attempts that run, results that c2d has not acknowledged, when to ask c2d and what to tell it,
//! and what its answers mean. It knows no clock, no network and no process; time is an argument.
//!
//! Only the answer to the latest request counts. Each poll tells everything that is held at the
//! moment when it is sent, and c2d delivers again whatever such a poll does not mention, so an
//! answer that is not heard, or not heard in time, is as good as lost and does no harm.

mod ahead;
mod delivery;
mod fitness;
mod introduce;
mod message;
mod poll;
mod sleep;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_ahead;

use std::collections::BTreeMap;

use c2_shared::api::files::CleanupReport;
use c2_shared::api::work::{Assignment, AttemptResult, Directive, Given, PollResponse};
use c2_shared::backoff::Backoff;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::{OnLost, Outcome};
use c2_shared::limits::INTRODUCE_MS;
use c2_shared::time::Mono;
use c2_shared::worker::Load;

use crate::identity::Identity;

pub(crate) use message::{Action, Failure, Request, RequestKind};
pub(crate) use poll::is_large;

/// With every slot taken a poll can bring nothing but a kill, so it waits this long for a result
/// that could travel with it. Short jobs thereby cost one request each rather than two.
const LINGER_MS: u64 = 20;
/// While enough waits here for the slots that become free, a result waits this long for others, so that c2d
/// puts several on its disk at once.
const GATHER_MS: u64 = 5;
/// Pause after an answer that changed nothing, should c2d give such answers without waiting.
const PAUSE_MS: u64 = 200;
/// Bytes of results in one poll to begin with, at least and at most. One result goes in any case.
const REPORT_BYTES: usize = 64 * 1024;
const REPORT_BYTES_MIN: usize = 8 * 1024;
const REPORT_BYTES_MAX: usize = 128 * 1024;
/// A report that takes less allows for a larger one.
const QUICK_MS: u64 = 1_000;
/// The part of a lease after which it is renewed; more often would be of no use.
const RENEW_PART: u64 = 10;

/// The core.
#[derive(Debug)]
pub(crate) struct Slots {
    identity: Identity,
    slots: u32,
    fence_ms: u64,
    held: BTreeMap<AttemptId, Held>,
    registered: bool,
    takes_work: bool,
    line: Line,
    seq: u64,
    /// Of the leader that answered last, where several c2d share a database.
    epoch: u64,
    /// Answers in a row that brought nothing.
    idle: usize,
    backoff: Backoff,
    renewed: Option<Mono>,
    /// When the latest request was sent that c2d answered.
    heard: Option<Mono>,
    /// Reports of cleanings that c2d has not answered.
    cleaned: Vec<CleanupReport>,
    /// Something happened for which a parked poll is not worth waiting for.
    news: bool,
    /// The last result that was to be kept on disk is not there.
    spool_fails: bool,
    /// Why the machine is not fit for work, if its newest test failed.
    unfit: Option<String>,
    /// Bytes of results in one poll, as far as they can be divided.
    report_bytes: usize,
    /// The machine would sleep, if c2d agrees.
    sleepy: bool,
    /// It sleeps, or is about to: nothing is said, as c2d would take it for awake.
    sleeps: bool,
}

/// An attempt that c2d must hear about in each poll.
#[derive(Debug)]
enum Held {
    /// It waits for a slot.
    Ahead {
        assignment: Box<Assignment>,
    },
    /// What it needs is under way; no process of it was started.
    Staged {
        killing: bool,
        /// It waited for its slot here.
        waited: bool,
    },
    Running {
        killing: bool,
        /// When it started that waited for its slot here.
        started: Option<Mono>,
    },
    /// Its command never started here and never will.
    Returned {
        reason: String,
        why: Unstarted,
    },
    /// No process of it is left, and what it leaves is on its way.
    Delivering {
        outcome: Outcome,
        killing: bool,
    },
    Ended {
        result: Box<AttemptResult>,
        spooled: bool,
    },
}

/// Why an attempt goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unstarted {
    /// It cannot be started here.
    Fails,
    /// This version cannot read it.
    Unreadable,
    /// It waited for a slot and is not wanted here any more.
    Recalled,
}

/// The line to c2d.
#[derive(Debug)]
enum Line {
    /// Nothing is under way; the next request is due then.
    Quiet { due: Mono },
    /// An answer is awaited.
    Waiting { sent: Mono, reports: Vec<AttemptId>, cleaned: usize, parked: bool },
}

impl Slots {
    /// A worker that holds nothing yet and introduces itself first. A job ends when c2d was silent
    /// for `fence_ms`.
    pub(crate) fn new(identity: Identity, slots: u32, fence_ms: u64, now: Mono) -> Self {
        Self {
            identity,
            slots,
            fence_ms,
            held: BTreeMap::new(),
            registered: false,
            takes_work: true,
            line: Line::Quiet { due: now },
            seq: 0,
            epoch: 0,
            idle: 0,
            backoff: Backoff::default(),
            renewed: None,
            heard: None,
            cleaned: Vec::new(),
            news: false,
            spool_fails: false,
            unfit: None,
            report_bytes: REPORT_BYTES,
            sleepy: false,
            sleeps: false,
        }
    }

    /// Takes over an attempt that an earlier run of the agent started.
    pub(crate) fn adopt_running(&mut self, attempt: AttemptId) {
        self.held.entry(attempt).or_insert(Held::Running { killing: false, started: None });
    }

    /// Takes over a result that an earlier run of the agent owed; `spooled` if it is on disk.
    pub(crate) fn adopt_ended(&mut self, result: AttemptResult, spooled: bool) {
        let known = matches!(self.held.get(&result.attempt), Some(Held::Ended { .. }));
        if !known {
            self.held.insert(result.attempt, Held::Ended { result: Box::new(result), spooled });
        }
    }

    /// An attempt is over. The first result of an attempt counts, and none of one not held.
    pub(crate) fn on_ended(&mut self, now: Mono, result: AttemptResult) {
        self.end(now, result, false);
    }

    /// The same for a result that is on disk already.
    pub(crate) fn on_ended_on_disk(&mut self, now: Mono, result: AttemptResult) {
        self.end(now, result, true);
    }

    fn end(&mut self, now: Mono, result: AttemptResult, spooled: bool) {
        if self.is_open(result.attempt) {
            self.held.insert(result.attempt, Held::Ended { result: Box::new(result), spooled });
            self.come_sooner(self.gathered(now));
        }
    }

    /// There is something to say at that time.
    fn come_sooner(&mut self, at: Mono) {
        self.idle = 0;
        // While c2d cannot be reached, news do not make it come back sooner.
        if let Line::Quiet { due } = &mut self.line
            && self.backoff.failures() == 0
        {
            *due = (*due).min(at);
        }
    }

    /// The workspaces were cleaned as c2d asked.
    pub(crate) fn on_cleaned(&mut self, report: CleanupReport) {
        self.cleaned.push(report);
    }

    /// There is something to say to c2d.
    pub(crate) const fn speak(&mut self) {
        self.news = true;
    }

    /// For how long a job that starts now may run without word from c2d.
    pub(crate) fn lease_left_ms(&self, now: Mono) -> u64 {
        self.heard.map_or(0, |heard| self.fence_ms.saturating_sub(now.since_ms(heard)))
    }

    /// Jobs whose workspaces are still needed, each with the reason.
    pub(crate) fn jobs(&self) -> BTreeMap<JobId, &'static str> {
        let reason = |held: &Held| match held {
            Held::Ahead { .. } | Held::Staged { .. } | Held::Running { .. } => "its job has not ended",
            Held::Delivering { .. } | Held::Ended { .. } | Held::Returned { .. } => "its result is not delivered yet",
        };
        self.held.iter().map(|(attempt, held)| (attempt.job, reason(held))).collect()
    }

    /// Whether an attempt is held of which there is no result yet.
    pub(crate) fn is_open(&self, attempt: AttemptId) -> bool {
        matches!(self.held.get(&attempt), Some(Held::Staged { .. } | Held::Running { .. } | Held::Delivering { .. }))
    }

    /// Attempts whose processes have not ended.
    pub(crate) fn running(&self) -> usize {
        self.held.values().filter(|held| matches!(held, Held::Staged { .. } | Held::Running { .. })).count()
    }

    /// When [`Slots::next_request`] has something to say at the latest; none while an answer is
    /// awaited.
    pub(crate) fn due(&self) -> Option<Mono> {
        match &self.line {
            Line::Quiet { .. } if self.sleeps => None,
            Line::Quiet { due } => Some(*due),
            Line::Waiting { parked: true, .. } if self.owes() || self.news || !self.cleaned.is_empty() => Some(Mono(0)),
            Line::Waiting { .. } => None,
        }
    }

    /// Whether the answer to this request counts: no later one was sent.
    pub(crate) const fn awaits(&self, seq: u64) -> bool {
        matches!(self.line, Line::Waiting { .. }) && seq == self.seq
    }

    /// What to send now, if anything. While a poll is parked, a result makes a new one that takes
    /// its place; a poll that carries results is waited for, as c2d answers it at once.
    pub(crate) fn next_request(&mut self, now: Mono, load: &Load) -> Option<Request> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.seq += 1;
        let seq = self.seq;
        if !self.registered {
            self.line = Line::Waiting { sent: now, reports: Vec::new(), cleaned: 0, parked: false };
            return Some(Request { seq, kind: RequestKind::Register });
        }
        self.news = false;
        let poll = self.compose(now, load);
        let results = poll.unsent.iter().map(|result| result.attempt);
        let reports: Vec<AttemptId> = results.chain(poll.returned.iter().map(|returned| returned.attempt)).collect();
        let cleaned = poll.cleaned.len();
        self.line = Line::Waiting { sent: now, parked: reports.is_empty() && cleaned == 0, reports, cleaned };
        Some(Request { seq, kind: RequestKind::Poll(Box::new(poll)) })
    }

    /// Attempts that have not ended.
    pub(crate) fn all_running(&self) -> Vec<AttemptId> {
        self.held.keys().copied().filter(|attempt| self.is_open(*attempt)).collect()
    }

    /// Whether an answer is that of a c2d which leads no more: it does not count, as if there were none.
    pub(crate) fn is_deposed(&self, answer: &PollResponse) -> bool {
        answer.epoch.is_some_and(|epoch| epoch < self.epoch)
    }

    /// c2d answered a poll.
    pub(crate) fn on_answer(&mut self, now: Mono, seq: u64, answer: PollResponse) -> Vec<Action> {
        let Some((sent, reports, cleaned)) = self.take_waiting(seq, now) else { return Vec::new() };
        self.epoch = answer.epoch.unwrap_or(self.epoch);
        self.heard = Some(sent);
        self.cleaned.drain(..cleaned);
        // c2d counts from when it heard us, which was after we sent.
        let lease_ms = self.fence_ms.saturating_sub(now.since_ms(sent));
        let mut actions = Vec::new();
        let fresh = self.renewed.is_some_and(|renewed| now.since_ms(renewed) < self.fence_ms / RENEW_PART);
        if !fresh {
            self.renewed = Some(now);
            if self.running() > 0 {
                actions.push(Action::Renew { lease_ms });
            }
        }
        actions.extend(answer.limits.into_iter().map(|(attempt, timeout_s)| Action::Limit { attempt, timeout_s }));
        let mut news = false;
        for attempt in answer.ack {
            news |= self.on_ack(attempt, &mut actions);
        }
        let nothing_accepted = !reports.is_empty() && !news;
        for attempt in answer.kill {
            news |= self.on_kill(attempt, &mut actions);
        }
        for attempt in answer.recall {
            news |= self.give_back(attempt, "it is wanted elsewhere");
        }
        for given in answer.assign {
            news |= self.on_given(given, lease_ms, &mut actions);
        }
        if !answer.want.is_empty() {
            let wants = |attempt: &&AttemptId| {
                self.owed_by(**attempt).is_some_and(|r| r.blobs().any(|b| answer.want.contains(&b)))
            };
            actions.extend(reports.iter().filter(wants).map(|attempt| Action::DeliverAgain(*attempt)));
        }
        if !reports.is_empty() && now.since_ms(sent) < QUICK_MS {
            self.report_bytes = (self.report_bytes * 2).min(REPORT_BYTES_MAX);
        }
        self.spool(&reports, &mut actions);
        if answer.directives.contains(&Directive::Register) {
            self.registered = false;
        }
        self.backoff.reset();
        let due = if nothing_accepted {
            // Reporting again at once would be answered the same again at once; but c2d must hear us.
            let pause_s = self.idle_step_s();
            self.idle += 1;
            now.after_ms(1_000 * pause_s)
        } else {
            self.due_after(news, sent, now)
        };
        self.line = Line::Quiet { due };
        actions.extend(self.fall_asleep(answer.may_sleep));
        actions
    }

    /// A request failed. `jitter` from 0 to 1 keeps a hundred agents apart.
    pub(crate) fn on_failed(&mut self, now: Mono, seq: u64, failure: Failure, jitter: f64) -> Vec<Action> {
        let Some((_, reports, _)) = self.take_waiting(seq, now) else { return Vec::new() };
        if matches!(failure, Failure::Unknown | Failure::Wait) {
            self.registered = false;
        }
        self.idle = 0;
        let pause_ms = if failure == Failure::Wait { INTRODUCE_MS } else { millis(self.backoff.next(jitter)) };
        self.line = Line::Quiet { due: now.after_ms(pause_ms) };
        let mut actions = Vec::new();
        self.spool(&reports, &mut actions);
        // The same again might fail again, if the line is too slow for it.
        match reports[..] {
            [attempt] if self.owed_by(attempt).is_some_and(|result| poll::size(result) > REPORT_BYTES_MIN) => {
                actions.push(Action::Shorten(attempt));
            }
            [] => {}
            _ => self.report_bytes = (self.report_bytes / 2).max(REPORT_BYTES_MIN),
        }
        actions
    }

    fn take_waiting(&mut self, seq: u64, now: Mono) -> Option<(Mono, Vec<AttemptId>, usize)> {
        if !self.awaits(seq) {
            return None;
        }
        match std::mem::replace(&mut self.line, Line::Quiet { due: now }) {
            Line::Waiting { sent, reports, cleaned, .. } => Some((sent, reports, cleaned)),
            Line::Quiet { .. } => None,
        }
    }

    /// Results that c2d has not acknowledged.
    pub(crate) fn owed(&self) -> impl Iterator<Item = &AttemptResult> {
        self.held.values().filter_map(|held| match held {
            Held::Ended { result, .. } => Some(&**result),
            Held::Ahead { .. } => None,
            Held::Staged { .. } | Held::Running { .. } | Held::Returned { .. } | Held::Delivering { .. } => None,
        })
    }

    /// Whether an attempt is held, in whatever way.
    pub(crate) fn holds(&self, attempt: AttemptId) -> bool {
        self.held.contains_key(&attempt)
    }

    fn owes(&self) -> bool {
        self.held.values().any(|held| matches!(held, Held::Ended { .. } | Held::Returned { .. }))
    }

    fn slots_free(&self) -> u32 {
        let delivering = self.held.values().filter(|held| matches!(held, Held::Delivering { .. })).count();
        let count = |attempts: usize| u32::try_from(attempts).unwrap_or(u32::MAX);
        // So many deliveries at once that they hold up each other hold up new jobs too.
        let surplus = count(delivering).saturating_sub(self.slots);
        self.slots.saturating_sub(count(self.running()).saturating_add(surplus))
    }

    /// Returns whether this changed anything, as do the next two.
    fn on_ack(&mut self, attempt: AttemptId, actions: &mut Vec<Action>) -> bool {
        let spooled = match self.held.get(&attempt) {
            Some(Held::Ended { spooled, .. }) => *spooled,
            Some(Held::Returned { .. }) => false,
            _ => return false,
        };
        actions.push(Action::Forget { attempt, spooled });
        self.held.remove(&attempt);
        true
    }

    fn on_kill(&mut self, attempt: AttemptId, actions: &mut Vec<Action>) -> bool {
        let Some(Held::Staged { killing, .. } | Held::Running { killing, .. } | Held::Delivering { killing, .. }) =
            self.held.get_mut(&attempt)
        else {
            return self.give_back(attempt, "it is not to be run");
        };
        // Passed on each time, in case the first did not get through.
        actions.push(Action::Kill(attempt));
        !std::mem::replace(killing, true)
    }

    fn on_given(&mut self, given: Given, lease_ms: u64, actions: &mut Vec<Action>) -> bool {
        let attempt = given.attempt();
        // More than fits is not started: c2d sees it missing from the next poll and waits.
        if self.held.contains_key(&attempt) || self.slots_free() == 0 && !self.may_wait(&given) {
            return false;
        }
        let held = match given {
            Given::Readable(assignment) if self.slots_free() == 0 => Held::Ahead { assignment },
            Given::Readable(assignment) => {
                let lease_ms = (assignment.spec.on_lost != OnLost::Wait).then_some(lease_ms);
                let waited = assignment.ahead;
                actions.push(Action::Start { assignment, lease_ms });
                Held::Staged { killing: false, waited }
            }
            Given::Unreadable { reason, .. } => {
                let reason = format!("this agent is too old for it: {reason}");
                Held::Returned { reason, why: Unstarted::Unreadable }
            }
        };
        self.held.insert(attempt, held);
        true
    }

    fn due_after(&mut self, news: bool, sent: Mono, now: Mono) -> Mono {
        if !news {
            self.idle += 1;
            return now.max(sent.after_ms(PAUSE_MS));
        }
        self.idle = 0;
        if self.slots_free() > 0 || self.owes() { self.gathered(now) } else { now.after_ms(LINGER_MS) }
    }

    /// When what is owed now is said: a moment later, if others may join it.
    fn gathered(&self, now: Mono) -> Mono {
        if self.gathers() { now.after_ms(GATHER_MS) } else { now }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
