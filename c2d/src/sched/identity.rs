//! Who is who: a worker is the identity of its agent's state folder, and nothing else.
//!
//! An address proves nothing, so it carries nothing along. An identity can be copied, with the disk of a
//! machine, so c2d looks at the run of the agent and at the place where it runs before it believes that what
//! ran before is over. What cannot be told yet waits: either the one that is known is heard again, and then
//! the newcomer is a copy of it, or it stays silent until nothing of it can be alive.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use c2_shared::id::{AttemptId, Session, WorkerId};
use c2_shared::job::OnLost;
use c2_shared::limits::{
    ADDRESS_SETTLES_MS, CLONE_PROOF_MS, CLONE_SHOWN_MS, LEASE_MS, NEWCOMERS_LEN, REBOOT_SILENCE_MS,
};
use c2_shared::resources::Amounts;
use c2_shared::time::Mono;

use crate::sched::decision::WorkerRecord;
use crate::sched::event::{Introduction, Place, Poll};
use crate::sched::jobs::Job;
use crate::sched::scheduler::{Scheduler, Turn};
use crate::sched::workers::{Heard, Worker};
use crate::sched::{Decision, Note, Reject};

/// How an introduction under a known identity is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is the worker that is known, where it was.
    Same,
    /// The worker that is known, on its machine; what ran before a reboot is over.
    Rebooted,
    /// Another machine or folder takes its place; what it ran is lost.
    Replaces,
    /// A run that another one has followed.
    Older,
    /// Nobody can tell yet.
    Waits,
}

/// How a poll stands to the run that is known of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Present,
    Older,
    /// A later one of an agent that does not number them.
    Next,
    /// It has to introduce itself.
    Unknown,
}

/// Those that introduced themselves with the identity of a worker and had to wait, the latest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newcomers(VecDeque<Newcomer>);

#[derive(Clone, Debug)]
struct Newcomer {
    place: Place,
    session: Session,
    ip: IpAddr,
    /// When it last introduced itself.
    spoke: Mono,
    /// When the known run was first heard after this one had introduced itself.
    contradicted: Option<Mono>,
    /// The known run is alive beside it.
    proven: bool,
}

impl Newcomers {
    /// Notes an introduction that had to wait; answers whether it was proven to be a copy.
    fn note(&mut self, intro: &Introduction, now: Mono) -> bool {
        let place = self.0.iter().position(|one| one.place == intro.place && one.session == intro.session);
        let known = place.and_then(|place| self.0.remove(place));
        let fresh = || Newcomer {
            place: intro.place.clone(),
            session: intro.session.clone(),
            ip: intro.ip,
            spoke: now,
            contradicted: None,
            proven: false,
        };
        let one = Newcomer { ip: intro.ip, spoke: now, ..known.unwrap_or_else(fresh) };
        let proven = one.proven;
        if self.0.len() == NEWCOMERS_LEN {
            self.0.pop_front();
        }
        self.0.push_back(one);
        proven
    }

    /// The known run polled: whoever introduced itself beside it is a copy if that happens again a while
    /// later. Answers from where those speak of whom it is certain now.
    fn contradict(&mut self, now: Mono) -> Vec<IpAddr> {
        let mut found = Vec::new();
        for one in self.0.iter_mut().filter(|one| !one.proven) {
            let first = *one.contradicted.get_or_insert(now);
            if now.since_ms(first) >= CLONE_PROOF_MS {
                one.proven = true;
                found.push(one.ip);
            }
        }
        found
    }

    /// A run at this place was accepted: it waited here itself, or after one that has ended, as there is one at a time.
    fn accept(&mut self, place: &Place) {
        self.0.retain(|one| one.proven || one.place != *place);
    }

    /// From where a copy spoke a short while ago.
    pub(crate) fn proven(&self, now: Mono) -> Option<IpAddr> {
        self.0.iter().rfind(|one| one.proven && now.since_ms(one.spoke) < CLONE_SHOWN_MS).map(|one| one.ip)
    }
}

impl Worker {
    /// How an introduction with its identity is taken.
    fn judge(&self, intro: &Introduction, awaited: usize, now: Mono) -> Verdict {
        let known = &self.record.intro;
        let silent_ms = now.since_ms(self.presence.contact);
        // A plain client that comes again after a while says by it that nothing runs there.
        let again = self.is_plain() && intro.is_plain() && silent_ms >= REBOOT_SILENCE_MS;
        let beyond = silent_ms >= LEASE_MS && awaited == 0;
        match known.place.compared(&intro.place) {
            Compared::Same if again => Verdict::Rebooted,
            Compared::Same if self.presence.replaced.contains(&intro.session) => Verdict::Older,
            Compared::Same if may_follow(&known.session, &intro.session) => Verdict::Same,
            Compared::Rebooted if silent_ms >= REBOOT_SILENCE_MS => Verdict::Rebooted,
            Compared::Same | Compared::Elsewhere if beyond => Verdict::Replaces,
            Compared::Same | Compared::Elsewhere | Compared::Rebooted => Verdict::Waits,
        }
    }

    /// How a poll stands to the run that is known.
    pub(super) fn run_of(&self, poll: &Poll) -> Run {
        let known = &self.record.intro;
        let same_boot = known.place.boot_id == poll.boot_id;
        if self.presence.replaced.contains(&poll.session) {
            Run::Older
        } else if known.session == poll.session {
            if same_boot { Run::Present } else { Run::Unknown }
        } else if poll.session.is_counted() {
            if poll.session.start <= known.session.start { Run::Older } else { Run::Unknown }
        } else if same_boot && !known.session.is_counted() {
            Run::Next
        } else {
            Run::Unknown
        }
    }

    /// When its present address counts as its own; none while it is not heard, or that is so already.
    pub(crate) fn settles(&self) -> Option<Mono> {
        let differs = self.presence.ip != self.record.intro.ip || self.record.passed_on;
        (differs && self.presence.heard && !self.presence.offline)
            .then(|| self.presence.ip_since.after_ms(ADDRESS_SETTLES_MS))
    }
}

enum Compared {
    Same,
    /// The same machine after another start of it; a copy of its disk may look like that, too.
    Rebooted,
    Elsewhere,
}

impl Place {
    /// How another place compares with this one. Marks that one of them lacks do not count: an old agent
    /// tells its boot only, and of a worker from an edited list nothing is known.
    fn compared(&self, other: &Self) -> Compared {
        let agree = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
        if self.boot_id.is_empty() {
            return Compared::Same;
        }
        match (self.boot_id == other.boot_id, agree(&self.machine, &other.machine)) {
            (true, true) if agree(&self.folder, &other.folder) => Compared::Same,
            (false, true) if !other.boot_id.is_empty() => Compared::Rebooted,
            _ => Compared::Elsewhere,
        }
    }
}

/// Whether a run is the known one, or a later one. Old agents do not number theirs.
fn may_follow(known: &Session, run: &Session) -> bool {
    run.is_empty() || run.nonce == known.nonce || run.start > known.start || !known.is_counted()
}

impl Turn<'_> {
    /// Takes an introduction, or says why it has to wait. Answers the number that this run is to take in
    /// place of its own.
    pub(super) fn introduce(&mut self, intro: Introduction) -> Result<Option<u64>, Reject> {
        let (id, ip, now) = (intro.id.clone(), intro.ip, self.now.mono);
        let Some(worker) = self.s.workers.get(&id) else {
            self.welcome(intro);
            return Ok(None);
        };
        let verdict = worker.judge(&intro, self.s.awaited(&id), now);
        match verdict {
            Verdict::Same | Verdict::Rebooted | Verdict::Replaces => {}
            Verdict::Older => return Err(Reject::SessionReplaced { worker: id }),
            Verdict::Waits => {
                return Err(self.wait(&intro));
            }
        }
        let known = &worker.record.intro;
        let mut session = intro.session.clone();
        if session.is_empty() && !known.session.is_counted() || session.nonce == known.session.nonce {
            // An old agent says only with its polls which run this is; and who was given a number may not
            // have heard of it.
            session = known.session.clone();
        } else if session.is_counted() && session.start <= known.session.start {
            session.start = known.session.start + 1;
        }
        let number =
            (session.start != intro.session.start).then_some(session.start).filter(|_| !intro.session.is_empty());
        let begins = session != known.session;
        let intro = Introduction { ip: known.ip, session: session.clone(), ..intro };
        let upgraded = intro.version != worker.record.intro.version;
        let record = WorkerRecord { intro, ..worker.record.clone() };
        if begins {
            self.begin_session(&id, &session);
        }
        if self.s.workers[&id].record != record {
            self.dismiss_parked(&id);
            self.decide(Decision::PutWorker(Box::new(record)));
        }
        if upgraded {
            self.s.stop_avoiding(&id, |avoided| avoided.unread.is_some());
        }
        self.heard(&id, ip);
        let known = self.s.known(&id);
        known.presence.newcomers.accept(&known.record.intro.place);
        let held: Vec<AttemptId> = self.s.workers[&id].grants.keys().copied().collect();
        let worker = self.s.who(&id);
        match verdict {
            Verdict::Rebooted => self.s.touched.notes.push(Note::Rebooted { worker, held: held.clone() }),
            Verdict::Replaces => self.s.touched.notes.push(Note::Replaced { worker, held: held.clone() }),
            Verdict::Same | Verdict::Older | Verdict::Waits => return Ok(number),
        }
        // What runs on other machines outlives this one's reboot, and the agent says with its next poll what it has.
        let held = if self.s.workers[&id].record.intro.unfenced { Vec::new() } else { held };
        for attempt in held {
            self.gone(&id, attempt, true);
        }
        Ok(number)
    }

    /// An identity that was never seen begins with nothing but the address that it speaks from.
    fn welcome(&mut self, intro: Introduction) {
        let (id, ip) = (intro.id.clone(), intro.ip);
        let (groups, tags) = (BTreeSet::new(), BTreeSet::new());
        let record = WorkerRecord {
            intro,
            groups,
            tags,
            resources: Amounts::new(),
            drained: false,
            passed_on: false,
            quarantine: None,
            asleep: false,
        };
        self.decide(Decision::PutWorker(Box::new(record)));
        self.heard(&id, ip);
        self.pass_on(ip, &id);
    }

    fn wait(&mut self, intro: &Introduction) -> Reject {
        let (now, jobs) = (self.now.mono, self.s.awaited(&intro.id));
        let worker = self.s.known(&intro.id);
        let (ip, silent_ms) = (worker.ip(), now.since_ms(worker.presence.contact));
        if worker.presence.newcomers.note(intro, now) {
            Reject::Clone { worker: intro.id.clone(), ip }
        } else if silent_ms >= LEASE_MS && jobs > 0 {
            Reject::AwaitedThere { ip, jobs }
        } else {
            Reject::MayBeAtWork { ip, silent_ms }
        }
    }

    /// The known run of a worker polled, which says something of those that claim to be it.
    pub(super) fn contradict_newcomers(&mut self, id: &WorkerId) {
        let now = self.now.mono;
        for at in self.s.known(id).presence.newcomers.contradict(now) {
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Cloned { worker, at });
            self.s.touch_worker(id);
        }
    }

    /// Another run of an agent takes over from the one before. What was given to that one and not
    /// confirmed it will never start.
    pub(super) fn begin_session(&mut self, id: &WorkerId, session: &Session) {
        self.dismiss_parked(id);
        let worker = self.s.known(id);
        let presence = &mut worker.presence;
        let before = worker.record.intro.session.clone();
        presence.replaced.retain(|old| old != session);
        if !before.is_empty() {
            if presence.replaced.len() == NEWCOMERS_LEN {
                presence.replaced.pop_front();
            }
            presence.replaced.push_back(before);
        }
        presence.seq = 0;
        presence.told.clear();
        presence.listed.clear();
        for grant in worker.grants.values_mut().filter(|grant| grant.heard == Heard::Sent) {
            grant.heard = Heard::Inherited;
        }
    }

    /// Makes the address of a worker durable once it has kept it for a while: a line that flaps between two
    /// would otherwise write with each poll.
    pub(super) fn settle_address(&mut self, id: &WorkerId) {
        let worker = &self.s.workers[id];
        if worker.settles().is_none_or(|at| at > self.now.mono) {
            return;
        }
        let (from, to) = (worker.record.intro.ip, worker.ip());
        let mut record = worker.record.clone();
        record.intro.ip = to;
        record.passed_on = false;
        self.decide(Decision::PutWorker(Box::new(record)));
        if from != to {
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Moved { worker, from });
        }
        self.pass_on(to, id);
    }

    /// Marks those that were heard at an address before as being there no longer.
    pub(super) fn pass_on(&mut self, ip: IpAddr, to: &WorkerId) {
        let now = self.now.mono;
        let before = self.s.workers.values().filter(|worker| {
            worker.ip() == ip && worker.id() != to && !worker.record.passed_on && !worker.is_online(now)
        });
        let before: Vec<WorkerId> = before.map(|worker| worker.id().clone()).collect();
        for id in before {
            self.mark_passed_on(&id, to);
        }
    }

    /// A worker is heard no longer: if another one is settled at its address, it has passed on to that one.
    pub(super) fn leave_address(&mut self, id: &WorkerId) {
        let worker = &self.s.workers[id];
        if worker.record.passed_on {
            return;
        }
        let (now, ip) = (self.now.mono, worker.ip());
        let is_there = |other: &&Worker| {
            other.id() != id && other.ip() == ip && other.record.intro.ip == ip && other.is_online(now)
        };
        if let Some(to) = self.s.workers.values().find(is_there).map(|other| other.id().clone()) {
            self.mark_passed_on(id, &to);
        }
    }

    fn mark_passed_on(&mut self, id: &WorkerId, to: &WorkerId) {
        let record = self.s.workers[id].record.clone();
        let (worker, to) = (self.s.who(id), self.s.who(to));
        self.decide(Decision::PutWorker(Box::new(WorkerRecord { passed_on: true, ..record })));
        self.s.touched.notes.push(Note::PassedOn { worker, to });
    }
}

impl Scheduler {
    /// Jobs that wait for a worker to come back, however long that takes.
    pub(crate) fn awaited(&self, id: &WorkerId) -> usize {
        let patient = |attempt: &&AttemptId| {
            let job = self.jobs.get(attempt.job);
            self.is_current(**attempt) && job.is_some_and(|job| self.is_patient(id, job) && !job.cancelling)
        };
        self.workers.get(id).map_or(0, |worker| worker.grants.keys().filter(patient).count())
    }

    /// Whether a job waits for its worker past the lease, by its own choice or because it runs where the agent
    /// cannot end it, so that a second copy could run beside it.
    pub(crate) fn is_patient(&self, id: &WorkerId, job: &Job) -> bool {
        job.terms.on_lost == OnLost::Wait || self.workers.get(id).is_some_and(|worker| worker.record.intro.unfenced)
    }
}
