//! Workers: what is remembered of each, and what is only observed.
//!
//! [`Worker`] splits in two on purpose. Its record and its grants are durable and change by
//! decisions alone. Its [`Presence`] is what c2d heard since it started; it is gone after a
//! restart, because then nothing was heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use c2_shared::id::{AttemptId, Session, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::{LEASE_MS, WORKER_OFFLINE_MS};
use c2_shared::resources::Capacity;
use c2_shared::target::Candidate;
use c2_shared::time::Mono;
use c2_shared::worker::{Load, WorkerStatus};

use crate::sched::blame::{Faults, Trial};
use crate::sched::decision::{Wish, WorkerRecord};
use crate::sched::event::PollToken;
use crate::sched::fit::{Held, Room, Share};
use crate::sched::identity::Newcomers;
use crate::sched::wake::Rousing;

/// A worker.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) record: WorkerRecord,
    /// What its slots are used by. An attempt stays here until the worker said that it is over,
    /// whatever became of its job.
    pub(crate) grants: BTreeMap<AttemptId, Grant>,
    /// What they hold together.
    pub(crate) held: Held,
    /// What it has for jobs beside its slots, as its record says.
    pub(crate) has: Capacity,
    /// How many of `grants` have no slot any more, as they are only being delivered.
    delivering: u32,
    /// How many of the others were given ahead of a slot.
    ahead: u32,
    pub(crate) presence: Presence,
}

/// A slot in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) share: Share,
    /// How it ended, while its result is under way.
    pub(crate) outcome: Option<Outcome>,
    /// It was given ahead of a slot.
    pub(crate) ahead: bool,
    /// What is to become of its job if it comes back.
    pub(crate) wish: Option<Wish>,
    /// What was heard of it; observed, not durable, as are all that follow.
    pub(crate) heard: Heard,
    /// It is called back, unless it has started.
    pub(crate) recall: bool,
    /// When it was given, or from its start on when it started, as far as that is known.
    pub(crate) since: Option<Mono>,
    /// When one that was given ahead started, in wall-clock time.
    pub(crate) started_ms: Option<u64>,
}

impl Grant {
    /// Whether it has no slot yet, as far as was heard.
    pub(crate) const fn waits(&self) -> bool {
        self.ahead && self.outcome.is_none() && !matches!(self.heard, Heard::Confirmed { .. })
    }
}

/// What the worker said of an attempt that it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Given to it in this session and not confirmed yet: it is given again with each answer.
    #[default]
    Sent,
    /// Given to an earlier session of the agent, or by an earlier run of c2d.
    Inherited,
    /// It said that it has it and has not started it.
    Staged,
    /// It said that it runs it, for the first time then; none if that was before its quarantine began.
    Confirmed { since: Option<Mono> },
}

/// What c2d heard of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    /// Last contact; at the start of c2d, that start.
    pub(crate) contact: Mono,
    /// Whether it was heard at all since c2d started.
    pub(crate) heard: bool,
    /// The offline mark was passed and acted upon.
    pub(crate) offline: bool,
    /// The lease was over and acted upon.
    pub(crate) expired: bool,
    /// Where it was last heard from, and since when it was nowhere else.
    pub(crate) ip: IpAddr,
    pub(crate) ip_since: Mono,
    /// The runs of its agent before the present one, whose late messages are refused.
    pub(crate) replaced: VecDeque<Session>,
    /// Those that claim to be it.
    pub(crate) newcomers: Newcomers,
    /// The last poll of the present run.
    pub(crate) seq: u64,
    pub(crate) load: Load,
    pub(crate) parked: Option<Parked>,
    /// What its newest poll listed as running.
    pub(crate) listed: BTreeSet<AttemptId>,
    /// What of it the latest answer told it to end or to give back, and when.
    pub(crate) told: BTreeSet<AttemptId>,
    pub(crate) told_at: Mono,
    /// Why its newest test of itself failed.
    pub(crate) unfit: Option<String>,
    /// What it could not start since a command last started there.
    pub(crate) faults: Faults,
    /// Whether it is in quarantine, and how far.
    pub(crate) trial: Trial,
    /// How far its machine is woken.
    pub(crate) rousing: Rousing,
    /// It takes attempts ahead of free slots.
    pub(crate) takes_ahead: bool,
    /// Jobs that it could start, as it said last; what a plain client has is known from its grants alone.
    pub(crate) said_free: u32,
    /// Of how many results in a row the attempts took little.
    pub(crate) short_results: u32,
    /// The same for results that took so little that several fit into that time.
    pub(crate) brief_results: u32,
}

/// A poll that waits for something to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parked {
    pub(crate) token: PollToken,
    pub(crate) until: Mono,
    pub(crate) slots_free: u32,
}

impl Worker {
    pub(crate) fn new(record: WorkerRecord, now: Mono) -> Self {
        let (ip, has) = (record.intro.ip, record.has());
        let mut presence = Presence::new(ip, now);
        if record.quarantine.is_some() {
            presence.trial = Trial::closed_from(now);
        }
        Self { record, grants: BTreeMap::new(), held: Held::default(), has, delivering: 0, ahead: 0, presence }
    }

    pub(crate) const fn id(&self) -> &WorkerId {
        &self.record.intro.id
    }

    /// Where it was last heard.
    pub(crate) const fn ip(&self) -> IpAddr {
        self.presence.ip
    }

    /// Whether it knows no more than the README says: it holds what it was given, and cannot be told to
    /// end it.
    pub(crate) fn is_plain(&self) -> bool {
        self.record.intro.is_plain()
    }

    /// The worker as far as names go.
    pub(crate) fn candidate(&self, now: Mono) -> Candidate<'_> {
        Candidate {
            id: self.id(),
            ip: self.ip(),
            hostname: &self.record.intro.hostname,
            groups: &self.record.groups,
            online: self.is_online(now),
            silent_ms: self.silent_ms(now),
            passed_on: self.record.passed_on,
        }
    }

    /// Remembers it otherwise.
    pub(crate) fn put(&mut self, record: WorkerRecord) {
        self.has = record.has();
        self.record = record;
    }

    /// What is on it, for a job that is to fit beside.
    pub(crate) const fn room(&self) -> Room<'_> {
        Room { has: &self.has, tags: &self.record.tags, held: &self.held, load: &self.presence.load }
    }

    /// Jobs that it runs at once: no more than its agent does, whatever operators say.
    pub(crate) fn slots(&self) -> u32 {
        let set = self.record.resources.get("slots").and_then(|amount| u32::try_from(amount.0).ok());
        set.map_or(self.record.intro.slots, |set| set.min(self.record.intro.slots))
    }

    /// Jobs that it may be given beyond those it holds: whatever waits there takes the next slots.
    pub(crate) fn slots_free(&self) -> u32 {
        self.slots().saturating_sub(self.slots_used()).saturating_sub(self.waiting_len())
    }

    /// So many deliveries at once that they hold up each other hold up new jobs too.
    pub(crate) fn slots_used(&self) -> u32 {
        let running = u32::try_from(self.grants.len()).unwrap_or(u32::MAX).saturating_sub(self.delivering);
        let running = running.saturating_sub(self.waiting_len());
        running.saturating_add(self.delivering.saturating_sub(self.slots()))
    }

    /// What was given to it and waits there for a slot, as far as was heard.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&AttemptId, &Grant)> {
        let all = (self.ahead > 0).then_some(&self.grants);
        all.into_iter().flatten().filter(|(_, grant)| grant.waits())
    }

    pub(crate) fn waiting_len(&self) -> u32 {
        u32::try_from(self.waiting().count()).unwrap_or(u32::MAX)
    }

    /// Whether anything may wait there.
    pub(crate) const fn has_ahead(&self) -> bool {
        self.ahead > 0
    }

    pub(crate) fn is_online(&self, now: Mono) -> bool {
        !self.record.asleep && self.silent_ms(now).is_some_and(|ms| ms < WORKER_OFFLINE_MS)
    }

    /// Whether it yields to somebody or something else, and nothing starts there.
    pub(crate) const fn yields(&self) -> bool {
        !self.presence.load.yields_to.is_empty()
    }

    /// Since when it was not heard; none if never since c2d started.
    pub(crate) fn silent_ms(&self, now: Mono) -> Option<u64> {
        self.presence.heard.then(|| now.since_ms(self.presence.contact))
    }

    pub(crate) fn status(&self, now: Mono) -> WorkerStatus {
        if !self.is_online(now) && self.presence.rousing.until.is_some() {
            WorkerStatus::Waking
        } else if self.record.asleep {
            WorkerStatus::Asleep
        } else if !self.is_online(now) {
            WorkerStatus::Offline
        } else if self.record.drained {
            WorkerStatus::Draining
        } else if self.record.quarantine.is_some() {
            WorkerStatus::Quarantined
        } else {
            WorkerStatus::Online
        }
    }

    /// Those of the shared folders that it does not have now.
    pub(crate) fn lacking_shares<'a>(&self, shares: &'a [String]) -> impl Iterator<Item = &'a String> {
        shares.iter().filter(|share| !self.presence.load.shares.contains(*share))
    }

    pub(crate) fn has_shares(&self, shares: &[String]) -> bool {
        self.lacking_shares(shares).next().is_none()
    }

    /// Whether a list of ids means this worker, or one of words that meant nobody when they were given:
    /// addresses, and host names, which know no case.
    pub(crate) fn is_among(&self, names: &[String]) -> bool {
        names.iter().any(|name| match name.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical() == self.ip(),
            Err(_) => name == self.id().as_str() || name.eq_ignore_ascii_case(&self.record.intro.hostname),
        })
    }

    /// When something about it must be looked at again.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.presence.deadline().into_iter().chain(self.settles()).chain(self.recalls_at()).min()
    }

    pub(crate) fn grant(&mut self, attempt: AttemptId, grant: Grant) {
        self.held.add(attempt, &grant.share);
        self.ahead += u32::from(grant.ahead);
        self.grants.insert(attempt, grant);
    }

    /// Takes slot and share from an attempt that ended so.
    pub(crate) fn vacate(&mut self, attempt: AttemptId, outcome: Outcome) {
        let grant = self.grants.get_mut(&attempt).expect("only a granted attempt is delivered");
        assert!(grant.outcome.replace(outcome).is_none(), "{attempt} is delivered already");
        self.delivering += 1;
        self.ahead -= u32::from(grant.ahead);
        let share = std::mem::take(&mut grant.share);
        self.held.remove(attempt, &share);
    }

    pub(crate) fn free(&mut self, attempt: AttemptId) {
        if let Some(grant) = self.grants.remove(&attempt) {
            self.delivering -= u32::from(grant.outcome.is_some());
            self.ahead -= u32::from(grant.ahead && grant.outcome.is_none());
            self.held.remove(attempt, &grant.share);
        }
    }
}

impl Presence {
    fn new(ip: IpAddr, now: Mono) -> Self {
        Self {
            contact: now,
            heard: false,
            offline: false,
            expired: false,
            ip,
            ip_since: now,
            replaced: VecDeque::new(),
            newcomers: Newcomers::default(),
            seq: 0,
            load: Load::default(),
            parked: None,
            listed: BTreeSet::new(),
            told: BTreeSet::new(),
            told_at: now,
            unfit: None,
            faults: Faults::default(),
            trial: Trial::default(),
            rousing: Rousing::default(),
            takes_ahead: false,
            said_free: u32::MAX,
            short_results: 0,
            brief_results: 0,
        }
    }

    /// Notes a contact from an address.
    pub(crate) fn touch(&mut self, ip: IpAddr, now: Mono) {
        if ip != self.ip || self.offline {
            self.ip = ip;
            self.ip_since = now;
        }
        self.contact = now;
        self.heard = true;
        self.offline = false;
        self.expired = false;
    }

    fn deadline(&self) -> Option<Mono> {
        let offline = (!self.offline).then(|| self.contact.after_ms(WORKER_OFFLINE_MS));
        let lease = (!self.expired).then(|| self.contact.after_ms(LEASE_MS));
        let parked = self.parked.map(|parked| parked.until);
        [offline, lease, parked, self.trial.until(), self.rousing.due()].into_iter().flatten().min()
    }
}
