//! A job's row, with the text that filters search.

use std::collections::BTreeSet;

use c2_shared::api::jobs::JobRow;
use c2_shared::id::{JobId, WorkerId};

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
    pub(super) searched: String,
    pub(super) folded: String,
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

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        let command = sanitize(&row.command);
        let title = match &row.name {
            Some(name) => format!("{}  {command}", sanitize(name)),
            None => command,
        };
        let mut searched = format!("{} {} {title}", row.job_id, row.state);
        if let Some(group) = &row.group {
            searched = searched + " @" + group;
        }
        for tag in &row.tags {
            searched = searched + " " + tag;
        }
        if let Some(worker) = row.worker {
            searched = searched + " " + &worker.to_string();
        }
        let folded = searched.to_lowercase();
        let name_len = row.name.as_ref().map_or(0, |name| sanitize(name).len());
        Self { row, title, name_len, searched, folded }
    }
}

impl Job {
    /// Its title as a cell.
    pub(crate) fn titled(&self) -> Cell {
        Cell::titled(&self.title, self.name_len)
    }
}
