//! A history: chance decides what happens next, the clock jumps from event to event.

mod faults;
mod messenger;
mod operators;
mod schedules;
mod sleep;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use c2_shared::id::{AttemptId, JobId, Session};
use c2_shared::job::Outcome;
use c2_shared::limits::{INTRODUCE_MS, LEASE_MS};
use c2_shared::time::Mono;
use c2d::sched::decision::PollAnswer;
use c2d::sched::event::{self, Introduction, PollToken};
use c2d::sched::{Decision, Event, Now, Reject, Scheduler};

use super::agent::{Agent, Running, Staged, Told};
use super::disk::Disk;
use super::oracle::Oracle;
use super::random::Random;
use super::report::Report;
use super::timetable::Timetable;
use messenger::Told as Messages;
use sleep::Packets;

/// Jobs that may be alive at once; small, so that histories meet the limit.
const CAPACITY: usize = 60;
/// Tags that machines offer.
const TAGS: [&str; 3] = ["disk", "gpu:0", "gpu:1"];

/// Ends of the addresses in the network.
const ADDRESSES: [u8; 7] = [0, 1, 2, 3, 4, 5, 6];
/// Machines and copies of their folders at once.
const AGENTS_MAX: usize = 7;

/// How long a job runs that never ends by itself.
const ENDLESS_MS: u64 = 1 << 50;

/// A simulated cluster.
#[derive(Debug)]
pub struct World<D> {
    random: Random,
    now: Now,
    disk: D,
    scheduler: Scheduler,
    /// Decisions that are not durable yet, and what waits for them.
    uncommitted: Vec<Decision>,
    unanswered: Vec<Vec<JobId>>,
    unsaid: Vec<(usize, Message)>,
    agents: Vec<Agent>,
    /// Which poll each token belongs to: agent, session, seq.
    polls: BTreeMap<PollToken, (usize, Session, u64)>,
    last_token: u64,
    /// Messages under way, by arrival.
    wire: BTreeMap<(u64, u64), Message>,
    last_message: u64,
    next_poll_ms: Vec<u64>,
    oracle: Oracle,
    timetable: Timetable,
    told: Messages,
    packets: Packets,
    calm: bool,
    /// Nearly all jobs are short and ask for nothing, and many come at once.
    pub(crate) brisk: bool,
    last_identity: u32,
    report: Report,
}

/// A message on the network.
#[derive(Clone, Debug)]
enum Message {
    Register { agent: usize, intro: Box<Introduction> },
    Registered { agent: usize, session: Session, reply: Result<Option<u64>, Reject> },
    Poll { agent: usize, poll: Box<event::Poll> },
    Answer { agent: usize, session: Session, seq: u64, answer: PollAnswer },
    Refused { agent: usize, session: Session, seq: u64 },
}

impl<D: Disk> World<D> {
    /// A cluster of one to four machines on an empty disk.
    pub fn new(seed: u64, mut disk: D) -> Self {
        let mut random = Random::new(seed);
        let now = Now { mono: Mono(0), wall_ms: 1_700_000_000_000, seen_ms: 0 };
        let brisk = random.chance(40);
        let count = u8::try_from(1 + random.below(if brisk { 2 } else { 4 })).expect("at most four");
        let agents: Vec<Agent> = (0..count).map(|n| Agent::new(n.into(), address(n), random.chance(20))).collect();
        let scheduler = Scheduler::restore(disk.load(), CAPACITY, now);
        Self {
            random,
            now,
            disk,
            scheduler,
            uncommitted: Vec::new(),
            unanswered: Vec::new(),
            unsaid: Vec::new(),
            next_poll_ms: vec![0; agents.len()],
            agents,
            polls: BTreeMap::new(),
            last_token: 0,
            wire: BTreeMap::new(),
            last_message: 0,
            oracle: Oracle::default(),
            timetable: Timetable::default(),
            told: Messages::default(),
            packets: Packets::default(),
            calm: false,
            brisk,
            last_identity: 0,
            report: Report::default(),
        }
    }

    /// Lives through `steps` steps with faults, then without until everything has ended.
    pub fn run(mut self, steps: u64) -> (Report, D) {
        for _ in 0..steps {
            self.step();
        }
        self.calm = true;
        for agent in &mut self.agents {
            agent.cut_until_ms = 0;
            agent.flaps_until_ms = 0;
            agent.broken_until_ms = 0;
            agent.yields_until_ms = 0;
            if !agent.up {
                agent.start();
            }
        }
        self.apply(event::PauseSet { paused: false });
        self.wake_the_lost();
        for worker in self.agents.iter().map(Agent::worker).collect::<Vec<_>>() {
            self.apply(event::DrainSet { worker, drain: false });
        }
        self.remove_schedules();
        let calm = self.now.mono;
        self.oracle.calm_since(calm.0);
        for _ in 0..40_000 {
            let queue = self.scheduler.queue(self.now);
            let idle = self.agents.iter().all(Agent::is_idle);
            if queue.blocked + queue.held + queue.queued + queue.running == 0 && idle && self.uncommitted.is_empty() {
                break;
            }
            if queue.held > 0 {
                self.release_all();
            }
            self.cancel_endless();
            self.cancel_homeless();
            self.give_up_the_dead();
            self.step();
            self.oracle.check_survivors(self.now.mono.0);
            if self.now.mono.since_ms(calm) > LEASE_MS {
                self.check_addresses();
            }
        }
        self.commit();
        let left = self.scheduler.jobs(self.now, None, None, 5);
        assert!(left.is_empty(), "I10: still alive long after the last fault: {left:#?}, agents {:#?}", self.agents);
        let busy: Vec<_> = self.agents.iter().filter(|agent| !agent.is_idle()).collect();
        assert!(busy.is_empty(), "I10: owes or waits long after the last fault: {busy:#?}");
        assert_eq!(self.disk.load(), self.scheduler.saved(), "the rows give the state in memory");
        self.oracle.finish();
        self.tell_the_rest();
        self.report.jobs = self.oracle.ended();
        self.report.runs = self.oracle.runs();
        (self.report.scheduled, self.report.missed) = self.timetable.counts();
        self.report.overlaps = self.timetable.overlaps();
        (self.report.late_words, self.report.expired) = (self.told.late(), self.oracle.expired());
        (self.report, self.disk)
    }

    fn step(&mut self) {
        let ms = if self.brisk && !self.calm && self.random.chance(95) {
            self.random.pick(&[1, 5, 20, 20, 50, 100])
        } else {
            self.random.pick(&[1, 5, 20, 100, 400, if self.calm { 400 } else { 3_000 }])
        };
        self.advance(ms);
        self.deliver();
        for i in 0..self.agents.len() {
            self.tend(i);
        }
        if !self.calm {
            self.operate();
            self.fault();
        }
        if self.calm || self.random.chance(60) {
            self.commit();
            self.tell();
        }
    }

    /// Lets time pass, with the scheduler woken whenever it asked to be.
    fn advance(&mut self, ms: u64) {
        let end = self.now.mono.after_ms(ms);
        while let Some(at) = self.scheduler.next_deadline().filter(|at| *at <= end) {
            self.set_clock(at.max(self.now.mono));
            let before = self.uncommitted.len();
            self.apply(event::TimePassed);
            self.oracle.check_patience(&self.uncommitted[before..]);
            self.check_expired();
            self.check_cancels();
        }
        self.set_clock(end);
        self.look_at_schedules();
    }

    fn set_clock(&mut self, mono: Mono) {
        let passed = mono.since_ms(self.now.mono);
        self.now = Now { mono, wall_ms: self.now.wall_ms + passed, seen_ms: self.now.seen_ms + passed };
    }

    /// The scheduler handles an event; every invariant is looked at.
    fn apply<E: Event>(&mut self, event: E) -> Option<E::Answer> {
        self.try_apply(event).ok()
    }

    fn try_apply<E: Event>(&mut self, event: E) -> Result<E::Answer, Reject> {
        let before = self.uncommitted.len();
        let answer = self.scheduler.apply(self.now, event, &mut self.uncommitted);
        self.oracle.check_grants(&self.uncommitted[before..]);
        for decision in &self.uncommitted[before..] {
            let Decision::Assign { attempt, worker, .. } = decision else { continue };
            let yields = self.scheduler.worker(self.now, worker).is_some_and(|view| !view.load.yields_to.is_empty());
            assert!(!yields, "{attempt} is given to {worker}, which yields its machine");
        }
        self.check_waiting(&self.uncommitted[before..]);
        for is_one_of_several in self.oracle.check_ahead(&self.uncommitted[before..], self.now.mono.0) {
            self.report.ahead += 1;
            self.report.several_ahead += u64::from(is_one_of_several);
        }
        self.scheduler.check_invariants();
        drop(self.scheduler.take_touched());
        self.report.events += 1;
        for decision in &self.uncommitted[before..] {
            let text = format!("{decision:?}");
            let hash =
                text.bytes().fold(self.report.fingerprint, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
            self.report.fingerprint = hash;
        }
        answer
    }

    /// What waits at an agent for a slot may start at any time, so its job is given to nobody else.
    fn check_waiting(&self, decisions: &[Decision]) {
        for decision in decisions {
            let Decision::Assign { attempt, .. } = decision else { continue };
            let waiting = self.agents.iter().filter(|agent| agent.up).flat_map(|agent| &agent.waiting);
            let other = waiting.into_iter().find(|other| other.job == attempt.job);
            assert!(other.is_none(), "I18: {attempt} is given out while {other:?} may start");
        }
    }

    /// What was decided becomes durable, and then known.
    fn commit(&mut self) {
        let decisions = std::mem::take(&mut self.uncommitted);
        let (durable, answers): (Vec<_>, Vec<_>) = decisions.into_iter().partition(Decision::is_durable);
        self.wake(&answers);
        if !durable.is_empty() {
            self.disk.commit(self.now, &durable);
            self.timetable.committed(&durable);
            self.told.committed(&durable);
            self.oracle.committed(&durable, CAPACITY, self.now.mono.0);
            if let Some(saved) = self.disk.peek() {
                assert_eq!(saved, self.scheduler.saved(), "the rows give the state in memory");
            }
        }
        for jobs in std::mem::take(&mut self.unanswered) {
            self.oracle.acknowledge(&jobs);
        }
        self.oracle.check_batches();
        for (agent, message) in std::mem::take(&mut self.unsaid) {
            self.send(agent, &message);
        }
        for decision in answers {
            if let Decision::Answer { token, answer } = decision
                && let Some((agent, session, seq)) = self.polls.remove(&token)
            {
                self.send(agent, &Message::Answer { agent, session, seq, answer });
            }
        }
    }

    /// c2d dies: what was not committed never happened, and nobody was told of it.
    fn crash(&mut self) {
        self.report.crashes += 1;
        self.uncommitted.clear();
        self.unanswered.clear();
        self.unsaid.clear();
        self.polls.clear();
        self.told.crash();
        let saved = self.disk.load();
        self.scheduler = Scheduler::restore(saved, CAPACITY, self.now);
        self.scheduler.check_invariants();
        let down_ms = self.random.pick(&[1, 1_000, 20_000, 20_000, 200_000]);
        let of_c2d = |message: &Message| !matches!(message, Message::Register { .. } | Message::Poll { .. });
        self.wire.retain(|_, message| of_c2d(message));
        let end = self.now.mono.after_ms(down_ms);
        self.set_clock(end);
        // Its clock begins anew with it: nothing was observed while it was down.
        let saved = self.disk.load();
        self.forget_packets(None);
        self.oracle.restarted(&saved);
        self.scheduler = Scheduler::restore(saved, CAPACITY, self.now);
    }

    /// Puts a message on the network, which may lose, delay or double it.
    fn send(&mut self, agent: usize, message: &Message) {
        if self.is_cut(agent) || (!self.calm && self.random.chance(5)) {
            return;
        }
        let copies = if !self.calm && self.random.chance(5) { 2 } else { 1 };
        for _ in 0..copies {
            let quick = self.brisk && self.random.chance(90);
            let delays = if quick { &[0, 1, 1, 3, 3, 20][..] } else { &[0, 1, 1, 3, 3, 50, 50, 2_000, 9_000] };
            let delay = if self.calm { 1 } else { self.random.pick(delays) };
            self.last_message += 1;
            self.wire.insert((self.now.mono.0 + delay, self.last_message), message.clone());
        }
    }

    fn is_cut(&self, i: usize) -> bool {
        self.agents[i].cut_until_ms > self.now.mono.0
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now.mono.0) {
            match entry.remove() {
                Message::Register { agent, intro } => {
                    let (id, session) = (intro.id.clone(), intro.session.clone());
                    let reply = self.try_apply(event::WorkerRegistered(*intro));
                    if reply.is_ok() {
                        self.equip(&id);
                    }
                    let message = Message::Registered { agent, session, reply };
                    // What counts is answered when it is durable.
                    self.unsaid.push((agent, message));
                }
                Message::Registered { agent, session, reply } => self.on_registered(agent, &session, &reply),
                Message::Poll { agent, poll } => self.receive(agent, poll),
                Message::Answer { agent, session, seq, answer } => self.hand_over(agent, &session, seq, &answer),
                Message::Refused { agent, session, seq } if self.hears(agent, &session) => {
                    self.agents[agent].refused(seq);
                }
                Message::Refused { .. } => {}
            }
        }
    }

    /// Whether an agent is there to hear what is meant for this run of it.
    fn hears(&self, i: usize, session: &Session) -> bool {
        let agent = &self.agents[i];
        agent.up && !agent.asleep && !self.is_cut(i) && self.agents[i].session() == *session
    }

    /// An agent hears what became of its introduction. A copy ends what it runs, and begins anew as itself.
    fn on_registered(&mut self, i: usize, session: &Session, reply: &Result<Option<u64>, Reject>) {
        let here = self.agents[i].session();
        // Old agents do not say in an introduction which run they are.
        if !self.agents[i].up || self.agents[i].asleep || self.is_cut(i) || !(session.is_empty() || here == *session) {
            return;
        }
        match reply {
            Ok(start) => {
                self.agents[i].registered = true;
                if let Some(start) = start {
                    self.agents[i].starts = *start;
                }
                self.next_poll_ms[i] = self.now.mono.0;
            }
            Err(Reject::Clone { .. }) => {
                for attempt in self.agents[i].end_all() {
                    self.oracle.stop(attempt);
                }
                self.last_identity += 1;
                let id = format!("new-{}", self.last_identity);
                self.agents[i].reset(id);
                self.next_poll_ms[i] = self.now.mono.0;
                self.report.copies += 1;
            }
            Err(_) => self.next_poll_ms[i] = self.now.mono.0 + INTRODUCE_MS,
        }
    }

    /// A poll reaches c2d. A doubled one has a connection, and so a token, of its own.
    fn receive(&mut self, agent: usize, poll: Box<event::Poll>) {
        self.last_token += 1;
        let token = PollToken(self.last_token);
        let (session, seq) = (poll.session.clone(), poll.seq);
        self.oracle.note_poll(&poll, self.now.mono.0);
        self.forget_packets(Some(&poll.worker));
        self.polls.insert(token, (agent, session.clone(), seq));
        if self.try_apply(event::WorkerPolled { poll, token }).is_err() {
            self.polls.remove(&token);
            self.send(agent, &Message::Refused { agent, session, seq });
        }
    }

    fn hand_over(&mut self, i: usize, session: &Session, seq: u64, answer: &PollAnswer) {
        if !self.hears(i, session) {
            return;
        }
        let agent = &mut self.agents[i];
        // An agent that answered an outdated answer with a new poll would outdate its own polls for
        // ever.
        let Some(Told { fresh, returned, cut_short }) = agent.read(seq, answer, self.now.mono.0) else { return };
        self.oracle.cut_short(cut_short);
        for (attempt, tags) in fresh {
            let fetches = !(self.agents[i].old || self.brisk && self.random.chance(95));
            let fetches_ms = if fetches { self.random.pick(&[0, 0, 0, 200, 8_000]) } else { 0 };
            let staged = Staged { starts_ms: self.now.mono.0 + fetches_ms, waited: false, tags };
            self.agents[i].staged.insert(attempt, staged);
        }
        self.give_back(&returned);
        self.begin_ready(i);
        // There may be more, or something to report.
        self.next_poll_ms[i] = self.now.mono.0;
    }

    /// Attempts go back that waited for a slot.
    fn give_back(&mut self, returned: &[AttemptId]) {
        self.report.recalls += returned.len() as u64;
        returned.iter().for_each(|attempt| self.oracle.give_back(*attempt));
    }

    /// An agent starts what has all that it needs.
    fn begin_ready(&mut self, i: usize) {
        let now_ms = self.now.mono.0;
        let returned = self.agents[i].start_waiting(now_ms);
        self.give_back(&returned);
        if self.agents[i].yields(now_ms) {
            return;
        }
        for (attempt, Staged { tags, waited, .. }) in self.agents[i].ready(now_ms) {
            let agent = &mut self.agents[i];
            // Some jobs can be started nowhere, which no machine's test of itself sees.
            let poisoned = !self.calm && attempt.job.0 % 19 == 7;
            // What took too long may have been given to others.
            let late = now_ms.saturating_sub(agent.answered_ms) > LEASE_MS / 2;
            if agent.broken_until_ms > now_ms || poisoned || late {
                self.oracle.give_back(attempt);
                agent.fail_to_start(attempt, now_ms);
                continue;
            }
            self.oracle.start(agent.folder, attempt, &tags);
            let short = self.brisk && self.random.chance(97);
            let lengths = if short {
                &[0, 5, 5, 20, 20, 20, 50, 50, 50, 100][..]
            } else {
                &[0, 10, 300, 2_000, 30_000, 90_000, ENDLESS_MS]
            };
            let length = self.random.pick(lengths);
            let code = if self.random.chance(20) { 1 } else { 0 };
            let outcome = Outcome::Exit { code };
            let patient = self.oracle.is_patient(attempt.job);
            let running = Running { ends_ms: now_ms + length, outcome, patient, started_ms: now_ms, waited };
            agent.running.insert(attempt, running);
        }
    }

    /// An agent does its work: ends jobs, polls, registers.
    fn tend(&mut self, i: usize) {
        let now_ms = self.now.mono.0;
        let slow = !(self.brisk && self.random.chance(99));
        let delivery_ms = if slow { self.random.pick(&[0, 0, 100, 5_000, 30_000]) } else { 0 };
        let ended = self.agents[i].work(now_ms, delivery_ms);
        for attempt in &ended {
            self.oracle.stop(*attempt);
        }
        if self.agents[i].up {
            self.begin_ready(i);
        }
        let agent = &mut self.agents[i];
        if !agent.up || agent.asleep || (now_ms < self.next_poll_ms[i] && ended.is_empty()) {
            return;
        }
        let wait_ms = if self.brisk && self.random.chance(90) { 0 } else { self.random.pick(&[0, 1_000, 5_000]) };
        self.next_poll_ms[i] = now_ms + wait_ms + 200;
        let ip = if agent.flaps_until_ms > now_ms { self.random.pick(&ADDRESSES.map(address)) } else { agent.ip };
        let message = if agent.registered {
            Message::Poll { agent: i, poll: Box::new(agent.poll(ip, now_ms, wait_ms)) }
        } else {
            self.next_poll_ms[i] = now_ms + INTRODUCE_MS;
            Message::Register { agent: i, intro: Box::new(agent.introduction(ip)) }
        };
        self.send(i, &message);
    }
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + last))
}
