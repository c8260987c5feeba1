//! What a command gave: data for the faces to show, and the exit status that goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::api::jobs::{
    CancelResponse, JobInfo, JobList, JobLog, JobRow, JobStateResponse, PauseResponse, QueueStatus, Stream,
};
use c2_shared::api::why::Explanation;
use c2_shared::api::workers::{DetectResponse, Output, RemoveResponse, TagStatus, WorkerInfo, WorkerList, WorkerRow};
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use serde::Serialize;

use crate::command::cleanup_workspaces::CleanedWorker;
use crate::command::get_files::Fetched;
use crate::command::pdsh::Ran;
use crate::command::verify_ssh::Verified;
use c2_shared::checkup::Check;

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
    },
    Job(Box<JobInfo>),
    Submitted(JobId),
    /// A submitted job was waited for and has ended.
    Ended {
        job: Box<JobInfo>,
        /// What was kept of what it wrote.
        stdout: Output,
        /// What was kept of what it wrote to standard error.
        stderr: Output,
    },
    /// Jobs that were waited for; some have not ended when the time was over.
    Waited(Vec<JobRow>),
    /// Jobs that were followed to their end; what they wrote was shown meanwhile.
    Followed(Vec<JobRow>),
    /// What became of the jobs that were to be cancelled.
    Cancelled {
        /// Those that were, or are being ended.
        cancelled: Vec<CancelResponse>,
        /// Those that could not be.
        refused: Vec<Refusal>,
    },
    /// What a job wrote, to the byte.
    Output {
        job: JobId,
        stream: Stream,
        /// What was kept of it.
        output: Output,
    },
    /// What became of a job's files.
    Files(Fetched),
    /// What became of workspaces, worker by worker.
    Cleaned(Vec<CleanedWorker>),
    /// What a command on workers gave.
    Ran(Ran),
    /// Whether workers can be reached over ssh.
    Verified(Verified),
    Queue(QueueStatus),
    Log(JobLog),
    Groups(BTreeMap<String, BTreeSet<IpAddr>>),
    /// What a look at everything found.
    Examined(Vec<Check>),
    WorkerChanged(Box<WorkerRow>),
    WorkerRemoved(RemoveResponse),
    Tags(TagStatus),
    /// Tags that fit a worker.
    Detected(Box<DetectResponse>),
    /// What became of the jobs that were to be held or released.
    Changed {
        changed: Vec<JobStateResponse>,
        /// Those that could not be.
        refused: Vec<Refusal>,
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
    SubmittedAll(Vec<JobId>),
    Previewed(Vec<JobSpec>),
    /// A text, and its name in JSON.
    Text {
        name: &'static str,
        text: String,
    },
}

/// One of several jobs with which something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) job_id: JobId,
    pub(crate) message: String,
}

impl From<Data> for Outcome {
    /// An outcome of exit status 0.
    fn from(data: Data) -> Self {
        Self { data, exit: 0 }
    }
}
