//! What a worker is: the machine as it describes itself and its load at this moment.
//!
//! All of it is said by the worker and therefore data, never trusted text: the code that shows it
//! sanitizes it first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::AttemptId;
use crate::json;
use crate::limits::{ATTEMPTS_LEN_MAX, DISKS_LEN_MAX, GPU_PROCESSES_LEN_MAX, GPUS_LEN_MAX, SHARES_LEN_MAX};

/// Neighbours that are named at once.
const NEIGHBOURS_LEN_MAX: usize = 8;

/// What a machine consists of; told at registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Hardware {
    /// Operating system and its version.
    pub os: String,
    /// Processor architecture, as in `x86_64`.
    pub arch: String,
    /// The processor's model name.
    pub cpu_model: String,
    /// Logical processors.
    pub cpu_cores: u32,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Mounted disks.
    #[serde(deserialize_with = "json::at_most::<DISKS_LEN_MAX, _, _>")]
    pub disks: Vec<Disk>,
    /// Graphics processors.
    #[serde(deserialize_with = "json::at_most::<GPUS_LEN_MAX, _, _>")]
    pub gpus: Vec<Gpu>,
    /// Days after the end of a job for which its folder stays; none if the agent does not say, 0 for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_days: Option<u64>,
    /// The scheduler of other machines to which the agent hands its jobs: `slurm`. None where it runs them itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Whether the agent, and so each job, runs as root.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub runs_as_root: bool,
}

/// A mounted disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// Its size in bytes.
    pub total_bytes: u64,
    /// Its free space in bytes.
    pub free_bytes: u64,
}

/// A graphics processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Gpu {
    /// The driver's index, the N of `gpu:N`.
    pub index: u32,
    /// Model name.
    pub name: String,
    /// The driver's stable identifier.
    pub uuid: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
}

/// How busy a machine is; told with each contact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Load {
    /// Processor use over all cores, 0 to 100.
    pub cpu_percent: f32,
    /// Memory in use, in bytes.
    pub memory_used_bytes: u64,
    /// All memory, in bytes.
    pub memory_total_bytes: u64,
    /// Load average of the last minute.
    pub load_1m: f32,
    /// Use of each graphics processor, 0 to 100, in the order of their indices.
    #[serde(deserialize_with = "json::at_most::<GPUS_LEN_MAX, _, _>")]
    pub gpu_percent: Vec<f32>,
    /// The memory of each of them, in the same order; empty if the agent did not say.
    #[serde(deserialize_with = "json::at_most::<GPUS_LEN_MAX, _, _>", skip_serializing_if = "Vec::is_empty")]
    pub gpu_memory: Vec<GpuMemory>,
    /// Processes that use graphics processors and belong to no job of this agent, as far as the driver tells.
    #[serde(deserialize_with = "json::at_most::<GPU_PROCESSES_LEN_MAX, _, _>", skip_serializing_if = "Vec::is_empty")]
    pub gpu_processes: Vec<GpuProcess>,
    /// Free space where jobs run, in bytes; none if the agent did not say.
    pub disk_free_bytes: Option<u64>,
    /// There is so little of it that the agent takes nothing new.
    pub disk_full: bool,
    /// The shared folders that are there now, by name.
    #[serde(deserialize_with = "json::at_most::<SHARES_LEN_MAX, _, _>", skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<String>,
    /// To whom or what it yields at this moment: nothing new starts there, and what runs stands still.
    #[serde(deserialize_with = "json::at_most::<NEIGHBOURS_LEN_MAX, _, _>", skip_serializing_if = "Vec::is_empty")]
    pub yields_to: Vec<Neighbour>,
    /// What its scheduler of other machines says of attempts that did not begin there yet.
    #[serde(deserialize_with = "json::at_most::<ATTEMPTS_LEN_MAX, _, _>", skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
}

/// An attempt that waits for another scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Elsewhere {
    /// The attempt.
    pub attempt: AttemptId,
    /// Why it waits, in the words of that scheduler, or why nothing is heard of it.
    pub reason: String,
    /// The scheduler does not answer, so the attempt may run by now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unanswered: bool,
}

/// The memory of a graphics processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct GpuMemory {
    /// What is in use, in bytes.
    pub used_bytes: u64,
    /// All of it, in bytes.
    pub total_bytes: u64,
}

/// A process that uses a graphics processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct GpuProcess {
    /// The driver's index of the card.
    pub gpu: u32,
    /// Its process id.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
    /// What it uses of the card's memory, in bytes.
    pub memory_bytes: u64,
}

/// To whom or what an agent may yield its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// A person who uses the machine.
    User,
    /// A process that uses a graphics processor and belongs to no job.
    Gpu,
    /// The battery, which feeds the machine.
    Battery,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Neighbour {
    /// Those that an agent knows.
    pub const ALL: [Self; 3] = [Self::User, Self::Gpu, Self::Battery];

    /// The word for it in flags and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Gpu => "gpu",
            Self::Battery => "battery",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for Neighbour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = Self::ALL.map(Self::word);
        let known = Self::ALL.into_iter().find(|neighbour| neighbour.word() == text);
        known.ok_or_else(|| format!("{text:?} is not one of {}", words.join(", ")))
    }
}

/// As in "yields to a person who uses it".
impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "a person who uses it",
            Self::Gpu => "a foreign process on its GPU",
            Self::Battery => "its battery",
            Self::Unknown => "what this version does not know",
        })
    }
}

/// To what a worker yields, in words.
#[must_use]
pub fn yields_to(neighbours: &[Neighbour]) -> String {
    let words: Vec<String> = neighbours.iter().map(ToString::to_string).collect();
    format!("yields to {}", words.join(" and "))
}

/// Whether a worker can be given work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkerStatus {
    /// It was heard within 15 s.
    Online,
    /// It is online and finishes what it has, but gets nothing new.
    Draining,
    /// It was silent for 15 s or longer.
    Offline,
    /// Its machine sleeps, as its agent said before. It is woken for a job that no other worker could run.
    Asleep,
    /// It was sent the packet that wakes it, and was not heard yet.
    Waking,
    /// It is online, and gets nothing, or one job at a time, until it has shown that it can start jobs.
    Quarantined,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

impl WorkerStatus {
    /// Whether it was heard lately and can be reached.
    #[must_use]
    pub const fn is_reachable(self) -> bool {
        matches!(self, Self::Online | Self::Draining | Self::Quarantined | Self::Unknown)
    }
}

impl fmt::Display for WorkerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Online => "online",
            Self::Draining => "draining",
            Self::Offline => "offline",
            Self::Quarantined => "quarantined",
            Self::Asleep => "asleep",
            Self::Waking => "waking",
            Self::Unknown => "unknown",
        })
    }
}
