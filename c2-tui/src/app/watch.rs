//! Commands that give their lines while they run, each in a view of its own beside the `!>` line.
//!
//! Leaving the view does not end the command; `runs` comes back to it.

use c2_shared::time::{self, Mono};

use crate::app::pager::Pager;
use crate::app::report::{DocumentId, RunId};
use crate::command::Entered;

/// A command that runs beside the line, or did.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) run: RunId,
    /// The name under which the event loop keeps what it gives.
    pub(crate) document: DocumentId,
    pub(crate) line: Entered,
    pub(crate) since: Mono,
    /// How far it is.
    pub(crate) state: State,
    /// How it went on the workers so far.
    pub(crate) tally: Tally,
    /// What it gives, as it comes.
    pub(crate) live: Pager,
    /// The same with equal outputs together, once it has ended.
    pub(crate) fold: Option<Pager>,
    /// Whether they are to be shown together.
    pub(crate) folded: bool,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Runs,
    /// It was told to stop waiting.
    Stops,
    Ended {
        /// With this exit status.
        status: i32,
        /// After so many milliseconds.
        after_ms: u64,
    },
}

/// On how many workers a command ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// On how many it runs or ran; 0 where a command is not about workers.
    pub(crate) workers: usize,
    /// Those on which it succeeded.
    pub(crate) done: usize,
    /// Those on which it ended otherwise.
    pub(crate) failed: usize,
    /// Those that could not be reached.
    pub(crate) unreachable: usize,
}

impl Watch {
    pub(crate) fn new(run: RunId, document: DocumentId, line: Entered, now: Mono) -> Self {
        Self {
            run,
            document,
            line,
            since: now,
            state: State::Runs,
            tally: Tally::default(),
            live: Pager::window(),
            fold: None,
            folded: false,
        }
    }

    /// Whether it still runs.
    pub(crate) const fn is_running(&self) -> bool {
        matches!(self.state, State::Runs | State::Stops)
    }

    /// What is shown of it.
    pub(crate) const fn text(&self) -> &Pager {
        match &self.fold {
            Some(fold) if self.folded => fold,
            _ => &self.live,
        }
    }

    pub(crate) const fn text_mut(&mut self) -> &mut Pager {
        match &mut self.fold {
            Some(fold) if self.folded => fold,
            _ => &mut self.live,
        }
    }

    /// How far it is, in a few words.
    pub(crate) fn words(&self, now: Mono) -> String {
        match self.state {
            State::Runs => format!("running {}", whole_seconds(now.since_ms(self.since))),
            State::Stops => "stopping".to_owned(),
            State::Ended { status, after_ms } => format!("exit {status} after {}", time::span(after_ms)),
        }
    }
}

impl Tally {
    /// The counts with their words; those that are zero only where they calm.
    pub(crate) fn words(&self) -> Vec<(Count, String)> {
        if self.workers == 0 {
            return Vec::new();
        }
        vec![
            (Count::Done, format!("{} of {} done", self.done, self.workers)),
            (Count::Failed, format!("{} failed", self.failed)),
            (Count::Unreachable, format!("{} unreachable", self.unreachable)),
        ]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Done,
    Failed,
    Unreachable,
}

/// Less would only flicker.
fn whole_seconds(ms: u64) -> String {
    time::span(ms / 1_000 * 1_000)
}
