//! Where a job stands, in the words that tables show and that filters take.

use serde::{Deserialize, Serialize};

use super::JobState;
use crate::api::jobs::JobRow;

/// A job's state, and of one that runs what is special about that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Waits for dependencies, or for its begin time.
    Blocked,
    /// Waits for an operator's `release`.
    Held,
    /// Waits for a worker.
    Queued,
    /// Was given to a worker.
    Running,
    /// Of those, on a worker that was not heard for 15 s.
    Unreachable,
    /// Of those, one whose processes are being ended.
    Cancelling,
    /// Of those, one whose processes stand still, as its worker yields.
    Frozen,
    /// Of those, one whose processes have ended and whose output is on its way.
    Delivering,
    /// Ended with exit status 0.
    Succeeded,
    /// Ended in any other way but a cancel.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl Standing {
    /// All, in the order in which a job passes through them.
    pub const ALL: [Self; 11] = [
        Self::Blocked,
        Self::Held,
        Self::Queued,
        Self::Running,
        Self::Unreachable,
        Self::Cancelling,
        Self::Frozen,
        Self::Delivering,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Where the job of a row stands.
    #[must_use]
    pub const fn of(row: &JobRow) -> Self {
        match row.state {
            JobState::Blocked => Self::Blocked,
            JobState::Held => Self::Held,
            JobState::Queued => Self::Queued,
            JobState::Running if row.cancelling => Self::Cancelling,
            JobState::Running if row.unreachable => Self::Unreachable,
            JobState::Running if row.delivering => Self::Delivering,
            JobState::Running if row.frozen => Self::Frozen,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }

    /// The state of jobs that stand there.
    #[must_use]
    pub const fn state(self) -> JobState {
        match self {
            Self::Blocked => JobState::Blocked,
            Self::Held => JobState::Held,
            Self::Queued => JobState::Queued,
            Self::Running | Self::Unreachable | Self::Cancelling | Self::Frozen | Self::Delivering => JobState::Running,
            Self::Succeeded => JobState::Succeeded,
            Self::Failed => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
        }
    }

    /// Whether the job of a row is meant by this; whatever runs is `running`.
    #[must_use]
    pub fn means(self, row: &JobRow) -> bool {
        match self {
            Self::Unreachable => row.state == JobState::Running && row.unreachable,
            Self::Cancelling => row.state == JobState::Running && row.cancelling,
            Self::Delivering => row.state == JobState::Running && row.delivering,
            Self::Frozen => row.state == JobState::Running && row.frozen,
            other => row.state == other.state(),
        }
    }

    /// The word for it on the wire and on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Cancelling => "cancelling",
            Self::Frozen => "frozen",
            Self::Delivering => "delivering",
            other => other.state().word(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_table_shows_is_what_a_filter_takes() {
        let row: JobRow =
            serde_json::from_str(r#"{"job_id": "job-1", "state": "running", "command": "x", "submitted_ms": 0}"#)
                .unwrap();
        for state in JobState::ALL {
            for bits in 0..16 {
                let (unreachable, cancelling, delivering) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                let frozen = bits & 8 > 0;
                let row = JobRow { state, unreachable, cancelling, delivering, frozen, ..row.clone() };
                let standing = Standing::of(&row);
                assert!(standing.means(&row) && standing.state() == state, "{row:?}");
                assert_eq!(serde_json::to_value(standing).unwrap(), standing.word());
            }
        }
    }
}
