//! An outcome as one JSON document in one line: the types of c2d's HTTP interface wherever there
//! is one, and a few small ones where the console puts several answers together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use c2_shared::api::jobs::{BatchResponse, CancelResponse, JobRow, JobStateResponse, Stream, SubmitResponse};
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::JobSpec;
use serde::Serialize;

use crate::command::cleanup_workspaces::CleanedWorker;
use crate::command::outcome::{Data, Outcome, Refusal};
use c2_shared::checkup::Check;

#[derive(Serialize)]
struct Waited<'a> {
    jobs: &'a [JobRow],
}

#[derive(Serialize)]
struct Cancelled<'a> {
    cancelled: &'a [CancelResponse],
    refused: &'a [Refusal],
}

#[derive(Serialize)]
struct Cleaned<'a> {
    workers: &'a [CleanedWorker],
}

#[derive(Serialize)]
struct Examined<'a> {
    checks: &'a [Check],
}

#[derive(Serialize)]
struct Groups<'a> {
    groups: &'a BTreeMap<String, BTreeSet<IpAddr>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    changed: &'a [JobStateResponse],
    refused: &'a [Refusal],
}

#[derive(Serialize)]
struct Retried<'a> {
    ended: &'a [JobId],
    /// The new jobs, in the same order.
    job_ids: &'a [JobId],
}

#[derive(Serialize)]
struct Previewed<'a> {
    jobs: &'a [JobSpec],
}

#[derive(Serialize)]
struct Output {
    job_id: JobId,
    stream: Stream,
    /// To the byte, hence base64; `job` has the same as text.
    content: Bytes64,
    /// Bytes that were not kept.
    dropped: u64,
    /// Where in `content` they would stand.
    dropped_at: Option<u64>,
}

/// An outcome as JSON without a line end.
pub(crate) fn json(outcome: &Outcome) -> String {
    match &outcome.data {
        Data::Workers(list) => written(list),
        Data::Worker(info) => written(info),
        Data::Jobs { list, .. } => written(list),
        Data::Job(job) | Data::Ended { job, .. } => written(job),
        Data::Submitted(job_id) => written(&SubmitResponse { job_id: *job_id }),
        Data::Waited(jobs) | Data::Followed(jobs) => written(&Waited { jobs }),
        Data::Cancelled { cancelled, refused } => written(&Cancelled { cancelled, refused }),
        Data::Output { job, stream, output } => written(&Output {
            job_id: *job,
            stream: *stream,
            content: Bytes64(output.kept()),
            dropped: output.dropped,
            dropped_at: output.dropped_at(),
        }),
        Data::Files(fetched) => written(fetched),
        Data::Cleaned(workers) => written(&Cleaned { workers }),
        Data::Ran(ran) => written(ran),
        Data::Verified(verified) => written(verified),
        Data::Queue(queue) => written(queue),
        Data::Log(log) => written(log),
        Data::Examined(checks) => written(&Examined { checks }),
        Data::Groups(groups) => written(&Groups { groups }),
        Data::WorkerChanged(row) => written(row),
        Data::WorkerRemoved(answer) => written(answer),
        Data::Tags(status) => written(status),
        Data::Detected(answer) => written(answer),
        Data::Changed { changed, refused } => written(&Changed { changed, refused }),
        Data::Retried { ended, again } => written(&Retried { ended, job_ids: again }),
        Data::Paused(answer) => written(answer),
        Data::Why(explanation) => written(explanation),
        Data::SubmittedAll(job_ids) => written(&BatchResponse { job_ids: job_ids.clone() }),
        Data::Previewed(jobs) => written(&Previewed { jobs }),
        Data::Text { name, text } => written(&BTreeMap::from([(name, text)])),
    }
}

fn written(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("our documents have text keys and finite numbers only")
}
