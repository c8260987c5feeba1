//! Schedules, as c2d answered when it was asked.

use c2_shared::api::schedules::{CameTo, Run, ScheduleList, ScheduleRow};

use super::Cache;
use crate::app::text::sanitize;

/// What c2d submits by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) row: ScheduleRow,
    /// What each run does, harmless.
    pub(crate) command: String,
}

impl From<ScheduleRow> for Schedule {
    fn from(row: ScheduleRow) -> Self {
        let command = sanitize(&row.spec.command);
        Self { row, command }
    }
}

impl Schedule {
    /// What filters search.
    pub(super) fn searched(&self) -> String {
        format!("{} {} {} {}", self.row.name, self.row.cron, self.row.timezone, self.command)
    }

    pub(crate) fn last(&self) -> Option<CameTo> {
        self.row.runs.first().map(Run::came_to)
    }

    /// When it runs next, unless it is paused.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.row.next_ms.filter(|_| !self.row.paused)
    }

    /// How many of the runs that are known were missed.
    pub(crate) fn missed(&self) -> u64 {
        self.row.runs.iter().map(|run| run.missed).sum()
    }

    /// Why its latest run became no job.
    pub(crate) fn skipped(&self) -> Option<&str> {
        self.row.runs.first()?.skipped.as_deref()
    }
}

impl Cache {
    pub(crate) fn take_schedules(&mut self, list: ScheduleList) {
        self.schedules = list.schedules.into_iter().map(Schedule::from).collect();
    }
}
