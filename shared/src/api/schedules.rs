//! Schedules: jobs that c2d submits by itself, again and again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::JobId;
use crate::job::{JobSpec, JobState};

/// What happens when a run is due while an earlier one has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It waits for the end of the earlier one; no more than one does.
    Queue,
    /// The earlier one is cancelled, and it starts when that has ended.
    CancelOld,
}

/// What happens when c2d was off, or its clock wrong, while runs were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// One run makes up for all of them.
    #[default]
    Once,
    /// They are left out.
    Skip,
    /// Each is made up for, one after the other.
    All,
}

/// What is to run when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// A plain word of its own.
    pub name: String,
    /// Five fields as in crontab, `@daily` and the like, or `every 15m`.
    pub cron: String,
    /// The name of the time zone in which the fields are read, UTC without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What happens while an earlier run has not ended.
    #[serde(default)]
    pub overlap: Overlap,
    /// What happens to runs that were missed.
    #[serde(default)]
    pub missed: Missed,
    /// The job that each run submits.
    pub spec: JobSpec,
}

/// What of a schedule is to be otherwise; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleChange {
    /// When it runs from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The name of the time zone in which the fields are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What happens while an earlier run has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// What happens to runs that were missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// Fields of the job that each run submits with their new values; `null` is what a job has that does not say it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub set: Map<String, Value>,
}

/// A schedule as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// When it runs.
    pub cron: String,
    /// The zone in which that is read.
    pub timezone: String,
    /// What happens while an earlier run has not ended.
    pub overlap: Overlap,
    /// What happens to runs that were missed.
    pub missed: Missed,
    /// Nothing runs until it is resumed.
    pub paused: bool,
    /// When it runs next, in unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<u64>,
    /// The state of the job of its latest run that became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JobState>,
    /// What each run submits.
    pub spec: JobSpec,
    /// Its latest runs, the newest first.
    pub runs: Vec<Run>,
}

/// An instant of a schedule, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    /// When it was due.
    pub at_ms: u64,
    /// The job that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The state of that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Why it became none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// How many instants were missed before c2d came to this one, itself among them if it was.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub missed: u64,
    /// The first instant before it of those that came to something too, one after the other, and are listed no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CameTo {
    /// A job, which stands there.
    Job(JobState),
    /// A job of which nothing is kept.
    Forgotten,
    /// No job.
    Skipped,
}

impl Run {
    /// What stands in `skipped` of an entry that only says how many instants were missed.
    pub const MISSED: &str = "missed";

    /// Whether it only says how many instants were missed, its own among them.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.skipped.as_deref() == Some(Self::MISSED)
    }

    /// Whether it came behind another run without an instant in between that came to nothing.
    #[must_use]
    pub fn follows(&self, before: &Self) -> bool {
        self.missed == 0 && !before.is_gap() && before.at_ms <= self.at_ms
    }

    /// What came of it.
    #[must_use]
    pub const fn came_to(&self) -> CameTo {
        match (self.job_id, self.state) {
            (Some(_), Some(state)) => CameTo::Job(state),
            (Some(_), None) => CameTo::Forgotten,
            (None, _) => CameTo::Skipped,
        }
    }
}

/// What is only looked at: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleCheck {
    /// A new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<ScheduleRequest>,
    /// A change of the one that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ScheduleChange>,
}

/// The answer of [`super::endpoint::CHECK_SCHEDULE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScheduleOutlook {
    /// What it would be.
    pub schedule: ScheduleRow,
    /// Its next runs, in unix milliseconds.
    pub instants_ms: Vec<u64>,
    /// What keeps its job from running now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The answer of [`super::endpoint::LIST_SCHEDULES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScheduleList {
    /// All of them, by name.
    pub schedules: Vec<ScheduleRow>,
}

/// The answer of [`super::endpoint::REMOVE_SCHEDULE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScheduleGone {
    /// Its name.
    pub gone: String,
}
