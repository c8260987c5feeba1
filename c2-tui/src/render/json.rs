//! An outcome as one JSON document in one line: the types of c2d's HTTP interface wherever there
//! is one, and a few small ones where the console puts several answers together.

use std::collections::BTreeMap;

use c2_shared::api::batches::BatchResponse;
use c2_shared::api::jobs::{JobStateResponse, SubmitResponse};
use c2_shared::api::many::RefusedJob;
use c2_shared::api::output::Streams;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use serde::Serialize;

use crate::command::outcome::{Data, Outcome};

#[derive(Serialize)]
struct Cancelled<'a> {
    cancelled: &'a [JobStateResponse],
    refused: &'a [RefusedJob],
}

#[derive(Serialize)]
struct Changed<'a> {
    changed: &'a [JobStateResponse],
    refused: &'a [RefusedJob],
}

#[derive(Serialize)]
struct Retried<'a> {
    ended: &'a [JobId],
    /// The new jobs, in the same order.
    job_ids: &'a [JobId],
}

#[derive(Serialize)]
struct Output<'a> {
    job_id: JobId,
    stream: Streams,
    /// To the byte, hence base64; `job` has the same as text.
    content: Bytes64,
    /// Bytes that were not kept.
    dropped: u64,
    /// Where in `content` they would stand.
    dropped_at: Option<u64>,
    /// Why, if they should be there.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
}

/// An outcome as JSON without a line end.
pub(crate) fn json(outcome: &Outcome) -> String {
    match &outcome.data {
        Data::Workers(list) => written(list),
        Data::Worker(info) => written(info),
        Data::Jobs { list, .. } => written(list),
        Data::Job(job) | Data::Ended { job, .. } => written(job),
        Data::Submitted(job_id, notes) => written(&SubmitResponse { job_id: *job_id, notes: notes.clone() }),
        Data::Waited(jobs) | Data::Followed(jobs) => written(&named("jobs", jobs)),
        Data::Cancelled { cancelled, refused } => written(&Cancelled { cancelled, refused }),
        Data::Output { job, stream, output } => written(&Output {
            job_id: *job,
            stream: *stream,
            content: Bytes64(output.kept()),
            dropped: output.dropped,
            dropped_at: output.dropped_at(),
            reason: &output.reason,
        }),
        Data::Files(jobs) => match jobs.as_slice() {
            [one] => written(one),
            several => written(&named("jobs", several)),
        },
        Data::Cleaned(workers) => written(&named("workers", workers)),
        Data::Upgraded(workers) => written(&named("workers", workers)),
        Data::Ran(ran) => written(ran),
        Data::CopyPlanned(plan) => written(plan),
        Data::Verified(verified) => written(verified),
        Data::Added(machines) => written(&named("workers", machines)),
        Data::Queue(queue) => written(queue),
        Data::Batches(list) => written(list),
        Data::Batch(row) => written(row),
        Data::Schedules(list) => written(list),
        Data::Schedule(row) => written(row),
        Data::ScheduleForeseen { outlook, .. } => written(outlook),
        Data::ScheduleGone(answer) => written(answer),
        Data::Notifications(list) => written(list),
        Data::Notification(row) => written(row),
        Data::NotificationGone(answer) => written(answer),
        Data::NotificationTested(answer) => written(answer),
        Data::Stats(stats) => written(stats),
        Data::Timeline(timeline) => written(timeline),
        Data::Log { log, .. } => written(log),
        Data::Examined(checks) => written(&named("checks", checks)),
        Data::Groups(groups) => written(&named("groups", groups)),
        Data::WorkerChanged(row) | Data::Resources(row) => written(row),
        Data::WorkersChanged(rows) | Data::ResourcesOfAll(rows) => written(&named("workers", rows)),
        Data::WorkerToLose(info) => written(info),
        Data::WorkerRemoved(answer) => written(answer),
        Data::Tags(status) => written(status),
        Data::TagsOfAll(all) => written(&named("workers", all)),
        Data::Detected(answer) => written(answer),
        Data::Changed { changed, refused } => written(&Changed { changed, refused }),
        Data::Retried { ended, again } => written(&Retried { ended, job_ids: again }),
        Data::Paused(answer) => written(answer),
        Data::Why(explanation) => written(explanation),
        Data::SubmittedAll(job_ids, notes) => {
            written(&BatchResponse { job_ids: job_ids.clone(), notes: notes.clone() })
        }
        Data::Previewed(jobs) => written(&named("jobs", jobs)),
        Data::Text { name, text } => written(&named(name, text)),
    }
}

/// A document of one field.
fn named<T>(name: &'static str, value: T) -> BTreeMap<&'static str, T> {
    BTreeMap::from([(name, value)])
}

fn written(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("our documents have text keys and finite numbers only")
}
