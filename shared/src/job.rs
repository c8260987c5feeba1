//! What a job is: the specification that people submit, the state it is in, the way it ended.
//!
//! The rules that a specification must keep stand in [`crate::validate`]; what depends on other
//! jobs or on workers is judged by the scheduler.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::id::JobId;
use crate::limits::INLINE_SPEC_BYTES_MAX;

pub use contents::Needed;
pub use dependency::{Condition, Dependency, DependsOn};
pub use needs::Needs;
pub use outcome::Outcome;
pub use standing::Standing;
pub(crate) use with_texts::with_texts;

/// What somebody asks to be run, with the names of the console's flags. Only `command` is required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// Shell text, run by `/bin/sh` in the job's workspace.
    pub command: String,
    /// A name for people, also usable in `depends` inside a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only workers of this group may run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Locks to hold on the worker while it runs: `gpu:0` that one, `gpu` any free `gpu:*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Jobs that must have ended first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends: Vec<Dependency>,
    /// Run on the worker that ran the dependencies.
    #[serde(skip_serializing_if = "is_default")]
    pub same_machine: bool,
    /// Standard input; without it the job reads `/dev/null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Bytes64>,
    /// In place of `stdin`: the hash of a blob that was uploaded before, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin_sha256: Option<BlobId>,
    /// Files to place in the workspace before the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upload: Vec<Upload>,
    /// Globs of files to fetch from the workspace after the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub download: Vec<String>,
    /// Environment variables of the job.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Seconds of run time after which the job is ended as `timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
    /// How often to try again after a failure of the job itself.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: u32,
    /// Seconds of rest before the first retry, 1 without it; twice as long before each that follows, up
    /// to a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay_s: Option<u64>,
    /// Higher runs first; among equals the order of submission counts.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i32,
    /// Wait until an operator releases the job.
    #[serde(skip_serializing_if = "is_default")]
    pub hold: bool,
    /// Not before this time, in unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin_at: Option<u64>,
    /// What happens when the worker is lost while the job runs.
    #[serde(skip_serializing_if = "is_default")]
    pub on_lost: OnLost,
    /// Workers (address or name) that must not run it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Permissions that files of the job do not get, in octal like `022`; `077` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub umask: Option<String>,
    /// Workers (address, name or id) of which one must run it; any without it. One that is unknown or away is
    /// waited for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
    /// If it has not started so many seconds after its submit, or after `begin_at`, it ends as `expired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// The folder on the worker in which it runs, in place of its own: a full path, or `~/..`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The shell that reads the command, by name or full path; `/bin/sh` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Dependencies whose files it finds in its folder: those that they left for whoever submitted them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_files_of: Vec<String>,
    /// Folders that its worker must have, by the names in that agent's configuration; where they are is said in
    /// `C2_SHARE_NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<String>,
    /// Notifications that are told of its end, whatever else they tell of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// The batch that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Its number in an array: `$C2_ARRAY_INDEX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_index: Option<u64>,
    /// Processors that it takes of its worker.
    #[serde(skip_serializing_if = "is_default")]
    pub cpus: u32,
    /// Main memory that it takes, in bytes: its limit, too, where its worker can keep limits.
    #[serde(skip_serializing_if = "is_default")]
    pub memory_bytes: u64,
    /// Graphics processors that it has to itself; tags `gpu:N` that it asks for count as such.
    #[serde(skip_serializing_if = "is_default")]
    pub gpus: u32,
    /// Memory of each of them, in bytes; without any it shares one with others that say this.
    #[serde(skip_serializing_if = "is_default")]
    pub vram_bytes: u64,
    /// What operators count on workers, and how much of it the job takes, like `{"license": 1}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, u64>,
    /// A key of the caller's choice: the same key within a day answers with the same job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// What a job asks for beside its command: the part of a specification that the scheduler decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// On which workers it may run. Shared, because most jobs ask for the same.
    #[serde(skip_serializing_if = "is_default")]
    pub placement: Arc<Placement>,
    /// On the worker of its dependencies.
    #[serde(skip_serializing_if = "is_default")]
    pub same_machine: bool,
    /// Higher first.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i32,
    /// Failures to forgive.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: u32,
    /// Seconds of rest before the first retry.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_delay_s: Option<u64>,
    /// Waits for a release at first.
    #[serde(skip_serializing_if = "is_default")]
    pub hold: bool,
    /// Not before, in unix milliseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub begin_at: Option<u64>,
    /// If it has not started so many seconds after its submit or its begin, it ends.
    #[serde(skip_serializing_if = "is_default")]
    pub expires_s: Option<u64>,
    /// What to do when its worker is lost.
    #[serde(skip_serializing_if = "is_default")]
    pub on_lost: OnLost,
    /// It leaves files for whoever submitted it.
    #[serde(skip_serializing_if = "is_default")]
    pub leaves_files: bool,
    /// Its place among the jobs of its priority, where that is not its number: an operator moved it, or others.
    #[serde(skip_serializing_if = "is_default")]
    pub place: Option<i64>,
    /// Its time limit, if that was changed while it ran; 0 for none.
    #[serde(skip_serializing_if = "is_default")]
    pub new_limit_s: Option<u64>,
    /// The schedule that submitted it.
    #[serde(skip_serializing_if = "is_default")]
    pub schedule: Option<Arc<str>>,
    /// Notifications that are told of its end.
    #[serde(skip_serializing_if = "is_default")]
    pub notify: Vec<String>,
    /// The batch that it belongs to.
    #[serde(skip_serializing_if = "is_default")]
    pub batch: Option<Arc<str>>,
    /// The ended job that it is once more.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_of: Option<JobId>,
}

/// The terms by which one worker suits a job and another does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// Only workers of this group.
    #[serde(skip_serializing_if = "is_default")]
    pub group: Option<String>,
    /// Locks to hold.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// Workers, by address or name, that must not run it.
    #[serde(skip_serializing_if = "is_default")]
    pub exclude: Vec<String>,
    /// Workers of which one must run it; any, if none is named.
    #[serde(skip_serializing_if = "is_default")]
    pub workers: Vec<String>,
    /// Folders that its worker must have.
    #[serde(skip_serializing_if = "is_default")]
    pub shares: Vec<String>,
    /// What it takes there beside a slot.
    #[serde(skip_serializing_if = "is_default")]
    pub takes: Needs,
}

/// A file placed in the workspace: exactly one of `content` and `sha256` says what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Upload {
    /// Where, relative to the workspace.
    pub path: String,
    /// The content itself, for small files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Bytes64>,
    /// The hash of a blob that was uploaded before, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<BlobId>,
    /// Permission bits, `0o600` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

/// What happens to a job whose worker is lost while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnLost {
    /// It goes back to the queue: at least once.
    #[default]
    Requeue,
    /// It fails: at most once.
    Fail,
    /// It waits until the worker comes back.
    Wait,
}

/// Where a job stands. The first four are alive, the last three final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for dependencies, or for its begin time.
    Blocked,
    /// Waits for an operator's `release`.
    Held,
    /// Waits for a worker.
    Queued,
    /// Was given to a worker.
    Running,
    /// Ended with exit status 0.
    Succeeded,
    /// Ended in any other way but a cancel.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl From<JobSpec> for Terms {
    fn from(spec: JobSpec) -> Self {
        Self {
            placement: Arc::new(Placement {
                takes: spec.takes(),
                group: spec.group,
                tags: spec.tags,
                exclude: spec.exclude,
                workers: spec.workers,
                shares: spec.shares,
            }),
            same_machine: spec.same_machine,
            priority: spec.priority,
            retries: spec.retries,
            retry_delay_s: spec.retry_delay_s,
            hold: spec.hold,
            begin_at: spec.begin_at,
            expires_s: spec.expires_s,
            on_lost: spec.on_lost,
            leaves_files: !spec.download.is_empty(),
            place: None,
            new_limit_s: None,
            schedule: None,
            notify: spec.notify,
            batch: spec.batch.map(Arc::from),
            retry_of: None,
        }
    }
}

impl JobState {
    /// All states, in the order in which a job passes through them.
    pub const ALL: [Self; 7] =
        [Self::Blocked, Self::Held, Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether the job has ended; an ended job never changes again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The word for it on the wire and on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The command of a specification in JSON; none if that cannot be read.
#[must_use]
pub fn command_of(spec: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        command: String,
    }
    serde_json::from_str(spec).ok().map(|Named { command }| command)
}

/// Whether a specification in JSON names contents that a worker has to fetch. One whose command only looks like
/// that counts as one, too.
#[must_use]
pub fn names_contents(spec: &str) -> bool {
    spec.len() > INLINE_SPEC_BYTES_MAX || ["sha256\"", "with_files_of\""].iter().any(|field| spec.contains(field))
}

mod contents;
mod dependency;
pub(crate) mod needs;
mod outcome;
mod standing;
#[cfg(test)]
mod tests;
mod with_texts;
