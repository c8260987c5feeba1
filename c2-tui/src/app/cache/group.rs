//! Jobs that failed alike, as c2d told when it was asked.

use c2_shared::api::figures::{FailureGroup, OutcomeCount, Stats};
use c2_shared::id::JobId;

use super::Cache;
use crate::app::panes::log;
use crate::app::text::sanitize;

/// Jobs that failed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// What they wrote last, harmless.
    pub(crate) line: String,
    /// How they ended, in a word or two for each way, and how many in each where there are several.
    pub(crate) outcome: String,
    /// The latest first.
    pub(crate) jobs: Vec<JobId>,
}

impl From<FailureGroup> for Group {
    fn from(group: FailureGroup) -> Self {
        let counted = |of: &OutcomeCount| format!("{} {}x", log::outcome_words(&of.outcome), of.jobs);
        let (line, outcome) = match group.outcomes.as_slice() {
            [] | [_] => (sanitize(&group.line), log::outcome_words(&group.outcome)),
            several => (sanitize(&group.line), several.iter().map(counted).collect::<Vec<_>>().join(", ")),
        };
        Self { line, outcome, jobs: group.job_ids }
    }
}

impl Group {
    /// What filters search, and no two groups have in common.
    pub(super) fn searched(&self) -> String {
        format!("{} {}", self.outcome, self.line)
    }
}

impl Cache {
    /// Takes how long jobs take by their names, and why jobs failed.
    pub(crate) fn take_stats(&mut self, stats: Stats) {
        let ms = |seconds: f64| std::time::Duration::try_from_secs_f64(seconds).ok()?.as_millis().try_into().ok();
        let medians = stats.names.into_iter().filter_map(|name| Some((name.name, name.median_s.and_then(ms)?)));
        self.medians = medians.collect();
        self.groups = stats.failures.into_iter().map(Group::from).collect();
    }
}
