//! Suspicion: a worker on which one command after the other fails at once, while other workers succeed with
//! them. Something is missing there: a program, a mount, a key.
//!
//! Which one only somebody knows who knows the jobs, and they may be at fault themselves. So it is reported
//! and nothing else. All of it is observed; after a restart of c2d nothing was.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use c2_shared::id::WorkerId;
use c2_shared::job::{self, Outcome};
use c2_shared::limits::{
    AT_ONCE_MS, SUCCESS_REMEMBERED_MS, SUCCESSES_LEN, SUSPECT_ELSEWHERE, SUSPECT_FAILURES, SUSPECT_ROW_LEN,
};
use c2_shared::time::Mono;

use crate::sched::Note;
use crate::sched::scheduler::Turn;

/// What failed where, and succeeded where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspicion {
    /// Of each worker, the commands that failed there at once since anything else ended there.
    failed: BTreeMap<WorkerId, VecDeque<Failed>>,
    /// Commands that succeeded lately: where each did last.
    succeeded: BTreeMap<Command, (WorkerId, Mono)>,
    /// The same in the order in which they were first seen, so that the oldest go.
    order: VecDeque<Command>,
}

/// Tells commands apart: a hash, as a command may be long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Command(u64);

#[derive(Clone, Copy, Debug)]
struct Failed {
    command: Command,
    elsewhere: bool,
}

impl Command {
    fn of(payload: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        job::command_of(payload).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl Suspicion {
    /// Whether a worker is suspect.
    pub(crate) fn is_on(&self, id: &WorkerId) -> bool {
        self.failed.get(id).is_some_and(is_suspicious)
    }

    /// Nothing speaks against a worker any more; answers whether it was suspect.
    pub(crate) fn clear(&mut self, id: &WorkerId) -> bool {
        self.failed.remove(id).is_some_and(|row| is_suspicious(&row))
    }

    fn fail(&mut self, id: &WorkerId, command: Command, now: Mono) {
        let elsewhere = self
            .succeeded
            .get(&command)
            .is_some_and(|(other, at)| other != id && now.since_ms(*at) < SUCCESS_REMEMBERED_MS);
        let row = self.failed.entry(id.clone()).or_default();
        row.retain(|failed| failed.command != command);
        if row.len() == SUSPECT_ROW_LEN {
            row.pop_front();
        }
        row.push_back(Failed { command, elsewhere });
    }

    fn succeed(&mut self, id: &WorkerId, command: Command, now: Mono) {
        if self.succeeded.insert(command, (id.clone(), now)).is_none() {
            self.order.push_back(command);
        }
        if self.order.len() > SUCCESSES_LEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.succeeded.remove(&oldest);
        }
        for (_, row) in self.failed.iter_mut().filter(|(other, _)| *other != id) {
            row.iter_mut().filter(|failed| failed.command == command).for_each(|failed| failed.elsewhere = true);
        }
    }

    fn suspects(&self) -> Vec<WorkerId> {
        self.failed.iter().filter(|(_, row)| is_suspicious(row)).map(|(id, _)| id.clone()).collect()
    }
}

fn is_suspicious(row: &VecDeque<Failed>) -> bool {
    let elsewhere = row.iter().filter(|failed| failed.elsewhere).count();
    row.len() >= SUSPECT_FAILURES && elsewhere >= SUSPECT_ELSEWHERE
}

impl Turn<'_> {
    /// A command ended on a worker.
    pub(crate) fn suspect(&mut self, id: &WorkerId, payload: &str, outcome: &Outcome, took_ms: Option<u64>) {
        let (command, now) = (|| Command::of(payload), self.now.mono);
        let before = self.s.suspicion.suspects();
        match outcome {
            Outcome::Exit { code: 0 } => {
                self.s.suspicion.clear(id);
                self.s.suspicion.succeed(id, command(), now);
            }
            Outcome::Exit { .. } | Outcome::Signal { .. } if took_ms.is_some_and(|took| took < AT_ONCE_MS) => {
                self.s.suspicion.fail(id, command(), now);
            }
            // Whoever does not say how long it took is not judged by it.
            Outcome::Exit { .. } | Outcome::Signal { .. } | Outcome::Timeout | Outcome::Oom { .. } => {
                self.s.suspicion.clear(id);
            }
            Outcome::Cancelled
            | Outcome::Lost
            | Outcome::Setup { .. }
            | Outcome::Dependency { .. }
            | Outcome::CrashLimit
            | Outcome::Expired
            | Outcome::Unknown => return,
        }
        let after = self.s.suspicion.suspects();
        for id in before.iter().filter(|id| !after.contains(id)) {
            self.s.touch_worker(id);
        }
        for id in after.iter().filter(|id| !before.contains(id)) {
            self.s.touch_worker(id);
            let worker = self.s.who(id);
            self.s.touched.notes.push(Note::Suspect { worker });
        }
    }
}
