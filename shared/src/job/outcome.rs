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
    /// It was ended because it used more memory than there was for it.
    Oom {
        /// What it may use, in bytes; 0 if it met no limit of its own and the machine's memory was used up.
        limit_bytes: u64,
        /// The most that it used, in bytes.
        peak_bytes: u64,
    },
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
            limit_bytes: Option<u64>,
            peak_bytes: Option<u64>,
        }
        let said = Fields::deserialize(deserializer)?;
        let missing = D::Error::missing_field;
        Ok(match said.kind.as_str() {
            "exit" => Self::Exit { code: said.code.ok_or_else(|| missing("code"))? },
            "signal" => Self::Signal { signal: said.signal.ok_or_else(|| missing("signal"))? },
            "timeout" => Self::Timeout,
            "oom" => Self::Oom {
                limit_bytes: said.limit_bytes.unwrap_or_default(),
                peak_bytes: said.peak_bytes.unwrap_or_default(),
            },
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
    /// Whether the command ran and came to an end, if only at a limit of its own.
    #[must_use]
    pub const fn ran_to_an_end(&self) -> bool {
        matches!(self, Self::Exit { .. } | Self::Signal { .. } | Self::Timeout | Self::Oom { .. })
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
            | Self::Oom { .. }
            | Self::Dependency { .. }
            | Self::Lost
            | Self::CrashLimit
            | Self::Setup { .. }
            | Self::Expired
            | Self::Unknown => JobState::Failed,
        }
    }

    /// The exit status with which a waiting command ends: the job's own, 128+N for a signal, 124
    /// timed out, 137 out of memory, 125 for what never came to an exit.
    #[must_use]
    pub const fn exit_status(&self) -> i32 {
        match self {
            Self::Exit { code } => *code,
            Self::Signal { signal } => 128 + *signal,
            Self::Timeout => 124,
            Self::Oom { .. } => OOM_STATUS,
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
            Self::Oom { limit_bytes: 0, peak_bytes } => {
                let (used, unit) = in_unit(*peak_bytes, *peak_bytes);
                write!(f, "the machine was out of memory, used {used} {unit}")
            }
            Self::Oom { limit_bytes, peak_bytes } => {
                let ((used, _), (limit, unit)) =
                    (in_unit(*peak_bytes, *limit_bytes), in_unit(*limit_bytes, *limit_bytes));
                write!(f, "out of memory, used {used} of {limit} {unit}")
            }
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

/// As a shell ends whose command was killed: that is what the kernel does to it.
const OOM_STATUS: i32 = 137;

/// Bytes in the unit that suits `like`, to a tenth.
fn in_unit(bytes: u64, like: u64) -> (String, &'static str) {
    let (shift, unit) = match like {
        0x4000_0000.. => (30, "GB"),
        0x10_0000.. => (20, "MB"),
        _ => (10, "KB"),
    };
    let tenths = (u128::from(bytes) * 10 + (1 << (shift - 1))) >> shift;
    let (whole, part) = (tenths / 10, tenths % 10);
    (if part == 0 { whole.to_string() } else { format!("{whole}.{part}") }, unit)
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
            Outcome::Oom { limit_bytes: 8, peak_bytes: 9 },
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
        assert_eq!(read(r#"{"kind":"melted","peak_bytes":7}"#).unwrap(), Outcome::Unknown);
        let bare = Outcome::Oom { limit_bytes: 0, peak_bytes: 0 };
        assert_eq!(read(r#"{"kind":"oom"}"#).unwrap(), bare, "how it ended counts more than by how much");
        assert_eq!(read(r#"{"code":3,"kind":"exit","more":[{}]}"#).unwrap(), Outcome::Exit { code: 3 });
        assert!(read(r#"{"kind":"exit"}"#).is_err() && read(r#"{"code":3}"#).is_err());
    }

    #[test]
    fn what_was_used_is_told_in_the_unit_of_the_limit() {
        let table = [
            (8 << 30, 87 << 27, "out of memory, used 10.9 of 8 GB"),
            (8 << 30, (8 << 30) + (100 << 20), "out of memory, used 8.1 of 8 GB"),
            (3 << 29, 3 << 29, "out of memory, used 1.5 of 1.5 GB"),
            (64 << 20, 66_000_000, "out of memory, used 62.9 of 64 MB"),
            (0, 3 << 30, "the machine was out of memory, used 3 GB"),
            (0, 0, "the machine was out of memory, used 0 KB"),
            (u64::MAX, u64::MAX, "out of memory, used 17179869184 of 17179869184 GB"),
        ];
        for (limit_bytes, peak_bytes, words) in table {
            let outcome = Outcome::Oom { limit_bytes, peak_bytes };
            assert_eq!((outcome.to_string().as_str(), outcome.exit_status()), (words, 137));
        }
    }
}
