//! Workers, as they speak to c2d themselves: who they are, what they hold, what they have done.

use std::net::IpAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::api::files::{CleanupReport, JobFile};
use crate::api::is_zero;
use crate::api::live::{OutputRead, Piece};
use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::config::describe_json_error;
use crate::id::{AttemptId, JobId};
use crate::job::{JobSpec, Outcome};
use crate::limits::{OUTPUT_HEAD_BYTES, OUTPUT_KEEP_BYTES};
use crate::worker::{Hardware, Load};

/// The header by which a worker says what it understands.
pub const PROTOCOL_HEADER: &str = "c2-protocol";
/// The protocol of today's agents. Those of 0.1.0 say none, and know no `stdin_sha256`.
pub const PROTOCOL: u32 = 2;

/// A worker's introduction. A plain client may leave everything out: its address is then that of
/// the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct RegisterRequest {
    /// The worker's address; must be that of the connection.
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
    /// Names one run of the agent's process; polls are ordered within it.
    pub session: String,
    /// Counts the polls of this session; an older one that arrives late is ignored.
    pub seq: u64,
    /// Jobs it could start now.
    pub slots_free: u32,
    /// Attempts that it holds and that have not ended.
    pub running: Vec<AttemptId>,
    /// Attempts that have ended and whose results come later, as their contents are under way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedAttempt>,
    /// Ended attempts whose results were not acknowledged yet.
    pub unsent: Vec<AttemptResult>,
    /// What it cleaned as c2d asked, until that is answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cleaned: Vec<CleanupReport>,
    /// How busy the machine is.
    pub load: Load,
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
    /// Results that c2d has, durably or as outdated; to be forgotten.
    pub ack: Vec<AttemptId>,
    /// Contents of reported results that c2d does not have: to be sent, and the result reported again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub want: Vec<BlobId>,
    /// Other requests to the agent.
    pub directives: Vec<Directive>,
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
            let (reason, _) = describe_json_error(&unknown.to_string());
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

/// Other requests to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Directive {
    /// c2d does not know this worker (any more): register again.
    Register,
    /// Remove the workspaces of ended jobs and report it with the next poll.
    Cleanup {
        /// Names the request; to be repeated in the report. One that is known already is to be ignored.
        id: u64,
    },
    /// Somebody watches a job: say what it wrote.
    Read(OutputRead),
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How an attempt ended, with its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttemptResult {
    /// Which attempt.
    pub attempt: AttemptId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it started, in unix milliseconds of the worker's clock.
    #[serde(default)]
    pub started_ms: u64,
    /// When it ended.
    #[serde(default)]
    pub ended_ms: u64,
    /// Standard output: whole, or its head and tail.
    #[serde(default)]
    pub stdout: Output,
    /// Standard error.
    #[serde(default)]
    pub stderr: Output,
    /// In which order the two streams were written, as [`crate::order`] writes it down.
    #[serde(default, skip_serializing_if = "Bytes64::is_empty")]
    pub order: Bytes64,
    /// Processes that the job left behind and that were ended.
    #[serde(default)]
    pub swept: u32,
    /// Files that matched its `download` patterns; c2d has their blobs already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<JobFile>,
    /// What matched and is not among them, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// A list too long to stand here: the content of this blob is a [`Listing`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<BlobId>,
    /// Identifies the result with all of its contents, in whatever form it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<BlobId>,
}

/// The files that a job left, where they do not fit into its result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listing {
    /// As in [`AttemptResult`].
    pub files: Vec<JobFile>,
    /// As in [`AttemptResult`].
    pub problems: Vec<String>,
}

/// What was kept of an output stream: `head`, then `dropped` bytes that are gone, then `tail`; or a
/// blob in place of head and tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Output {
    /// The beginning; everything, when nothing was dropped.
    #[serde(skip_serializing_if = "Bytes64::is_empty")]
    pub head: Bytes64,
    /// Bytes that were not kept between head and tail.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// The end.
    #[serde(skip_serializing_if = "Bytes64::is_empty")]
    pub tail: Bytes64,
    /// Where head and tail are, when they are too long to stand here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<OutputBlob>,
    /// Why bytes were dropped that should have been kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What was kept of a long output stream: head and tail, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputBlob {
    /// Its content.
    pub sha256: BlobId,
    /// How many bytes it has.
    pub size: u64,
    /// Bytes before the place where others were dropped.
    pub dropped_at: u64,
}

/// The body of [`super::endpoint::DELIVER_RESULT`], for clients that deliver one result by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ResultRequest {
    /// Which attempt, as named in the assignment.
    pub attempt: Option<AttemptId>,
    /// The exit status; this or `outcome`.
    pub exit_code: Option<i32>,
    /// How it ended, where an exit status does not say it.
    pub outcome: Option<Outcome>,
    /// Standard output as text.
    pub stdout: String,
    /// Standard error as text.
    pub stderr: String,
}

/// What became of a delivered result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResultVerdict {
    /// It is the job's result now.
    Recorded,
    /// It was the job's result already.
    Duplicate,
}

/// The answer to a delivered result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResultResponse {
    /// What became of it.
    pub status: ResultVerdict,
}

impl AttemptResult {
    /// The result of an attempt of which nothing but the outcome is told.
    #[must_use]
    pub fn new(attempt: AttemptId, outcome: Outcome) -> Self {
        Self {
            attempt,
            outcome,
            started_ms: 0,
            ended_ms: 0,
            stdout: Output::default(),
            stderr: Output::default(),
            swept: 0,
            order: Bytes64::default(),
            files: Vec::new(),
            problems: Vec::new(),
            listing: None,
            digest: None,
        }
    }

    /// The contents that c2d must have before it can take the result.
    pub fn blobs(&self) -> impl Iterator<Item = BlobId> {
        let of = |output: &Output| output.blob.map(|blob| blob.sha256);
        [of(&self.stdout), of(&self.stderr), self.listing].into_iter().flatten()
    }
}

impl Output {
    /// Output of which nothing was dropped.
    #[must_use]
    pub fn whole(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: Bytes64(bytes.into()), ..Self::default() }
    }

    /// Of a stream that is longer than the `keep` bytes that are kept of it, those from its beginning.
    #[must_use]
    pub const fn head_bytes(keep: u64) -> u64 {
        let quarter = keep / 4;
        if quarter < OUTPUT_HEAD_BYTES { quarter } else { OUTPUT_HEAD_BYTES }
    }

    /// Output of which nothing is there.
    #[must_use]
    pub fn gone(bytes: u64, reason: impl Into<String>) -> Self {
        Self { dropped: bytes, reason: reason.into(), ..Self::default() }
    }

    /// Bytes that were kept.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.blob.map_or((self.head.0.len() + self.tail.0.len()) as u64, |blob| blob.size)
    }

    /// Bytes that the stream carried, kept or not.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.kept_bytes().saturating_add(self.dropped)
    }

    /// The bytes that were kept, without a word of those that were not.
    #[must_use]
    pub fn kept(&self) -> Vec<u8> {
        [self.head.0.as_slice(), &self.tail.0].concat()
    }

    /// Where the bytes that were not kept would stand; none if all were.
    #[must_use]
    pub fn dropped_at(&self) -> Option<u64> {
        (self.dropped > 0).then_some(self.blob.map_or(self.head.0.len() as u64, |blob| blob.dropped_at))
    }

    /// Reads at most `max` bytes from a position of the stream on.
    #[must_use]
    pub fn read(&self, from: u64, max: usize) -> Piece {
        Piece::of(&self.head.0, self.dropped, (&self.tail.0, &[]), from, max)
    }

    /// Adds a piece that lies at the end of the stream, or beyond a gap.
    pub fn append(&mut self, piece: &Piece) {
        let gap = piece.offset.saturating_sub(self.total_bytes());
        if gap > 0 {
            // What lay between two gaps is no tail any more.
            self.dropped += gap + self.tail.0.len() as u64;
            self.tail.0.clear();
        }
        let end = if self.dropped == 0 { &mut self.head.0 } else { &mut self.tail.0 };
        end.extend_from_slice(&piece.data.0);
    }

    /// The bytes for showing, with a line in place of what was dropped.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut bytes = self.head.0.clone();
        if self.dropped > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes dropped]\n", self.dropped).as_bytes());
        }
        bytes.extend_from_slice(&self.tail.0);
        bytes
    }
}
