//! Commands that run: one at a time for the line, those typed meanwhile in a row behind it.

use std::collections::VecDeque;

use c2_shared::time::Mono;

use crate::app::msg::{Report, RunId};
use crate::command::Entered;

/// Calls that are remembered.
const CALLS_MAX: usize = 500;

/// What runs and what waits to run.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    next: u64,
    /// What runs now.
    pub present: Option<Present>,
    /// Lines that were typed meanwhile.
    pub waiting: VecDeque<Entered>,
    /// The exit status of the last one.
    pub status: Option<i32>,
    /// What was run in this session, the oldest first.
    pub calls: VecDeque<Call>,
}

/// A line that was run, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it ended, in unix milliseconds.
    pub wall_ms: u64,
    /// The line.
    pub line: String,
    /// Its exit status.
    pub status: i32,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Present {
    /// Its name.
    pub run: RunId,
    /// Its line, or what several lines do.
    pub line: String,
    /// When it began.
    pub since: Mono,
    /// How many lines succeeded, and what became of the others, when there are several.
    pub bulk: Option<Bulk>,
}

/// The count of several lines that run one after the other.
#[derive(Clone, Debug, Default)]
pub struct Bulk {
    /// Past tense of what they do.
    pub deed: &'static str,
    /// How many succeeded.
    pub done: usize,
    /// Those that did not.
    pub failed: Vec<(String, Report)>,
}

impl Runs {
    /// Names a run.
    pub const fn name(&mut self) -> RunId {
        self.next += 1;
        RunId(self.next)
    }

    /// Begins a run.
    pub fn begin(&mut self, line: String, now: Mono, bulk: Option<Bulk>) -> RunId {
        let run = self.name();
        self.present = Some(Present { run, line, since: now, bulk });
        run
    }

    /// Remembers what came of a line.
    pub fn note(&mut self, wall_ms: u64, line: String, status: i32) {
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back(Call { wall_ms, line, status });
    }

    /// Ends the present run, if it is this one.
    pub fn end(&mut self, run: RunId) -> Option<Present> {
        self.present.take_if(|p| p.run == run)
    }
}
