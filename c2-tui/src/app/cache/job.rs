//! A job's row, with the text that filters search.

use std::collections::BTreeSet;

use c2_shared::api::jobs::JobRow;
use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobState;

use super::texts::{Place, Texts};
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
    /// What filters search: its title stands in it.
    written: Place,
    /// The same in lower case.
    folded: Place,
    ordered_by: Place,
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
    pub(super) fn new(row: JobRow, texts: &mut Texts) -> Self {
        let command = sanitize(&row.command);
        let title = match &row.name {
            Some(name) => format!("{}  {command}", sanitize(name)),
            None => command,
        };
        let silent = if row.unreachable { " unreachable" } else { "" };
        let mut searched = format!("{} {}{silent} {title}", row.job_id, row.state);
        let before_places = searched.len();
        if let Some(group) = &row.group {
            searched = searched + " @" + group;
        }
        for tag in &row.tags {
            searched = searched + " " + tag;
        }
        if let Some(worker) = row.worker {
            searched = searched + " " + &worker.to_string();
        }
        let written = texts.put(&searched);
        let lower = searched.to_lowercase();
        let folded = if lower == searched { written } else { texts.put(&lower) };
        let ordered_by = written.without_end(searched.len() - before_places).end(title.len());
        let name_len = row.name.as_ref().map_or(0, |name| sanitize(name).len());
        Self { row, title, name_len, written, folded, ordered_by }
    }

    /// What filters search: as written, and in lower case.
    pub(super) fn searched<'a>(&self, texts: &'a Texts) -> (&'a str, &'a str) {
        (texts.get(self.written), texts.get(self.folded))
    }

    /// Its title, from where all titles are.
    pub(super) fn ordered_by<'a>(&self, texts: &'a Texts) -> &'a str {
        texts.get(self.ordered_by)
    }

    /// It is forgotten, and so are its texts.
    pub(super) fn drop_texts(&self, texts: &mut Texts) {
        texts.drop(self.written);
        if self.folded != self.written {
            texts.drop(self.folded);
        }
    }

    /// Takes its texts along.
    pub(super) fn move_texts(&mut self, from: &Texts, to: &mut Texts) {
        let written = to.put(from.get(self.written));
        self.folded = if self.folded == self.written { written } else { to.put(from.get(self.folded)) };
        self.ordered_by = self.ordered_by.moved(self.written, written);
        self.written = written;
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
