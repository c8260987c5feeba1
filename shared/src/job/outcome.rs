//! The ways in which an attempt ends.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::JobState;
use crate::id::JobId;

/// How an attempt, and with it a job, ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
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
    /// It had not started when its `expires_s` were over.
    Expired,
    /// In a way that this version does not know.
    Unknown,
}

/// Field by field: what is derived for it would keep all that it does not know, however much that is.
impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            kind: String,
            code: Option<i32>,
            signal: Option<i32>,
            root: Option<JobId>,
            reason: Option<String>,
        }
        let said = Fields::deserialize(deserializer)?;
        let missing = D::Error::missing_field;
        Ok(match said.kind.as_str() {
            "exit" => Self::Exit { code: said.code.ok_or_else(|| missing("code"))? },
            "signal" => Self::Signal { signal: said.signal.ok_or_else(|| missing("signal"))? },
            "timeout" => Self::Timeout,
            "cancelled" => Self::Cancelled,
            "dependency" => Self::Dependency { root: said.root.ok_or_else(|| missing("root"))? },
            "lost" => Self::Lost,
            "crash_limit" => Self::CrashLimit,
            "expired" => Self::Expired,
            "setup" => Self::Setup { reason: said.reason.ok_or_else(|| missing("reason"))? },
            _ => Self::Unknown,
        })
    }
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
            | Self::Setup { .. }
            | Self::Expired
            | Self::Unknown => JobState::Failed,
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
            Self::Cancelled
            | Self::Dependency { .. }
            | Self::Lost
            | Self::CrashLimit
            | Self::Setup { .. }
            | Self::Expired
            | Self::Unknown => 125,
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
            Self::Expired => f.write_str("expired before it could start"),
            Self::Unknown => f.write_str("ended in a way that this version does not know"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip_and_those_of_tomorrow_are_unknown() {
        let known = [
            Outcome::Exit { code: -1 },
            Outcome::Signal { signal: 9 },
            Outcome::Timeout,
            Outcome::Cancelled,
            Outcome::Dependency { root: JobId(7) },
            Outcome::Lost,
            Outcome::CrashLimit,
            Outcome::Setup { reason: "no space".to_owned() },
            Outcome::Expired,
            Outcome::Unknown,
        ];
        for outcome in known {
            let text = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome, "{text}");
        }
        let read = |text| serde_json::from_str::<Outcome>(text);
        assert_eq!(read(r#"{"kind":"oom","peak_bytes":7}"#).unwrap(), Outcome::Unknown);
        assert_eq!(read(r#"{"code":3,"kind":"exit","more":[{}]}"#).unwrap(), Outcome::Exit { code: 3 });
        assert!(read(r#"{"kind":"exit"}"#).is_err() && read(r#"{"code":3}"#).is_err());
    }
}
