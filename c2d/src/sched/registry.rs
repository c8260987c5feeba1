//! The workers that are known, and when each must be looked at again.
//!
//! Whoever may change a worker gets it from here, so each that could have another deadline by now is known, and
//! asking for the earliest of ten thousand costs no look at all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use c2_shared::id::WorkerId;
use c2_shared::time::Mono;

use crate::sched::workers::Worker;

#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    workers: BTreeMap<WorkerId, Worker>,
    /// The deadline of each that has one, as far as they did not change.
    deadlines: BTreeSet<(Mono, WorkerId)>,
    noted: BTreeMap<WorkerId, Mono>,
    changed: BTreeSet<WorkerId>,
}

impl Registry {
    pub(crate) fn get_mut(&mut self, id: &WorkerId) -> Option<&mut Worker> {
        let worker = self.workers.get_mut(id)?;
        if !self.changed.contains(id) {
            self.changed.insert(id.clone());
        }
        Some(worker)
    }

    pub(crate) fn insert(&mut self, id: WorkerId, worker: Worker) {
        self.changed.insert(id.clone());
        self.workers.insert(id, worker);
    }

    pub(crate) fn remove(&mut self, id: &WorkerId) -> Option<Worker> {
        self.changed.insert(id.clone());
        self.workers.remove(id)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        self.changed.extend(self.workers.keys().cloned());
        self.workers.values_mut()
    }

    /// When the first of them must be looked at again, once what changed is noted.
    pub(crate) fn first_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Those that must be looked at by now.
    pub(crate) fn due(&mut self, now: Mono) -> Vec<WorkerId> {
        self.note_deadlines();
        self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect()
    }

    /// Looks at those that may have changed.
    pub(crate) fn note_deadlines(&mut self) {
        while let Some(id) = self.changed.pop_first() {
            let at = self.workers.get(&id).and_then(Worker::deadline);
            let before = self.noted.get(&id).copied();
            if at == before {
                continue;
            }
            if let Some(before) = before {
                self.deadlines.remove(&(before, id.clone()));
                self.noted.remove(&id);
            }
            if let Some(at) = at {
                self.noted.insert(id.clone(), at);
                self.deadlines.insert((at, id));
            }
        }
    }
}

impl Deref for Registry {
    type Target = BTreeMap<WorkerId, Worker>;

    fn deref(&self) -> &Self::Target {
        &self.workers
    }
}
