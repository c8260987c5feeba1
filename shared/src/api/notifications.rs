//! Notifications: whom c2d tells of what.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A job ended in state failed: also timed out, expired, lost. One that was cancelled did not.
    Failed,
    /// A job ended, however: also cancelled.
    Ended,
    /// A job succeeded, and the last one of its name before it that was not cancelled had failed.
    BackToGreen,
    /// A worker was not heard for a while.
    WorkerOffline,
    /// A worker cannot start jobs.
    Quarantined,
    /// A machine was woken three times for a job, and not heard.
    WakeFailed,
    /// The last job has ended.
    QueueEmpty,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Failed,
        Self::Ended,
        Self::BackToGreen,
        Self::WorkerOffline,
        Self::Quarantined,
        Self::WakeFailed,
        Self::QueueEmpty,
    ];

    /// Its word on the wire and on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Ended => "ended",
            Self::BackToGreen => "back-to-green",
            Self::WorkerOffline => "worker-offline",
            Self::Quarantined => "quarantined",
            Self::WakeFailed => "wake-failed",
            Self::QueueEmpty => "queue-empty",
        }
    }

    /// Whether it is about one job.
    #[must_use]
    pub const fn is_of_job(self) -> bool {
        matches!(self, Self::Failed | Self::Ended | Self::BackToGreen)
    }
}

/// Whom to tell of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NotificationRequest {
    /// A plain word of its own.
    pub name: String,
    /// What is told.
    pub on: BTreeSet<Kind>,
    /// A URL, or a form and an address: `ntfy:TOPIC`, `discord:URL`, `slack:URL`, `apprise:URL`,
    /// `mail:ADDRESS`, `command:NAME`.
    pub to: String,
    /// Only of jobs that asked for this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only of jobs of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// Only of jobs that this schedule submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// What of a notification is to be otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NotificationChange {
    /// Fields of the notification but its name, with their new values; `null` takes a filter back.
    pub set: Map<String, Value>,
}

/// A notification as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotificationRow {
    /// Its name.
    pub name: String,
    /// What is told.
    pub on: BTreeSet<Kind>,
    /// Where to, without what is secret in a URL.
    pub to: String,
    /// Only of jobs that asked for this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only of jobs of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
    /// Only of jobs that this schedule submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Why it can be about no job at present: the group or schedule does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Why the latest try failed; it is repeated until it succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How often it failed in a row.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub failures: u64,
}

/// The answer of [`super::endpoint::LIST_NOTIFICATIONS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotificationList {
    /// All of them, by name.
    pub notifications: Vec<NotificationRow>,
}

/// The answer of [`super::endpoint::REMOVE_NOTIFICATION`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotificationGone {
    /// Its name.
    pub gone: String,
}

/// The answer of [`super::endpoint::TEST_NOTIFICATION`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotificationTested {
    /// Where to, without what is secret in a URL.
    pub to: String,
    /// Why it could not be told; nothing if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}
