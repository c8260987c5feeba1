//! A job's row, with its title.

use std::collections::BTreeSet;

use c2_shared::api::jobs::JobRow;
use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;

use crate::app::table::Cell;
use crate::app::text::sanitize;

/// A job as the console holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// What c2d said.
    pub(crate) row: JobRow,
    /// Its name, or else its command, on one harmless line.
    pub(crate) title: String,
    /// The bytes of its title that are its name.
    name_len: usize,
}

/// Which jobs a table is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobScope {
    /// Those that have not ended.
    Active,
    Running,
    /// Those that ended as they were meant to: they succeeded or were cancelled.
    Done,
    Failed,
    All,
    Ended,
    These(BTreeSet<JobId>),
    /// Those that a worker runs or ran.
    On(WorkerId),
}

impl Job {
    pub(super) fn new(row: JobRow) -> Self {
        let command = sanitize(&row.command);
        let name = row.name.as_deref().map(sanitize);
        let name_len = name.as_ref().map_or(0, String::len);
        let title = name.map_or_else(|| command.clone(), |name| format!("{name}  {command}"));
        Self { row, title, name_len }
    }

    /// What filters search.
    pub(super) fn searched(&self) -> String {
        let row = &self.row;
        let silent = if row.unreachable { " unreachable" } else { "" };
        let mut searched = format!("{} {}{silent} {}", row.job_id, row.state, self.title);
        if let Some(group) = &row.group {
            searched = searched + " @" + group;
        }
        for tag in &row.tags {
            searched = searched + " " + tag;
        }
        if let Some(worker) = row.worker {
            searched = searched + " " + &worker.to_string();
        }
        searched
    }

    /// What it asks for beside its group and its tags.
    pub(crate) fn needs(&self) -> Vec<String> {
        needs(&self.row)
    }

    /// Its title as a cell.
    pub(crate) fn titled(&self) -> Cell {
        Cell::titled(&self.title, self.name_len)
    }
}

/// That a job waits for its time.
pub(super) const BEGIN: &str = "begin";

/// What a job asks for beside its group and its tags, as flags write it: what it takes, where it may run, and whether it
/// waits for its time.
pub(super) fn needs(row: &JobRow) -> Vec<String> {
    let mut words = row.needs.written();
    words.extend(row.workers.iter().map(|worker| format!("worker={worker}")));
    if row.state == JobState::Blocked && row.begin_at.is_some() {
        words.push(BEGIN.to_owned());
    }
    words
}
