//! Workers, as they speak to c2d themselves: who they are, what they hold, what they have done.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::api::files::{CleanupReport, Needed};
use crate::api::live::OutputRead;
use crate::api::upgrade::{ProgramOffer, UpgradeReport};
use crate::blob::BlobId;
use crate::id::{AttemptId, JobId, Session};
use crate::job::{JobSpec, Outcome};
use crate::json;
use crate::limits::{ATTEMPTS_LEN_MAX, OUTPUT_KEEP_BYTES};
use crate::resources::Amounts;
use crate::wake::Mac;
use crate::worker::{Hardware, Load};

mod results;

pub use results::{AttemptResult, ResultRequest, ResultResponse, ResultVerdict};

/// The header by which a worker says what it understands.
pub const PROTOCOL_HEADER: &str = "c2-protocol";
/// The protocol of today's agents. Those of 0.1.0 say none, and know no `stdin_sha256`.
pub const PROTOCOL: u32 = 2;
/// Reports of cleanings in one poll.
const CLEANUPS_LEN_MAX: usize = 16;

/// A worker's introduction. A plain client may leave everything out, and is then known by its address.
///
/// An agent that does not know yet whom it speaks to leaves out what 0.1.0 refuses, says [`PROTOCOL_HEADER`],
/// and introduces itself in full when the answer names [`PROTOCOL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct RegisterRequest {
    /// An address that it claims. What counts is that of its connection.
    pub ip: Option<IpAddr>,
    /// The machine's own name.
    pub hostname: String,
    /// Identity of the agent's state folder, random, for as long as the folder lives.
    pub worker_id: String,
    /// The kernel's boot id: when it changes, everything that ran before is dead.
    pub boot_id: String,
    /// Jobs it runs at once; 4 without it.
    pub slots: Option<u32>,
    /// What the machine consists of.
    pub hardware: Hardware,
    /// The agent's version.
    pub version: String,
    /// Which run of the agent this is.
    #[serde(skip_serializing_if = "Session::is_empty")]
    pub session: Session,
    /// A mark of the machine: the same after a reboot, another on a copy of its disk.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// A mark of the state folder: another for a copy of it on the same machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// What its configuration says that it has.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub resources: Amounts,
    /// The hardware address of the interface by which it reaches c2d, like `52:54:00:12:34:56`: by it the machine is
    /// woken. Anything else is as good as none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
}

impl RegisterRequest {
    /// The form that agents of 0.1.0 used, which each c2d takes.
    #[must_use]
    pub fn brief(&self) -> Self {
        let (session, machine, folder, resources, mac) = Default::default();
        Self { session, machine, folder, resources, mac, ..self.clone() }
    }
}

/// The answer to a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegisterResponse {
    /// The address under which c2d knows the worker.
    pub ip: IpAddr,
    /// c2d's version.
    pub server_version: String,
    /// Of each output stream of a job, the bytes that c2d wants kept.
    #[serde(default = "output_keep_bytes")]
    pub output_keep_bytes: u64,
    /// The protocol that c2d speaks, told to those who say theirs: an introduction without a session is then
    /// to be given again in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The number that this run must take, as the one that it said is known of another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
}

const fn output_keep_bytes() -> u64 {
    OUTPUT_KEEP_BYTES
}

/// An agent's poll: all that it holds, so that each poll reconciles both sides in full.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PollRequest {
    /// As in [`RegisterRequest`].
    pub worker_id: String,
    /// As in [`RegisterRequest`].
    pub boot_id: String,
    /// Which run of the agent this is; polls are ordered within it.
    pub session: Session,
    /// Counts the polls of this session; an older one that arrives late is ignored.
    pub seq: u64,
    /// Jobs it could start now.
    pub slots_free: u32,
    /// Attempts that it holds and that have not ended.
    #[serde(deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>")]
    pub running: Vec<AttemptId>,
    /// Attempts that it holds and has not started yet: what they need is under way, or they wait for a slot.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>")]
    pub staged: Vec<AttemptId>,
    /// Attempts that have ended and whose results come later, as their contents are under way.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>")]
    pub ended: Vec<EndedAttempt>,
    /// Attempts that it gives back, until that is acknowledged: their commands never started here and never
    /// will.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>")]
    pub returned: Vec<ReturnedAttempt>,
    /// Of those that run, attempts that waited here for a slot.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>")]
    pub started: Vec<StartedAttempt>,
    /// It takes attempts for which it has no slot yet, and starts each when it has one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub takes_ahead: bool,
    /// Ended attempts whose results were not acknowledged yet.
    #[serde(deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>")]
    pub unsent: Vec<AttemptResult>,
    /// What it cleaned as c2d asked, until that is answered.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "json::at_most::<CLEANUPS_LEN_MAX, _, _>")]
    pub cleaned: Vec<CleanupReport>,
    /// What became of the upgrade that c2d asked for, until that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgraded: Option<UpgradeReport>,
    /// How busy the machine is.
    pub load: Load,
    /// Why the machine is not fit for work: what its newest self-test failed of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_test_error: Option<String>,
    /// It would let its machine sleep, if c2d agrees; then it is to be answered at once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub would_sleep: bool,
    /// Seconds for which c2d may hold the answer back until there is something to say.
    pub wait_s: u64,
}

/// The answer to a poll: what to start, what to end, what to forget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct PollResponse {
    /// Attempts to start. One that is already held is to be ignored.
    pub assign: Vec<Given>,
    /// Attempts to end; their results are still wanted.
    pub kill: Vec<AttemptId>,
    /// Attempts to give back, unless they have started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recall: Vec<AttemptId>,
    /// Results that c2d has, durably or as outdated; to be forgotten.
    pub ack: Vec<AttemptId>,
    /// Contents of reported results that c2d does not have: to be sent, and the result reported again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub want: Vec<BlobId>,
    /// Time limits in seconds of attempts that run, where they were changed meanwhile; 0 for none. Said again in
    /// each answer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<AttemptId, u64>,
    /// The machine may sleep now: nothing is due there, and c2d knows that it sleeps until its next poll.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub may_sleep: bool,
    /// Other requests to the agent.
    pub directives: Vec<Directive>,
    /// Which leader answers, where several c2d share a database. An answer of a lower one than the last does not
    /// count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// The answer to a poll with or without a body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum WorkAnswer {
    /// With one.
    Agent(PollResponse),
    /// Without.
    Plain(Box<PlainPollResponse>),
}

/// The answer to a poll without a body, as in the README: one job or none, at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlainPollResponse {
    /// The job to run.
    pub job: Option<Assignment>,
}

/// An attempt given to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assignment {
    /// The attempt; to be named in everything said about it.
    pub attempt: AttemptId,
    /// The job, as in the README's answer.
    pub job_id: JobId,
    /// The tags held for it, with `gpu` resolved to the one that it got.
    pub tags: Vec<String>,
    /// What to run.
    pub spec: JobSpec,
    /// Where that is when it is too long to stand here; `spec` then tells no more than `on_lost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_sha256: Option<BlobId>,
    /// It may wait at the worker until a slot is free there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
}

/// What an agent finds in place of an assignment: one that it cannot read costs that attempt alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Given {
    /// To be started.
    Readable(Box<Assignment>),
    /// Of a newer c2d, and not to be started.
    #[serde(skip)]
    Unreadable {
        /// Which attempt.
        attempt: AttemptId,
        /// What this version does not know of it.
        reason: String,
    },
}

impl Given {
    /// Which attempt it is about.
    #[must_use]
    pub const fn attempt(&self) -> AttemptId {
        match self {
            Self::Readable(assignment) => assignment.attempt,
            Self::Unreadable { attempt, .. } => *attempt,
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Attempt {
            attempt: AttemptId,
        }
        let given: Box<RawValue> = Deserialize::deserialize(deserializer)?;
        serde_json::from_str(given.get()).map(Self::Readable).or_else(|unknown| {
            let Attempt { attempt } = serde_json::from_str(given.get()).map_err(D::Error::custom)?;
            let (reason, _) = json::describe(&unknown.to_string());
            Ok(Self::Unreadable { attempt, reason })
        })
    }
}

/// An attempt of which no process is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndedAttempt {
    /// Which.
    pub attempt: AttemptId,
    /// How it ended, which its result will say again.
    pub outcome: Outcome,
}

/// An attempt that was given to a worker and that it gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReturnedAttempt {
    /// Which.
    pub attempt: AttemptId,
    /// Why it was not started.
    pub reason: String,
    /// The agent cannot read what it was given, as it is older than c2d: neither the machine nor the job is
    /// at fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
    /// It waited for a slot: nobody is at fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recalled: bool,
}

/// An attempt that waited at its worker for a slot and runs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StartedAttempt {
    /// Which.
    pub attempt: AttemptId,
    /// For how long it has run.
    pub age_ms: u64,
}

/// Other requests to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Directive {
    /// c2d does not know this worker (any more): register again.
    Register,
    /// Remove the workspaces of ended jobs and report it with the next poll.
    Cleanup {
        /// Names the request; to be repeated in the report. One that is known already is to be ignored.
        id: u64,
        /// Jobs that have ended and whose workspaces others still need.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keep: Vec<Needed>,
    },
    /// Somebody watches a job: say what it wrote.
    Read(OutputRead),
    /// Wake a machine that sleeps in a network of this one.
    Wake {
        /// Its last address, by which the network is known.
        ip: IpAddr,
        /// Its hardware address.
        mac: Mac,
    },
    /// Run a newer program, and report what became of it.
    Upgrade {
        /// Names the request; to be repeated in the report. One that is known already is to be ignored.
        id: u64,
        /// The program.
        offer: Box<ProgramOffer>,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}
