//! The ways in which an attempt ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::JobState;
use crate::id::JobId;

/// How an attempt, and with it a job, ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The shell exited by itself.
    Exit {
        /// Its exit status.
        code: i32,
    },
    /// The shell was ended by a signal that C2 did not send.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It ran longer than its `timeout_s`.
    Timeout,
    /// An operator cancelled it.
    Cancelled,
    /// A job that it depends on ended otherwise than asked.
    Dependency {
        /// The job at the root of the failures.
        root: JobId,
    },
    /// Its worker was lost and `on_lost` is `fail`, or the worker no longer knows it.
    Lost,
    /// It lost [`crate::limits::CRASH_LIMIT`] workers.
    CrashLimit,
    /// The agent could not start it.
    Setup {
        /// What went wrong.
        reason: String,
    },
}

impl Outcome {
    /// Whether the command ran and came to an end, if only at its time limit.
    #[must_use]
    pub const fn ran_to_an_end(&self) -> bool {
        matches!(self, Self::Exit { .. } | Self::Signal { .. } | Self::Timeout)
    }

    /// The final state of a job that ended like this.
    #[must_use]
    pub const fn state(&self) -> JobState {
        match self {
            Self::Exit { code: 0 } => JobState::Succeeded,
            Self::Cancelled => JobState::Cancelled,
            Self::Exit { .. }
            | Self::Signal { .. }
            | Self::Timeout
            | Self::Dependency { .. }
            | Self::Lost
            | Self::CrashLimit
            | Self::Setup { .. } => JobState::Failed,
        }
    }

    /// The exit status with which a waiting command ends: the job's own, 128+N for a signal, 124
    /// timed out, 125 for what never came to an exit.
    #[must_use]
    pub const fn exit_status(&self) -> i32 {
        match self {
            Self::Exit { code } => *code,
            Self::Signal { signal } => 128 + *signal,
            Self::Timeout => 124,
            Self::Cancelled | Self::Dependency { .. } | Self::Lost | Self::CrashLimit | Self::Setup { .. } => 125,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit { code } => write!(f, "exit {code}"),
            Self::Signal { signal } => write!(f, "signal {signal}"),
            Self::Timeout => f.write_str("timed out"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Dependency { root } => write!(f, "dependency {root} did not end as asked"),
            Self::Lost => f.write_str("worker lost"),
            Self::CrashLimit => f.write_str("lost too many workers"),
            Self::Setup { reason } => write!(f, "could not start: {reason}"),
        }
    }
}
