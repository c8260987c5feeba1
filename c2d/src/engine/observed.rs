//! What the engine counts for those who watch c2d over time. It begins at nothing with each start, and costs
//! nothing while nothing happens.

use std::collections::BTreeMap;

use c2_shared::id::{AttemptId, WorkerId};
use c2_shared::job::JobState;

use crate::histogram::{Histogram, LONG};
use crate::sched::{Figures, Measure};

/// Groups that are told apart; jobs may name any number of them.
const GROUPS_MAX: usize = 100;
/// Where all others are counted. No group is called so.
const OTHERS: &str = "(others)";

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// By the group that jobs ask for, which is empty for those that ask for none.
    groups: BTreeMap<Box<str>, OfGroup>,
    /// Jobs that ended on each worker.
    workers: BTreeMap<WorkerId, BTreeMap<JobState, u64>>,
}

/// What jobs of one group took.
#[derive(Clone, Debug)]
pub(crate) struct OfGroup {
    pub(crate) waited: Histogram,
    pub(crate) ran: BTreeMap<JobState, Histogram>,
}

impl Observed {
    /// Counts what happened. How long an attempt ran its result says best.
    pub(super) fn count(&mut self, measures: Vec<Measure>, figures: &BTreeMap<AttemptId, Figures>) {
        for measure in measures {
            match measure {
                Measure::Waited { placement, waited_ms } => {
                    self.group(placement.group.as_deref()).waited.add(waited_ms);
                }
                Measure::Ended { placement, attempt, worker, state, since_start_ms } => {
                    let took_ms = figures.get(&attempt).and_then(|figures| figures.took_ms);
                    let Some(ran_ms) = took_ms.or(since_start_ms) else { continue };
                    let ran = &mut self.group(placement.group.as_deref()).ran;
                    ran.entry(state).or_insert_with(|| Histogram::new(LONG)).add(ran_ms);
                    if let Some(worker) = worker {
                        *self.workers.entry(worker).or_default().entry(state).or_default() += 1;
                    }
                }
            }
        }
    }

    /// Forgets workers that are gone.
    pub(super) fn forget<'a>(&mut self, gone: impl Iterator<Item = &'a WorkerId>) {
        for worker in gone {
            self.workers.remove(worker);
        }
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, &OfGroup)> {
        self.groups.iter().map(|(name, of_group)| (&**name, of_group))
    }

    /// How many jobs ended on a worker in a state.
    pub(crate) fn ended_on(&self, worker: &WorkerId, state: JobState) -> u64 {
        self.workers.get(worker).and_then(|ends| ends.get(&state)).copied().unwrap_or(0)
    }

    fn group(&mut self, name: Option<&str>) -> &mut OfGroup {
        let name = name.unwrap_or_default();
        let has_room = self.groups.len() < GROUPS_MAX || self.groups.contains_key(name);
        let new = || OfGroup { waited: Histogram::new(LONG), ran: BTreeMap::new() };
        self.groups.entry(if has_room { name } else { OTHERS }.into()).or_insert_with(new)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use c2_shared::id::JobId;
    use c2_shared::job::Placement;

    use super::*;

    fn of(group: &str) -> Arc<Placement> {
        Arc::new(Placement { group: Some(group.to_owned()), ..Placement::default() })
    }

    #[test]
    fn the_result_says_how_long_an_attempt_ran() {
        let attempt = |job| AttemptId { job: JobId(job), number: 1 };
        let ended = |job, since_start_ms| Measure::Ended {
            placement: of("gpu"),
            attempt: attempt(job),
            worker: Some("w".into()),
            state: JobState::Failed,
            since_start_ms,
        };
        let mut observed = Observed::default();
        let measures = vec![ended(1, Some(9_000)), ended(2, Some(50)), ended(3, None)];
        observed.count(measures, &BTreeMap::from([(attempt(1), Figures { took_ms: Some(70), ..Figures::default() })]));
        let (name, of_group) = observed.groups().next().unwrap();
        assert_eq!((name, of_group.ran[&JobState::Failed].sum_ms()), ("gpu", 120));
        assert_eq!(observed.ended_on(&"w".into(), JobState::Failed), 2, "one never ran");
        observed.forget([WorkerId::from("w")].iter());
        assert_eq!(observed.ended_on(&"w".into(), JobState::Failed), 0);
    }

    #[test]
    fn any_number_of_groups_takes_bounded_memory() {
        let mut observed = Observed::default();
        let waited = |n: usize| Measure::Waited { placement: of(&format!("g{n}")), waited_ms: 1 };
        observed.count((0..1_000).map(waited).collect(), &BTreeMap::new());
        assert_eq!(observed.groups().count(), GROUPS_MAX + 1);
        let all: u64 = observed.groups().map(|(_, of_group)| of_group.waited.count()).sum();
        assert_eq!(all, 1_000);
    }
}
