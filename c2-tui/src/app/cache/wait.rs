//! Jobs that wait, counted by what they wait for: state, group and tags.
//!
//! The counts follow each change of a job, so that the queue pane costs the number of shapes and
//! never the length of the queue.

use c2_shared::api::jobs::JobRow;
use c2_shared::api::workers::WorkerRow;
use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;

use super::Worker;
use crate::app::table::Rows;

/// What jobs have in common that wait for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaitKey {
    pub(crate) state: JobState,
    /// Numbers the pair of group and tags in the order in which it was first seen.
    pub(crate) shape: usize,
}

/// Jobs that wait for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(super) key: WaitKey,
    pub(crate) group: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) count: usize,
    pub(super) searched: String,
    pub(super) folded: String,
}

impl Wait {
    /// Whether a job in this state waits for something.
    pub(crate) const fn is_waiting(state: JobState) -> bool {
        matches!(state, JobState::Blocked | JobState::Held | JobState::Queued)
    }

    /// Jobs like this one, none so far.
    pub(crate) fn like(row: &JobRow, shape: usize) -> Self {
        let key = WaitKey { state: row.state, shape };
        let group = row.group.as_ref().map_or(String::new(), |g| format!(" @{g}"));
        let searched = format!("{}{group} {}", row.state, row.tags.join(" "));
        let folded = searched.to_lowercase();
        Self { key, group: row.group.clone(), tags: row.tags.clone(), count: 0, searched, folded }
    }

    pub(crate) const fn state(&self) -> JobState {
        self.key.state
    }

    /// The group and the tags that they ask for.
    pub(crate) fn asks(&self) -> String {
        let group = self.group.iter().map(|group| format!("@{group}"));
        group.chain(self.tags.iter().cloned()).collect::<Vec<_>>().join(" ")
    }

    /// Why they wait, as far as the rows tell.
    pub(crate) fn why(&self, workers: &Rows<Worker>) -> String {
        match self.key.state {
            JobState::Blocked => "awaits jobs or time".to_owned(),
            JobState::Held => "awaits a release".to_owned(),
            JobState::Queued => self.why_queued(workers),
            JobState::Running | JobState::Succeeded | JobState::Failed | JobState::Cancelled => String::new(),
        }
    }

    /// Whether they will start by themselves, as far as the rows tell.
    pub(crate) fn will_start(&self, workers: &Rows<Worker>) -> bool {
        self.key.state != JobState::Held && self.able(workers).is_ok()
    }

    fn why_queued(&self, workers: &Rows<Worker>) -> String {
        let able = match self.able(workers) {
            Ok(able) => able,
            Err(nothing) => return nothing,
        };
        if able.iter().all(|w| !w.load.yields_to.is_empty()) {
            return "such workers yield their machines".to_owned();
        }
        if able.iter().all(|w| w.slots_used >= w.slots) {
            return "all slots of such workers are in use".to_owned();
        }
        if self.tags.is_empty() { "next to start".to_owned() } else { format!("{} in use", self.tags.join(", ")) }
    }

    /// The workers that may run them some time, or why there is none.
    fn able<'a>(&self, workers: &'a Rows<Worker>) -> Result<Vec<&'a WorkerRow>, String> {
        let fits = |g: &String, groups: &std::collections::BTreeSet<String>| groups.contains(g);
        let mut able = workers.values().map(|w| &w.row).filter(|w| w.status == WorkerStatus::Online).peekable();
        if able.peek().is_none() {
            return Err("no worker is online".to_owned());
        }
        let able: Vec<_> = able.filter(|w| self.group.as_ref().is_none_or(|g| fits(g, &w.groups))).collect();
        if able.is_empty() {
            return Err(format!("no online worker in @{}", self.group.as_deref().unwrap_or_default()));
        }
        let has = |tags: &std::collections::BTreeMap<String, _>, tag: &str| {
            tags.keys().any(|t| t == tag || t.split_once(':').is_some_and(|(pool, _)| pool == tag))
        };
        if let Some(tag) = self.tags.iter().find(|tag| !able.iter().any(|w| has(&w.tags, tag))) {
            return Err(format!("no such worker has the tag {tag}"));
        }
        Ok(able)
    }
}
