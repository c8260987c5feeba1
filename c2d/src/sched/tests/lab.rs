//! A cluster for scenarios: one scheduler, a clock that is set by hand, and agents that do what
//! they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, Session, WorkerId};
use c2_shared::job::{JobState, Outcome, Placement, Terms};
use c2_shared::resources::Capacity;
use c2_shared::time::Mono;
use c2_shared::worker::{Load, Neighbour};

use crate::sched::decision::{Back, PollAnswer};
use crate::sched::event::{
    self, FaultOf, Introduction, NewJob, Place, Poll, PollToken, ResultSummary, Returned, WorkerPolled,
};
use crate::sched::{Decision, Event, Now, Reject, Scheduler};

pub(super) struct Lab {
    pub(super) s: Scheduler,
    pub(super) now: Now,
    pub(super) agents: BTreeMap<u8, Agent>,
    /// Answers that reached nobody yet, by token.
    pub(super) answers: BTreeMap<PollToken, PollAnswer>,
    /// What was decided and the test has not asked for yet.
    pub(super) decided: Vec<Decision>,
    /// Who sent each poll.
    askers: BTreeMap<PollToken, u8>,
    last_token: u64,
}

/// What an agent knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Agent {
    pub(super) running: BTreeSet<AttemptId>,
    pub(super) staged: BTreeSet<AttemptId>,
    pub(super) ended: BTreeMap<AttemptId, Outcome>,
    pub(super) returned: Vec<Returned>,
    pub(super) takes_ahead: bool,
    pub(super) ages_ms: BTreeMap<AttemptId, u64>,
    pub(super) unfit: Option<String>,
    pub(super) shares: Vec<String>,
    pub(super) yields_to: Vec<Neighbour>,
    pub(super) would_sleep: bool,
    pub(super) unsent: Vec<ResultSummary>,
    pub(super) seq: u64,
    /// Starts of its process before this one.
    pub(super) session: u32,
    /// Where it is, if not at the address of its number.
    pub(super) at: Option<u8>,
}

pub(super) const fn ip(last: u8) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, last))
}

pub(super) fn id(last: u8) -> WorkerId {
    format!("id{last}").into()
}

pub(super) fn place(last: u8) -> Place {
    Place { boot_id: "boot1".to_owned(), machine: format!("machine{last}"), folder: "folder1".to_owned() }
}

/// The run of an agent after so many starts of it.
pub(super) fn session(starts: u32) -> Session {
    Session { start: u64::from(starts) + 1, nonce: format!("run{starts}") }
}

pub(super) fn attempt(job: u64, number: u32) -> AttemptId {
    AttemptId { job: JobId(job), number }
}

/// A job with these terms.
pub(super) fn job(change: impl FnOnce(&mut Terms)) -> NewJob {
    with(NewJob { payload: r#"{"command":"true"}"#.into(), ..NewJob::default() }, change)
}

/// The same job with other terms.
pub(super) fn with(mut job: NewJob, change: impl FnOnce(&mut Terms)) -> NewJob {
    change(Arc::make_mut(&mut job.terms));
    job
}

/// A job that runs on some workers only.
pub(super) fn placed(change: impl FnOnce(&mut Placement)) -> NewJob {
    job(|terms| change(Arc::make_mut(&mut terms.placement)))
}

pub(super) fn plain() -> NewJob {
    job(|_| ())
}

pub(super) fn after(depends: &[&str]) -> NewJob {
    NewJob { depends: depends.iter().map(|&d| d.to_owned().into()).collect(), ..plain() }
}

pub(super) fn named(name: &str, depends: &[&str]) -> NewJob {
    NewJob { name: Some(name.into()), ..after(depends) }
}

impl Lab {
    /// A cluster with these workers, four slots each, registered and online.
    pub(super) fn new(workers: &[u8]) -> Self {
        let now = Now { mono: Mono(1_000), wall_ms: 1_000_000, seen_ms: 1_000 };
        let mut lab = Self {
            s: Scheduler::restore(crate::sched::Saved::default(), 50_000, now),
            now,
            agents: BTreeMap::new(),
            answers: BTreeMap::new(),
            decided: Vec::new(),
            askers: BTreeMap::new(),
            last_token: 0,
        };
        for last in workers {
            lab.register(*last);
        }
        lab.decided.clear();
        lab
    }

    /// States all that was decided since the last such statement, and nothing else.
    #[track_caller]
    pub(super) fn expect(&mut self, expected: &str) {
        let decided: Vec<String> = self.decided.drain(..).map(|decision| words(&decision, &self.askers)).collect();
        assert_eq!(decided.join("; "), expected);
    }

    /// The same for what repeats itself very often: how often each kind of decision was made.
    #[track_caller]
    pub(super) fn expect_in_numbers(&mut self, expected: &str) {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for decision in self.decided.drain(..) {
            let kind = words(&decision, &self.askers).split(' ').next().unwrap().to_owned();
            *kinds.entry(kind).or_default() += 1;
        }
        let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        assert_eq!(kinds.join(", "), expected);
    }

    pub(super) fn apply<E: Event>(&mut self, event: E) -> Result<E::Answer, Reject> {
        let (before, known) = (self.s.saved(), self.decided.len());
        let result = self.s.apply(self.now, event, &mut self.decided);
        self.s.check_invariants();
        let saved = self.s.saved();
        assert_eq!(Scheduler::restore(saved.clone(), 50_000, self.now).saved(), saved, "restored state");
        if result.is_err() {
            assert_eq!(before, saved, "a refusal changes nothing");
            assert_eq!(self.decided.len(), known, "a refusal decides nothing");
        }
        for decision in &self.decided[known..] {
            if let Decision::Answer { token, answer } = decision {
                self.answers.insert(*token, answer.clone());
            }
        }
        result
    }

    pub(super) fn introduction(last: u8) -> Introduction {
        Introduction {
            id: id(last),
            ip: ip(last),
            hostname: format!("host{last}"),
            place: place(last),
            session: session(0),
            slots: 4,
            version: String::new(),
            has: Capacity::default(),
            mac: None,
            unfenced: false,
            hardware: "{}".into(),
        }
    }

    pub(super) fn register(&mut self, last: u8) {
        let agent = self.agents.entry(last).or_default().clone();
        let ip = ip(agent.at.unwrap_or(last));
        let intro = Introduction { ip, session: session(agent.session), ..Self::introduction(last) };
        self.apply(event::WorkerRegistered(intro)).unwrap();
    }

    /// An agent is started anew, and introduces itself.
    pub(super) fn start_anew(&mut self, last: u8) {
        let agent = self.agents.get_mut(&last).unwrap();
        agent.session += 1;
        agent.seq = 0;
        self.register(last);
    }

    pub(super) fn submit(&mut self, jobs: Vec<NewJob>) -> Result<Vec<JobId>, Reject> {
        let submitted = event::JobsSubmitted { jobs, key: None, max_running: None };
        self.apply(submitted).map(|accepted| accepted.jobs)
    }

    /// Sends a poll and leaves it to wait.
    pub(super) fn park(&mut self, last: u8) -> PollToken {
        self.last_token += 1;
        let token = PollToken(self.last_token);
        let polled = self.poll_of(last, token, 5_000);
        self.apply(polled).unwrap();
        token
    }

    /// Polls and does as it is told: the answer, after which the agent runs what was assigned and
    /// has forgotten what was acknowledged.
    pub(super) fn poll(&mut self, last: u8) -> PollAnswer {
        self.last_token += 1;
        let token = PollToken(self.last_token);
        let polled = self.poll_of(last, token, 0);
        self.apply(polled).unwrap();
        self.collect(last, token).expect("a poll that does not wait is answered at once")
    }

    /// Lets an agent read the answer of its poll, if there is one.
    pub(super) fn collect(&mut self, last: u8, token: PollToken) -> Option<PollAnswer> {
        let answer = self.answers.remove(&token)?;
        let agent = self.agents.get_mut(&last).unwrap();
        let (ahead, now): (Vec<_>, Vec<_>) = answer.assign.iter().partition(|handout| handout.ahead);
        agent.running.extend(now.iter().map(|handout| handout.attempt));
        agent.staged.extend(ahead.iter().map(|handout| handout.attempt));
        agent.unsent.retain(|result| !answer.ack.contains(&result.attempt));
        agent.returned.retain(|returned| !answer.ack.contains(&returned.attempt));
        Some(answer)
    }

    pub(super) fn poll_of(&mut self, last: u8, token: PollToken, wait_ms: u64) -> WorkerPolled {
        let agent = self.agents.get_mut(&last).unwrap();
        agent.seq += 1;
        let poll = Poll {
            worker: id(last),
            ip: ip(agent.at.unwrap_or(last)),
            boot_id: "boot1".to_owned(),
            session: session(agent.session),
            seq: agent.seq,
            slots_free: 4_u32.saturating_sub(u32::try_from(agent.running.len()).unwrap()),
            running: agent.running.iter().chain(agent.ended.keys()).copied().collect(),
            staged: agent.staged.clone(),
            ended: agent.ended.clone(),
            returned: agent.returned.clone(),
            ages_ms: agent.ages_ms.clone(),
            takes_ahead: agent.takes_ahead,
            unfit: agent.unfit.clone(),
            unsent: agent.unsent.clone(),
            load: Load { shares: agent.shares.clone(), yields_to: agent.yields_to.clone(), ..Load::default() },
            would_sleep: agent.would_sleep,
            wait_ms,
        };
        self.askers.insert(token, last);
        WorkerPolled { poll: Box::new(poll), token }
    }

    /// An attempt ends on its agent; the result is not delivered yet.
    pub(super) fn finish(&mut self, last: u8, attempt: AttemptId, outcome: Outcome) {
        self.finish_in(last, attempt, outcome, None);
    }

    /// The same for an attempt that says how long it ran.
    pub(super) fn finish_in(&mut self, last: u8, attempt: AttemptId, outcome: Outcome, took_ms: Option<u64>) {
        let agent = self.agents.get_mut(&last).unwrap();
        assert!(agent.running.remove(&attempt), "{attempt} does not run on {last}");
        agent.ages_ms.remove(&attempt);
        agent.unsent.push(ResultSummary { attempt, outcome, fault_of: FaultOf::Worker, took_ms });
    }

    /// An attempt that waits on an agent for a slot starts there, which its agent did not say yet.
    pub(super) fn start_waiting(&mut self, last: u8, attempt: AttemptId, age_ms: u64) {
        let agent = self.agents.get_mut(&last).unwrap();
        assert!(agent.staged.remove(&attempt), "{attempt} does not wait on {last}");
        agent.running.insert(attempt);
        agent.ages_ms.insert(attempt, age_ms);
    }

    /// An attempt that waits on an agent goes back, which its agent did not say yet.
    pub(super) fn return_waiting(&mut self, last: u8, attempt: AttemptId) {
        let agent = self.agents.get_mut(&last).unwrap();
        assert!(agent.staged.remove(&attempt), "{attempt} does not wait on {last}");
        agent.returned.push(Returned { attempt, reason: "recalled".to_owned(), fault_of: FaultOf::Nobody });
    }

    /// An attempt was not started, which its agent did not say yet.
    pub(super) fn give_back(&mut self, last: u8, attempt: AttemptId, fault_of: FaultOf) {
        let agent = self.agents.get_mut(&last).unwrap();
        assert!(agent.running.remove(&attempt), "{attempt} is not on {last}");
        agent.returned.push(Returned { attempt, reason: "no space".to_owned(), fault_of });
    }

    /// No process of an attempt is left, and its result is under way.
    pub(super) fn deliver(&mut self, last: u8, attempt: AttemptId, outcome: Outcome) {
        let agent = self.agents.get_mut(&last).unwrap();
        assert!(agent.running.remove(&attempt), "{attempt} does not run on {last}");
        agent.ended.insert(attempt, outcome);
    }

    /// Runs a whole job that is waiting: poll, end, poll.
    pub(super) fn run(&mut self, last: u8, job: u64, code: i32) {
        let attempt = self.poll(last).assign.iter().map(|h| h.attempt).find(|a| a.job == JobId(job));
        let attempt = attempt.or_else(|| self.agents[&last].running.iter().copied().find(|a| a.job == JobId(job)));
        self.finish(last, attempt.expect("the job is given to the worker"), Outcome::Exit { code });
        self.poll(last);
    }

    pub(super) fn sleep(&mut self, ms: u64) {
        let end = self.now.mono.after_ms(ms);
        while let Some(at) = self.s.next_deadline().filter(|at| *at <= end) {
            let at = at.max(self.now.mono);
            self.set_clock(at);
            self.apply(event::TimePassed).unwrap();
        }
        self.set_clock(end);
    }

    fn set_clock(&mut self, mono: Mono) {
        let passed = mono.since_ms(self.now.mono);
        self.now = Now { mono, wall_ms: self.now.wall_ms + passed, seen_ms: self.now.seen_ms + passed };
    }

    /// c2d restarts: what was saved goes on, what was heard is forgotten, waiting polls are gone.
    pub(super) fn restart(&mut self) {
        self.s = Scheduler::restore(self.s.saved(), 50_000, self.now);
        self.answers.clear();
    }

    /// The state of a job, ended ones included.
    pub(super) fn state(&self, job: u64) -> JobState {
        let active = self.s.job(self.now, JobId(job)).map(|view| view.state);
        active.unwrap_or_else(|| self.s.ended.get(JobId(job)).expect("the job exists").state)
    }

    /// The outcome with which a job ended.
    pub(super) fn outcome(&self, job: u64) -> Option<Outcome> {
        self.s.touched.ended.iter().find(|view| view.id == JobId(job)).and_then(|view| view.outcome.clone())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.expect("");
        }
    }
}

/// A decision in few words: jobs by number, workers by the end of their address.
#[expect(clippy::too_many_lines, reason = "one arm for each decision")]
fn words(decision: &Decision, askers: &BTreeMap<PollToken, u8>) -> String {
    let last = |id: &WorkerId| id.as_str().rsplit(['.', 'd']).next().unwrap().to_owned();
    let attempt = |attempt: &AttemptId| format!("{}.{}", attempt.job.0, attempt.number);
    let list = |sign: &str, attempts: &[AttemptId]| -> String {
        attempts.iter().map(|one| format!(" {sign}{}", attempt(one))).collect()
    };
    match decision {
        Decision::AddJob(record) => format!("add {} {}", record.id.0, record.state),
        Decision::SetWaiting { job, state } => format!("set {} {state}", job.0),
        Decision::Place { job, place } => format!("place {} {place}", job.0),
        Decision::Change(record) => format!("change {} {}", record.id.0, record.state),
        Decision::Fulfil { job, on } => format!("fulfil {} on {}", job.0, on.0),
        Decision::Pin { job, worker } => format!("pin {} to {}", job.0, last(worker)),
        Decision::Assign { attempt: one, worker, share, ahead, .. } => {
            let tags: String = share.tags.iter().map(|tag| format!(" {tag}")).collect();
            let ahead = if *ahead { " ahead" } else { "" };
            format!("assign {} to {}{tags}{ahead}", attempt(one), last(worker))
        }
        Decision::Wish { attempt: one, wish: Some(wish) } => {
            let change = if wish.change.is_some() { " change" } else { "" };
            format!("wish {}{}{change}", attempt(one), if wish.hold { " hold" } else { "" })
        }
        Decision::Wish { attempt: one, wish: None } => format!("no wish {}", attempt(one)),
        Decision::MarkCancelling { job } => format!("cancel {}", job.0),
        Decision::Requeue { attempt: one, outcome, back, .. } => {
            let back = match back {
                Back::Lost { crash: true } => "crash",
                Back::Lost { crash: false } => "lost",
                Back::Retry => "retry",
                Back::Returned { fault_of: FaultOf::Version } => "unread",
                Back::Returned { fault_of: FaultOf::Nobody } => "unneeded",
                Back::Returned { .. } => "returned",
                Back::GivenUp { crash: true } => "given up, crash",
                Back::GivenUp { crash: false } => "given up",
            };
            format!("requeue {} {back}: {}", attempt(one), end(outcome))
        }
        Decision::Readopt { attempt: one, worker } => format!("readopt {} on {}", attempt(one), last(worker)),
        Decision::Deliver { attempt: one, worker, outcome } => {
            format!("deliver {} on {}: {}", attempt(one), last(worker), end(outcome))
        }
        Decision::Free { attempt: one, worker } => format!("free {} on {}", attempt(one), last(worker)),
        Decision::End { job, outcome, .. } => format!("end {}: {}", job.0, end(outcome)),
        Decision::PutWorker(record) => {
            let quarantine = if record.quarantine.is_some() { " quarantined" } else { "" };
            let asleep = if record.asleep { " asleep" } else { "" };
            format!("worker {}{quarantine}{asleep}", last(&record.intro.id))
        }
        Decision::RemoveWorker { worker } => format!("remove {}", last(worker)),
        Decision::RememberKey(key) => format!("key {}", key.key),
        Decision::ForgetKey { key } => format!("forget {key}"),
        Decision::LimitBatch { batch, max_running } => format!("limit {batch} {}", max_running.unwrap_or(0)),
        Decision::PutSchedule(record) => format!("schedule {} next {:?}", record.name, record.next_ms),
        Decision::PutRule(rule) => format!("rule {} at {} and {}", rule.name, rule.seq, rule.notice),
        Decision::RemoveRule { name } => format!("no rule {name}"),
        Decision::AddNotice(notice) => format!("notice {} {}", notice.id, notice.kind.word()),
        Decision::ForgetNotice { id } => format!("forget notice {id}"),
        Decision::RemoveSchedule { name } => format!("no schedule {name}"),
        Decision::SetPaused { paused } => if *paused { "pause" } else { "unpause" }.to_owned(),
        Decision::Wake { worker, near, .. } => {
            let near: String = near.iter().map(|id| format!(" by {}", last(id))).collect();
            format!("wake {}{near}", last(worker))
        }
        Decision::Answer { token, answer } => {
            let given: Vec<AttemptId> = answer.assign.iter().map(|handout| handout.attempt).collect();
            let (start, kill, ack) = (list("+", &given), list("-", &answer.kill), list("ack:", &answer.ack));
            let kill = kill + &list("<", &answer.recall);
            format!(
                "answer {}{start}{kill}{ack}{}",
                askers[token],
                if answer.register {
                    " register"
                } else if answer.may_sleep {
                    " sleep"
                } else {
                    ""
                }
            )
        }
    }
}

fn end(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exit { code } => format!("exit {code}"),
        Outcome::Signal { signal } => format!("signal {signal}"),
        Outcome::Timeout => "timeout".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Dependency { root } => format!("dependency {}", root.0),
        Outcome::Lost => "lost".to_owned(),
        Outcome::CrashLimit => "crash limit".to_owned(),
        Outcome::Oom { .. } => "oom".to_owned(),
        Outcome::Expired => "expired".to_owned(),
        Outcome::Setup { .. } => "setup".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
    }
}
