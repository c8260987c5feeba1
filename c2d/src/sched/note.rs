//! What happens to workers and to the jobs they hold, in words for the log of c2d.
//!
//! None of it is state: it is noted when it happens, and written once the turn is durable.

use std::fmt;
use std::net::IpAddr;

use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::job::Outcome;
use c2_shared::limits::SCHEDULE_MISSED_MAX;
use c2_shared::time::span;
use c2_shared::wake::Mac;

/// A worker as it was when something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub id: WorkerId,
    pub ip: IpAddr,
    pub hostname: String,
}

/// Something that an operator may want to know of later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A worker was not heard for so long that it gets nothing new.
    Offline { worker: Who, silent_ms: u64, held: Vec<AttemptId> },
    /// The machine of a worker sleeps.
    Asleep { worker: Who },
    /// A machine that slept is heard again.
    Awake { worker: Who },
    /// A machine is woken.
    Wakes { worker: Who, mac: Mac, tries: u32 },
    /// A machine was woken so often and not heard.
    WakeFailed { worker: Who, tries: u32, rest_ms: u64 },
    /// A worker that was offline is heard again.
    Back { worker: Who, silent_ms: u64 },
    /// A worker was not heard for so long that its jobs are not waited for.
    LeaseOver { worker: Who, held: Vec<AttemptId> },
    /// A worker has another address than before.
    Moved { worker: Who, from: IpAddr },
    /// Another worker has the address of one that is silent.
    PassedOn { worker: Who, to: Who },
    /// The machine of a worker was restarted, so nothing of what it ran is left.
    Rebooted { worker: Who, held: Vec<AttemptId> },
    /// Another machine, or a copy of its folder, has the place of a worker that was not heard for so long
    /// that it counts as gone.
    Replaced { worker: Who, held: Vec<AttemptId> },
    /// Another machine uses the identity of a worker that is at work.
    Cloned { worker: Who, at: IpAddr },
    /// An attempt is over without a result; how its job ended, if that ended it.
    Lost { attempt: AttemptId, worker: String, ended: Option<Outcome> },
    /// A worker delivered a result of an attempt that it was never given.
    Foreign { worker: Who, attempt: AttemptId },
    /// A worker delivered a result that is not its to decide any more.
    Unwanted { worker: Who, attempt: AttemptId },
    /// The worker of an attempt was lost that had ended, with what that wrote.
    OutputLost { attempt: AttemptId, worker: String },
    /// A worker gave back what it could not start.
    Returned { worker: Who, attempt: AttemptId, reason: String },
    /// A worker cannot start jobs, so it gets none.
    Quarantined { worker: Who, reason: String },
    /// A worker that was in quarantine started a job.
    Mended { worker: Who },
    /// Commands fail at once on a worker that succeed on others.
    Suspect { worker: Who },
    /// Runs of a schedule were due while c2d was off or its clock wrong; so many of them are made up for.
    Missed { schedule: String, missed: u64, made_up: usize, ago_ms: u64 },
    /// A run of a schedule became no job.
    NoRun { schedule: String, reason: String },
    /// An operator removed a worker, and gave up what it had.
    Removed { worker: Who, lost: Vec<AttemptId> },
}

impl Note {
    /// Whether something is wrong.
    pub const fn is_warning(&self) -> bool {
        let fine = matches!(self, Self::Back { .. } | Self::Moved { .. } | Self::Removed { .. } | Self::Mended { .. });
        let fine = fine || matches!(self, Self::Asleep { .. } | Self::Awake { .. } | Self::Wakes { .. });
        !fine && !matches!(self, Self::NoRun { .. })
    }

    /// Whether it belongs into the audit log.
    pub const fn is_audited(&self) -> bool {
        matches!(
            self,
            Self::Moved { .. }
                | Self::PassedOn { .. }
                | Self::Replaced { .. }
                | Self::Cloned { .. }
                | Self::Foreign { .. }
                | Self::Unwanted { .. }
                | Self::Removed { .. }
        )
    }
}

impl Note {
    /// What happens to machines that sleep.
    fn of_sleep(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asleep { worker } => write!(f, "the machine of worker {worker} sleeps"),
            Self::Awake { worker } => write!(f, "the machine of worker {worker} is awake"),
            Self::Wakes { worker, mac, tries } => {
                write!(f, "waking the machine of worker {worker} at {mac}, try {tries}")
            }
            Self::WakeFailed { worker, tries, rest_ms } => write!(
                f,
                "the machine of worker {worker} was woken {tries} times and not heard; it is left alone for {}",
                span(*rest_ms)
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.ip, self.hostname)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline { worker, silent_ms, held } => {
                write!(f, "worker {worker} is offline: silent for {}{}", span(*silent_ms), it_holds(held))
            }
            Self::Asleep { .. } | Self::Awake { .. } | Self::Wakes { .. } | Self::WakeFailed { .. } => self.of_sleep(f),
            Self::Back { worker, silent_ms } => write!(f, "worker {worker} is back after {}", span(*silent_ms)),
            Self::LeaseOver { worker, held } => {
                write!(f, "worker {worker} is past its lease: its jobs are not waited for{}", it_holds(held))
            }
            Self::Moved { worker, from } => {
                write!(f, "worker {worker} has moved: it was at {from}; id {}", worker.id.short())
            }
            Self::PassedOn { worker, to } => write!(
                f,
                "the address of worker {worker}, id {}, has passed on to {}, id {}; it keeps all else",
                worker.id.short(),
                to.hostname,
                to.id.short()
            ),
            Self::Rebooted { worker, held } => {
                write!(f, "the machine of worker {worker} was restarted{}", over(held))
            }
            Self::Replaced { worker, held } => write!(
                f,
                "worker {worker}, id {}, speaks from another machine or folder, and the one before is past its lease{}",
                worker.id.short(),
                over(held)
            ),
            Self::Cloned { worker, at } => write!(
                f,
                "a machine at {at} uses the identity of worker {worker}, id {}; it gets nothing, until on it: \
                 c2-agent reset-identity",
                worker.id.short()
            ),
            Self::Lost { attempt, worker, ended: None } => {
                write!(f, "{attempt} was lost on {worker}; its job is queued again")
            }
            Self::Lost { attempt, worker, ended: Some(outcome) } => {
                write!(f, "{attempt} was lost on {worker}; its job ended: {outcome}")
            }
            Self::Foreign { worker, attempt } => {
                write!(f, "worker {worker} delivered a result of {attempt}, which it was never given; it is ignored")
            }
            Self::Unwanted { worker, attempt } => {
                write!(f, "{worker} delivered a result for {attempt}, which is not its to decide (any more)")
            }
            Self::OutputLost { attempt, worker } => {
                write!(f, "{attempt} had ended on {worker}, which was lost with its output")
            }
            Self::Returned { worker, attempt, reason } => {
                write!(f, "worker {worker} could not start {attempt}: {reason}; the job is queued again")
            }
            Self::Quarantined { worker, reason } => {
                write!(f, "worker {worker} is in quarantine, as it cannot start jobs: {reason}")
            }
            Self::Mended { worker } => write!(f, "worker {worker} starts jobs again and is out of quarantine"),
            Self::Suspect { worker } => write!(
                f,
                "worker {worker} is suspect: commands fail there at once, one after the other, that succeed elsewhere"
            ),
            Self::Missed { schedule, missed, made_up, ago_ms } => {
                write!(f, "schedule {schedule} missed {}", runs(*missed, *made_up, *ago_ms))
            }
            Self::NoRun { schedule, reason } => write!(f, "schedule {schedule} does not run: {reason}"),
            Self::Removed { worker, lost } if lost.is_empty() => write!(f, "worker {worker} was removed"),
            Self::Removed { worker, lost } => {
                write!(f, "worker {worker} was removed as lost, with {}", attempts(lost))
            }
        }
    }
}

fn runs(missed: u64, made_up: usize, ago_ms: u64) -> String {
    let (runs, make) = (if missed == 1 { "run" } else { "runs" }, if made_up <= 1 { "makes" } else { "make" });
    let missed = if missed < SCHEDULE_MISSED_MAX as u64 { missed.to_string() } else { format!("{missed} or more") };
    let made_up = if made_up == 0 { "none".to_owned() } else { made_up.to_string() };
    format!("{missed} {runs}, the last {} ago; {made_up} {make} up for them", span(ago_ms))
}

fn it_holds(held: &[AttemptId]) -> String {
    if held.is_empty() { String::new() } else { format!("; it holds {}", attempts(held)) }
}

fn over(held: &[AttemptId]) -> String {
    if held.is_empty() { String::new() } else { format!("; over with it: {}", attempts(held)) }
}

/// Attempts in a sentence.
pub(crate) fn attempts(list: &[AttemptId]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use c2_shared::id::JobId;

    use super::*;

    #[test]
    fn notes_are_sentences() {
        let attempt = AttemptId { job: JobId(3), number: 2 };
        let who = |last, hostname: &str| Who {
            id: format!("0123456789{hostname}").into(),
            ip: IpAddr::from([10, 0, 0, last]),
            hostname: hostname.to_owned(),
        };
        let vm1 = || who(11, "vm1");
        let table = [
            (
                Note::Offline { worker: vm1(), silent_ms: 15_000, held: vec![attempt] },
                "worker 10.0.0.11 (vm1) is offline: silent for 15s; it holds job-3.2",
            ),
            (
                Note::WakeFailed { worker: vm1(), tries: 3, rest_ms: 600_000 },
                "the machine of worker 10.0.0.11 (vm1) was woken 3 times and not heard; it is left alone for 10m00s",
            ),
            (
                Note::Wakes { worker: vm1(), mac: "52:54:00:12:34:56".parse().unwrap(), tries: 1 },
                "waking the machine of worker 10.0.0.11 (vm1) at 52:54:00:12:34:56, try 1",
            ),
            (Note::Back { worker: vm1(), silent_ms: 75_000 }, "worker 10.0.0.11 (vm1) is back after 1m15s"),
            (
                Note::Moved { worker: vm1(), from: IpAddr::from([10, 0, 0, 9]) },
                "worker 10.0.0.11 (vm1) has moved: it was at 10.0.0.9; id 01234567",
            ),
            (
                Note::PassedOn { worker: vm1(), to: who(11, "pi") },
                "the address of worker 10.0.0.11 (vm1), id 01234567, has passed on to pi, id 01234567; it keeps all else",
            ),
            (
                Note::Rebooted { worker: vm1(), held: vec![attempt] },
                "the machine of worker 10.0.0.11 (vm1) was restarted; over with it: job-3.2",
            ),
            (
                Note::Lost { attempt, worker: "10.0.0.11".into(), ended: Some(Outcome::CrashLimit) },
                "job-3.2 was lost on 10.0.0.11; its job ended: lost too many workers",
            ),
            (
                Note::Returned { worker: vm1(), attempt, reason: "no space".into() },
                "worker 10.0.0.11 (vm1) could not start job-3.2: no space; the job is queued again",
            ),
            (
                Note::Suspect { worker: vm1() },
                "worker 10.0.0.11 (vm1) is suspect: commands fail there at once, one after the other, that succeed elsewhere",
            ),
            (
                Note::Missed { schedule: "backup".into(), missed: 7, made_up: 1, ago_ms: 3_600_000 },
                "schedule backup missed 7 runs, the last 1h00m ago; 1 makes up for them",
            ),
            (
                Note::Missed { schedule: "backup".into(), missed: 2, made_up: 0, ago_ms: 60_000 },
                "schedule backup missed 2 runs, the last 1m00s ago; none makes up for them",
            ),
            (
                Note::Removed { worker: vm1(), lost: vec![attempt] },
                "worker 10.0.0.11 (vm1) was removed as lost, with job-3.2",
            ),
        ];
        for (note, expected) in table {
            assert_eq!(note.to_string(), expected);
        }
    }
}
