//! What a job writes: one viewer, whether it stands on the page of the job, on one of its own, or
//! beside a table.

use c2_shared::api::jobs::Stream;
use c2_shared::id::JobId;
use c2_shared::time::Mono;

use crate::app::pager::{Pager, Row};
use crate::app::progress;
use crate::app::report::DocumentId;
use crate::command::Output;

/// The output of a job, which the event loop keeps.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) job: JobId,
    /// The name under which it is kept.
    pub(crate) document: DocumentId,
    /// Which of its streams.
    pub(crate) shown: Shown,
    pub(crate) text: Pager,
}

/// Which streams of a job are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Standard output and standard error, as they were written.
    #[default]
    Both,
    One(Stream),
}

impl Live {
    /// The last `NN%` or `i/n` of what it writes, as far as its end is in sight.
    pub(crate) fn percent(&self) -> Option<u8> {
        let rows = self.text.rows().iter().rev().filter(|_| self.text.is_at_end());
        rows.map(Row::text).find_map(|line| progress::percent(&line))
    }
}

impl Shown {
    /// What a line asks to be shown.
    pub(crate) const fn of(asked: &Output) -> Self {
        match (asked.both, asked.stderr) {
            (true, _) => Self::Both,
            (false, true) => Self::One(Stream::Stderr),
            (false, false) => Self::One(Stream::Stdout),
        }
    }

    /// What `o` goes to from here.
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Both => Self::One(Stream::Stdout),
            Self::One(Stream::Stdout) => Self::One(Stream::Stderr),
            Self::One(Stream::Stderr) => Self::Both,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Both => "output",
            Self::One(Stream::Stdout) => "stdout",
            Self::One(Stream::Stderr) => "stderr",
        }
    }
}

/// The output of the selected job, beside its table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preview {
    /// The job that is selected, and since when.
    pub(crate) selected: Option<(JobId, Mono)>,
    pub(crate) live: Option<Live>,
}

/// Jobs that are passed by sooner are not opened.
const REST_MS: u64 = 150;

impl Preview {
    /// When the selected job is to be opened; never when it is open.
    pub(crate) fn due(&self) -> Option<Mono> {
        let (job, since) = self.selected?;
        match &self.live {
            Some(live) if live.job == job => None,
            Some(_) => Some(since.after_ms(REST_MS)),
            None => Some(since),
        }
    }
}
