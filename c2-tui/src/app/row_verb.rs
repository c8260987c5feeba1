//! What one key does with rows: the marked ones, otherwise the selected one.

use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowVerb {
    Cancel,
    Retry,
    Hold,
    Release,
    Top,
    Bottom,
    Drain,
    Resume,
}

impl RowVerb {
    const ALL: [Self; 8] =
        [Self::Cancel, Self::Retry, Self::Hold, Self::Release, Self::Top, Self::Bottom, Self::Drain, Self::Resume];

    /// The one with this verb on the `!>` line.
    pub(crate) fn called(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// Its verb on the `!>` line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::Drain => "drain",
            Self::Resume => "resume",
        }
    }

    pub(crate) const fn past(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::Retry => "retried",
            Self::Hold => "held",
            Self::Release => "released",
            Self::Top => "put first",
            Self::Bottom => "put last",
            Self::Drain => "drained",
            Self::Resume => "resumed",
        }
    }

    /// Whether something ends by it, so that it always asks.
    pub(crate) const fn destroys(self) -> bool {
        matches!(self, Self::Cancel)
    }

    /// The rows that it acts on, in words.
    pub(crate) const fn acts_on(self) -> &'static str {
        match self {
            Self::Cancel => "jobs that have not ended",
            Self::Retry => "jobs that have ended",
            Self::Hold => "jobs that have not started",
            Self::Release => "held jobs",
            Self::Top | Self::Bottom => "jobs that have not started",
            Self::Drain => "workers that are online",
            Self::Resume => "workers that are not online",
        }
    }

    /// Whether it acts on jobs rather than on workers.
    pub(crate) const fn is_of_jobs(self) -> bool {
        !matches!(self, Self::Drain | Self::Resume)
    }

    pub(crate) const fn fits_job(self, state: JobState) -> bool {
        match self {
            Self::Cancel => !state.is_terminal(),
            Self::Retry => state.is_terminal(),
            Self::Hold => matches!(state, JobState::Queued | JobState::Blocked),
            Self::Top | Self::Bottom => matches!(state, JobState::Queued | JobState::Blocked | JobState::Held),
            Self::Release => matches!(state, JobState::Held),
            Self::Drain | Self::Resume => false,
        }
    }

    pub(crate) const fn fits_worker(self, status: WorkerStatus) -> bool {
        match self {
            Self::Drain => matches!(status, WorkerStatus::Online),
            Self::Resume => !matches!(status, WorkerStatus::Online),
            Self::Cancel | Self::Retry | Self::Hold | Self::Release | Self::Top | Self::Bottom => false,
        }
    }
}
