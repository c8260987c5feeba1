//! What a command gave: data for the faces to show, and the exit status that goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use c2_shared::api::batches::{BatchList, BatchRow, JobNote};
use c2_shared::api::figures::{Stats, Timeline};
use c2_shared::api::files::{Cleaned, JobFile};
use c2_shared::api::jobs::{JobInfo, JobList, JobLog, JobRow, JobStateResponse, PauseResponse, QueueStatus};
use c2_shared::api::many::RefusedJob;
use c2_shared::api::notifications::{NotificationGone, NotificationList, NotificationRow, NotificationTested};
use c2_shared::api::output::Output;
use c2_shared::api::output::Streams;
use c2_shared::api::schedules::{ScheduleGone, ScheduleList, ScheduleOutlook, ScheduleRow};
use c2_shared::api::why::Explanation;
use c2_shared::api::workers::{DetectResponse, RemoveResponse, TagStatus, WorkerInfo, WorkerList, WorkerRow};
use c2_shared::checkup::Check;
use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::JobSpec;
use serde::Serialize;

use crate::ssh::check::Checked;
use crate::ssh::learn::Learned;
use crate::ssh::plan::Host;
use crate::ssh::run::HostRun;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) data: Data,
    /// The exit status of a script that ends with it; a waiting command takes the job's own.
    pub(crate) exit: i32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Workers(WorkerList),
    Worker(Box<WorkerInfo>),
    /// A page of jobs, and whether ended ones were asked for too.
    Jobs {
        list: JobList,
        /// Whether only jobs that have not ended were asked for.
        active_only: bool,
        /// Whether only some jobs were asked for.
        filtered: bool,
    },
    Job(Box<JobInfo>),
    /// A submitted job, and what c2d noted about it.
    Submitted(JobId, Vec<String>),
    /// A submitted job was waited for and has ended.
    Ended {
        job: Box<JobInfo>,
        /// What it wrote, where it was not told as it came.
        output: Output,
    },
    /// Jobs that were waited for; some have not ended when the time was over.
    Waited(Vec<JobRow>),
    /// Jobs that were followed to their end; what they wrote was shown meanwhile.
    Followed(Vec<JobRow>),
    /// What became of the jobs that were to be cancelled.
    Cancelled {
        /// Those that were, or are being ended.
        cancelled: Vec<JobStateResponse>,
        /// Those that could not be.
        refused: Vec<RefusedJob>,
    },
    /// What a job wrote, to the byte.
    Output {
        job: JobId,
        stream: Streams,
        /// What was kept of it.
        output: Output,
    },
    /// What became of the files of each job.
    Files(Vec<Fetched>),
    /// What became of workspaces, worker by worker.
    Cleaned(Vec<CleanedWorker>),
    /// What became of the programs of agents, worker by worker.
    Upgraded(Vec<UpgradedWorker>),
    /// What a command on workers gave.
    Ran(Ran),
    /// What a copy would do.
    CopyPlanned(CopyPlan),
    /// Whether workers can be reached over ssh.
    Verified(Verified),
    /// What came of machines that were to become workers.
    Added(Vec<Added>),
    Queue(QueueStatus),
    Batches(BatchList),
    Batch(Box<BatchRow>),
    Schedules(ScheduleList),
    Schedule(Box<ScheduleRow>),
    /// What a schedule would be.
    ScheduleForeseen {
        outlook: Box<ScheduleOutlook>,
        /// Whether it would be added, not changed.
        is_new: bool,
    },
    /// The name of a schedule that is no more.
    ScheduleGone(ScheduleGone),
    Notifications(NotificationList),
    Notification(Box<NotificationRow>),
    /// The name of a notification that is no more.
    NotificationGone(NotificationGone),
    /// A target was told something for a test.
    NotificationTested(NotificationTested),
    Stats(Stats),
    Timeline(Timeline),
    Log {
        log: JobLog,
        /// Whether not all results were asked for.
        filtered: bool,
    },
    Groups(BTreeMap<String, BTreeSet<IpAddr>>),
    /// What a look at everything found.
    Examined(Vec<Check>),
    WorkerChanged(Box<WorkerRow>),
    WorkersChanged(Vec<WorkerRow>),
    Resources(Box<WorkerRow>),
    ResourcesOfAll(Vec<WorkerRow>),
    /// A worker that is not yet removed as lost.
    WorkerToLose(Box<WorkerInfo>),
    WorkerRemoved(RemoveResponse),
    Tags(TagStatus),
    TagsOfAll(Vec<TagStatus>),
    /// Tags that fit a worker.
    Detected(Box<DetectResponse>),
    /// What became of the jobs that were to be held, released, moved or changed.
    Changed {
        changed: Vec<JobStateResponse>,
        /// Those that could not be.
        refused: Vec<RefusedJob>,
    },
    /// Ended jobs, and the new ones in their place.
    Retried {
        ended: Vec<JobId>,
        /// The new ones, in the same order.
        again: Vec<JobId>,
    },
    /// Whether the queue is stopped now.
    Paused(PauseResponse),
    /// Why a job does not run.
    Why(Box<Explanation>),
    /// Jobs that were accepted together.
    SubmittedAll(Vec<JobId>, Vec<JobNote>),
    Previewed(Vec<JobSpec>),
    /// A text, and its name in JSON.
    Text {
        name: &'static str,
        text: String,
    },
}

/// What a command on workers gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ran {
    #[serde(rename = "workers")]
    pub(crate) runs: Vec<HostRun>,
    /// What of it is still to be shown.
    #[serde(skip)]
    pub(crate) unshown: Unshown,
}

/// What would be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CopyPlan {
    /// Files and folders.
    pub(crate) copy: Vec<String>,
    /// How many files that are; known of this machine's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    pub(crate) workers: Vec<Planned>,
}

/// Where something would be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Planned {
    pub(crate) ip: IpAddr,
    pub(crate) hostname: String,
    pub(crate) dir: String,
}

impl Planned {
    pub(crate) fn new(host: &Host, dir: String) -> Self {
        Self { ip: host.ip, hostname: host.hostname.clone(), dir }
    }
}

/// What of the outputs nobody has seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unshown {
    /// Nothing: the lines were shown as they came.
    Nothing,
    Folded,
}

/// Whether workers can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verified {
    pub(crate) workers: Vec<Checked>,
    /// Host keys that were asked for.
    pub(crate) learned: Vec<Learned>,
}

/// What came of a machine that was to become a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Added {
    pub(crate) ip: IpAddr,
    pub(crate) hostname: String,
    /// Whether it is a worker now, and c2d has heard it.
    pub(crate) added: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) worker_id: Option<WorkerId>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) hint: String,
}

/// What became of one worker's workspaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CleanedWorker {
    pub(crate) ip: IpAddr,
    /// What it did; nothing if it could not be asked.
    #[serde(flatten)]
    pub(crate) cleaned: Option<Cleaned>,
    /// Why it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

/// What became of the program of one worker's agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UpgradedWorker {
    pub(crate) ip: IpAddr,
    /// The versions before and now, where it did what was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// Why it keeps its program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// What became of a job's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fetched {
    pub(crate) job_id: JobId,
    /// Where they are; none if they were only listed.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) files: Vec<FetchedFile>,
    /// What the job was to leave and did not.
    pub(crate) problems: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FetchedFile {
    /// The file as c2d lists it.
    #[serde(flatten)]
    pub(crate) file: JobFile,
    pub(crate) status: Status,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It is at c2d.
    Listed,
    Saved,
    /// It was there already.
    Unchanged,
    /// It could not be written.
    Refused,
}

impl From<Data> for Outcome {
    /// An outcome of exit status 0.
    fn from(data: Data) -> Self {
        Self { data, exit: 0 }
    }
}
