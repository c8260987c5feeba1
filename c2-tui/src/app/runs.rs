//! Commands that run: one at a time for the line, those typed meanwhile in a row behind it.

use std::collections::VecDeque;

use c2_shared::time::Mono;

use crate::app::report::{Report, RunId};
use crate::command::Entered;

/// Calls that are remembered.
const CALLS_MAX: usize = 500;

/// What runs and what waits to run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    next: u64,
    pub(crate) present: Option<Present>,
    /// Lines that were typed meanwhile.
    pub(crate) waiting: VecDeque<Entered>,
    /// Lines that were pasted, until the last of them has ended.
    pub(crate) pasted: Option<Pasted>,
    /// The exit status of the last one.
    pub(crate) status: Option<i32>,
    /// What was run in this session, the oldest first.
    pub(crate) calls: VecDeque<Call>,
}

/// A line that was run, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// When it ended, in unix milliseconds.
    pub(crate) wall_ms: u64,
    pub(crate) line: String,
    pub(crate) status: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Present {
    pub(crate) run: RunId,
    /// Its line, or what several lines do.
    pub(crate) line: String,
    pub(crate) since: Mono,
    /// What it said meanwhile.
    pub(crate) notes: Vec<String>,
    /// How many lines succeeded, and what became of the others, when there are several.
    pub(crate) bulk: Option<Bulk>,
}

/// The count of several lines that run one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bulk {
    /// Past tense of what they do.
    pub(crate) past: &'static str,
    pub(crate) done: usize,
    /// Those that did not.
    pub(crate) failed: Vec<(String, Report)>,
}

/// Lines that were pasted together, and what came of those that were run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pasted {
    /// Those that are still to be run.
    pub(crate) lines: VecDeque<String>,
    /// How many there were.
    pub(crate) count: usize,
    pub(crate) failed: usize,
    /// The exit status of the last one that failed.
    pub(crate) status: i32,
    /// Each line with what came of it.
    pub(crate) said: Vec<String>,
    /// There is a question about the last one that was begun.
    pub(crate) is_asked: bool,
}

impl Runs {
    pub(crate) const fn name(&mut self) -> RunId {
        self.next += 1;
        RunId(self.next)
    }

    pub(crate) fn begin(&mut self, line: String, now: Mono, bulk: Option<Bulk>) -> RunId {
        let run = self.name();
        self.present = Some(Present { run, line, since: now, notes: Vec::new(), bulk });
        run
    }

    /// The name that was given last.
    pub(crate) const fn last(&self) -> RunId {
        RunId(self.next)
    }

    /// Remembers what came of a line.
    pub(crate) fn note(&mut self, wall_ms: u64, line: String, status: i32) {
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back(Call { wall_ms, line, status });
    }

    pub(crate) fn end(&mut self, run: RunId) -> Option<Present> {
        self.present.take_if(|p| p.run == run)
    }
}
