//! Workers, as operators see them and deal with them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{AttemptId, JobId, WorkerId};
use crate::job::Needs;
use crate::resources::{Amount, Amounts, Capacity};
use crate::wake::Mac;
use crate::worker::{Hardware, Load, WorkerStatus};

/// A worker as a row of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerRow {
    /// Its address: where it was last heard.
    pub ip: IpAddr,
    /// Its id, which it keeps wherever it is.
    pub worker_id: WorkerId,
    /// Its host name.
    pub hostname: String,
    /// Whether it gets work.
    pub status: WorkerStatus,
    /// The groups that it belongs to.
    pub groups: BTreeSet<String>,
    /// Jobs that it can run at once.
    pub slots: u32,
    /// Jobs that it holds now.
    pub slots_used: u32,
    /// What it has beside its slots. An older c2d does not say.
    #[serde(default)]
    pub capacity: Capacity,
    /// What of that jobs hold now.
    #[serde(default)]
    pub taken: Needs,
    /// Its tags, each with the attempt that holds it.
    pub tags: BTreeMap<String, Option<AttemptId>>,
    /// Milliseconds since it was last heard when this was written; none if never since c2d started.
    pub silent_ms: Option<u64>,
    /// What is wrong with it: why it could not start the last job that it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Five commands or more failed there at once, one after the other, of which at least three succeeded elsewhere.
    /// It gets work all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// From where another machine uses its identity, with a copy of its state folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_at: Option<IpAddr>,
    /// Another worker has its address by now, and it was not heard since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed_on: bool,
    /// It was silent for so long that what it ran is not waited for, unless the job asks for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past_lease: bool,
    /// The hardware address by which its machine is woken, if its agent said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// How often in a row its machine was woken and then not heard.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wakes_failed: u32,
    /// How busy it said it was.
    pub load: Load,
    /// Its agent's version.
    pub version: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A worker in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerInfo {
    /// The row.
    #[serde(flatten)]
    pub row: WorkerRow,
    /// What it consists of.
    pub hardware: Hardware,
    /// The jobs that it holds.
    pub running: Vec<JobId>,
    /// The attempts at them. An older c2d does not say.
    #[serde(default)]
    pub attempts: Vec<AttemptId>,
    /// What operators set of its resources, over what it said itself.
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub set_resources: Amounts,
    /// The kernel's boot id.
    pub boot_id: String,
}

/// The body of [`super::endpoint::ASSIGN`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupsRequest {
    /// Groups to join; those that it is in already stay.
    pub groups: BTreeSet<String>,
}

/// The body of [`super::endpoint::SET_TAGS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TagsRequest {
    /// All tags that the worker is to offer from now on, in place of those that it offered.
    pub tags: BTreeSet<String>,
}

/// The body of [`super::endpoint::SET_RESOURCES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResourcesRequest {
    /// What the worker has: `slots`, `cpus`, `memory`, `gpus`, `vram` of each of them, or a name of your own.
    /// With null it is again what the worker says itself; what is not named stays as it is.
    pub resources: BTreeMap<String, Option<Amount>>,
}

/// The answer of [`super::endpoint::SET_RESOURCES`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResourcesResponse {
    /// The worker as it is now.
    #[serde(flatten)]
    pub worker: WorkerRow,
    /// What was set and has no effect, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A worker's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TagStatus {
    /// The address of the worker.
    pub ip: IpAddr,
    /// Its id.
    pub worker_id: WorkerId,
    /// Its tags, each with the attempt that holds it.
    pub tags: BTreeMap<String, Option<AttemptId>>,
}

/// Query of [`super::endpoint::DETECT_TAGS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DetectQuery {
    /// Add the suggested tags to those that the worker offers.
    pub apply: bool,
}

/// The answer of [`super::endpoint::DETECT_TAGS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DetectResponse {
    /// The address of the worker.
    pub ip: IpAddr,
    /// Its id.
    pub worker_id: WorkerId,
    /// What it said of its hardware.
    pub hardware: Hardware,
    /// Tags that fit it.
    pub suggestions: Vec<TagSuggestion>,
    /// Whether they were added to its tags.
    pub applied: bool,
}

/// A tag that fits a worker's hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TagSuggestion {
    /// The tag.
    pub tag: String,
    /// What it stands for on this machine.
    pub reason: String,
    /// Whether the worker offers it already.
    pub offered: bool,
}

/// The answer of [`super::endpoint::FIND_WORKERS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TargetWorkers {
    /// The target as it was given.
    pub target: String,
    /// The workers that it means, in the order of their addresses, offline ones too.
    pub workers: Vec<TargetWorker>,
}

/// A worker that a target means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TargetWorker {
    /// Its address.
    pub ip: IpAddr,
    /// Its id.
    pub worker_id: WorkerId,
    /// Its host name.
    pub hostname: String,
    /// Whether it gets work.
    pub status: WorkerStatus,
}

/// The answer of [`super::endpoint::REMOVE_WORKER`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemoveResponse {
    /// The address of the worker that is forgotten.
    pub ip: IpAddr,
    /// Its id.
    pub worker_id: WorkerId,
    /// Attempts that were given up with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<AttemptId>,
}

/// Query of [`super::endpoint::REMOVE_WORKER`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RemoveQuery {
    /// It is lost with all that it had: its jobs run elsewhere or end, as each asked, and what it still
    /// delivers is void. Only a worker past its lease can be lost.
    pub lost: bool,
}

/// A query string that must be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

/// The answer of [`super::endpoint::LIST_WORKERS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorkerList {
    /// All workers in the order of their addresses.
    pub workers: Vec<WorkerRow>,
}
