//! What happens to workers and to the jobs they hold, in words for the log of c2d.
//!
//! None of it is state: it is noted when it happens, and written once the turn is durable.

use std::fmt;
use std::net::IpAddr;

use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::time::span;

/// Something that an operator may want to know of later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A worker was not heard for so long that it gets nothing new.
    Offline { worker: IpAddr, hostname: String, silent_ms: u64, held: Vec<AttemptId> },
    /// A worker that was offline is heard again.
    Back { worker: IpAddr, hostname: String, silent_ms: u64 },
    /// An attempt is over without a result; how its job ended, if that ended it.
    Lost { attempt: AttemptId, worker: IpAddr, ended: Option<Outcome> },
    /// A worker could not start what it was given.
    Faulty { worker: IpAddr, attempt: AttemptId, reason: String, pause_ms: u64 },
    /// An operator removed a worker.
    Removed { worker: IpAddr },
    /// Another agent took the place of one at an address; it begins with nothing.
    Replaced { worker: IpAddr, hostname: String, before: String, id: String },
    /// A worker delivered a result that is not its to decide, or not any more.
    Unwanted { worker: IpAddr, attempt: AttemptId },
}

impl Note {
    /// Whether something is wrong.
    pub const fn is_warning(&self) -> bool {
        !matches!(self, Self::Back { .. } | Self::Removed { .. })
    }

    /// Whether it belongs into the audit log.
    pub const fn is_audited(&self) -> bool {
        matches!(self, Self::Replaced { .. } | Self::Unwanted { .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline { worker, hostname, silent_ms, held } => {
                write!(f, "worker {worker} ({hostname}) is offline: silent for {}", span(*silent_ms))?;
                match held.as_slice() {
                    [] => Ok(()),
                    held => {
                        let held: Vec<String> = held.iter().map(ToString::to_string).collect();
                        write!(f, "; it holds {}", held.join(", "))
                    }
                }
            }
            Self::Back { worker, hostname, silent_ms } => {
                write!(f, "worker {worker} ({hostname}) is back after {}", span(*silent_ms))
            }
            Self::Lost { attempt, worker, ended: None } => {
                write!(f, "{attempt} was lost on {worker}; its job is queued again")
            }
            Self::Lost { attempt, worker, ended: Some(outcome) } => {
                write!(f, "{attempt} was lost on {worker}; its job ended: {outcome}")
            }
            Self::Faulty { worker, attempt, reason, pause_ms: 0 } => {
                write!(f, "worker {worker} could not start {attempt}: {reason}; the job is queued again")
            }
            Self::Faulty { worker, attempt, reason, pause_ms } => write!(
                f,
                "worker {worker} could not start {attempt}: {reason}; the job is queued again, the worker gets nothing for {}",
                span(*pause_ms)
            ),
            Self::Removed { worker } => write!(f, "worker {worker} was removed"),
            Self::Replaced { worker, hostname, before, id } => {
                write!(f, "another agent is worker {worker} ({hostname}) now: {id} in place of {before}")
            }
            Self::Unwanted { worker, attempt } => {
                write!(f, "{worker} delivered a result for {attempt}, which is not its to decide (any more)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::id::JobId;

    use super::*;

    #[test]
    fn notes_are_sentences() {
        let (worker, attempt) = (IpAddr::from([10, 0, 0, 11]), AttemptId { job: JobId(3), number: 2 });
        let hostname = || "vm1".to_owned();
        let table = [
            (
                Note::Offline { worker, hostname: hostname(), silent_ms: 15_000, held: vec![attempt] },
                "worker 10.0.0.11 (vm1) is offline: silent for 15s; it holds job-3.2",
            ),
            (
                Note::Back { worker, hostname: hostname(), silent_ms: 75_000 },
                "worker 10.0.0.11 (vm1) is back after 1m15s",
            ),
            (
                Note::Lost { attempt, worker, ended: Some(Outcome::CrashLimit) },
                "job-3.2 was lost on 10.0.0.11; its job ended: lost too many workers",
            ),
        ];
        for (note, expected) in table {
            assert_eq!(note.to_string(), expected);
        }
    }
}
