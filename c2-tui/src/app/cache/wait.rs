//! Jobs that wait, counted by what they wait for: state, group, tags and what else they need.
//!
//! The counts follow each change of a job, so that the queue pane costs the number of shapes and
//! never the length of the queue.

use c2_shared::api::jobs::JobRow;
use c2_shared::api::workers::WorkerRow;
use c2_shared::job::JobState;
use c2_shared::worker::WorkerStatus;

use super::{Cache, Told, Worker, job};
use crate::app::table::Rows;

/// What jobs have in common that wait for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaitKey {
    pub(crate) state: JobState,
    /// Numbers group, tags and needs together in the order in which they were first seen.
    pub(crate) shape: usize,
}

/// Jobs that wait for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(super) key: WaitKey,
    pub(crate) group: Option<String>,
    pub(crate) tags: Vec<String>,
    /// What they take, where they may run, and whether they wait for their time.
    pub(crate) needs: Vec<String>,
    pub(crate) count: usize,
}

impl Wait {
    /// Whether a job in this state waits for something.
    pub(crate) const fn is_waiting(state: JobState) -> bool {
        matches!(state, JobState::Blocked | JobState::Held | JobState::Queued)
    }

    /// Jobs like this one, none so far.
    pub(crate) fn like(row: &JobRow, shape: usize) -> Self {
        let key = WaitKey { state: row.state, shape };
        Self { key, group: row.group.clone(), tags: row.tags.clone(), needs: job::needs(row), count: 0 }
    }

    /// What filters search.
    pub(super) fn searched(&self) -> String {
        format!("{} {}", self.state(), self.asks())
    }

    pub(crate) const fn key(&self) -> WaitKey {
        self.key
    }

    pub(crate) const fn state(&self) -> JobState {
        self.key.state
    }

    /// The group, the tags and all else that they ask for.
    pub(crate) fn asks(&self) -> String {
        let group = self.group.iter().map(|group| format!("@{group}"));
        group.chain(self.tags.iter().chain(&self.needs).cloned()).collect::<Vec<_>>().join(" ")
    }

    /// Why they wait: as the rows tell, or else as c2d said of the first of them.
    pub(crate) fn why(&self, cache: &Cache) -> String {
        let first = |told: &Told| match &told.words {
            words if words.is_empty() || self.count == 1 => words.clone(),
            words => format!("{}: {words}", told.job),
        };
        self.decided(cache).or_else(|| cache.told.get(&self.key).map(first)).unwrap_or_default()
    }

    /// Why all of them wait, where the rows alone say so.
    pub(crate) fn decided(&self, cache: &Cache) -> Option<String> {
        match self.key.state {
            JobState::Held => Some("awaits a release".to_owned()),
            JobState::Queued if cache.queue.paused => Some("the whole queue is paused".to_owned()),
            JobState::Queued => self.decided_queued(&cache.workers),
            JobState::Blocked | JobState::Running | JobState::Succeeded | JobState::Failed | JobState::Cancelled => {
                None
            }
        }
    }

    /// Whether a job is one of these.
    pub(crate) fn has(&self, row: &JobRow) -> bool {
        row.state == self.key.state && row.group == self.group && row.tags == self.tags && job::needs(row) == self.needs
    }

    /// Whether they will start by themselves as soon as there is room, as far as the rows tell.
    pub(crate) fn will_start(&self, workers: &Rows<Worker>) -> bool {
        let has_time = self.needs.iter().any(|word| word == job::BEGIN);
        self.key.state != JobState::Held && !has_time && self.able(workers).is_ok()
    }

    fn decided_queued(&self, workers: &Rows<Worker>) -> Option<String> {
        let able = match self.able(workers) {
            Ok(able) => able,
            Err(nothing) => return Some(nothing),
        };
        // Of what they need beside these c2d alone knows how much is left where.
        if !self.needs.is_empty() {
            return None;
        }
        if able.iter().all(|w| !w.load.yields_to.is_empty()) {
            return Some("every such worker yields its machine to someone else".to_owned());
        }
        if able.iter().all(|w| w.slots_used >= w.slots) {
            return Some("all slots are in use".to_owned());
        }
        // Of tags each one must be free on one of them.
        let free = |tag: &&String, worker: &WorkerRow| {
            worker.tags.iter().any(|(offered, by)| by.is_none() && is_of(offered, tag))
        };
        let in_use = self.tags.iter().find(|tag| !able.iter().any(|worker| free(tag, worker)))?;
        Some(format!("tag {in_use:?} is held by other jobs"))
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
            return Err(format!("no online worker is in group {:?}", self.group.as_deref().unwrap_or_default()));
        }
        let has = |tags: &std::collections::BTreeMap<String, _>, tag: &str| tags.keys().any(|t| is_of(t, tag));
        if let Some(tag) = self.tags.iter().find(|tag| !able.iter().any(|w| has(&w.tags, tag))) {
            return Err(format!("no online worker offers tag {tag:?}"));
        }
        Ok(able)
    }
}

/// Whether a tag that a worker offers is the one that is asked for, or one of its pool.
fn is_of(offered: &str, asked: &str) -> bool {
    offered == asked || offered.split_once(':').is_some_and(|(pool, _)| pool == asked)
}
