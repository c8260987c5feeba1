//! The operations about jobs: submitting, looking, changing their course.

use c2_shared::api::error::ErrorCode;
use c2_shared::api::jobs::{
    BatchRequest, BatchResponse, BatchWaitResponse, CancelResponse, JobList, JobLog, JobStateResponse, JobsQuery,
    LogQuery, OutputQuery, PauseResponse, QueueStatus, RetryRequest, SubmitResponse, WaitQuery, WaitResponse,
};
use c2_shared::api::live::FollowQuery;
use c2_shared::api::why::Explanation;
use c2_shared::job::JobSpec;
use serde_json::{Value, json};

use crate::http::docs::of_workers::with;
use crate::http::docs::operation::{Operation, route};

const KEY: (&str, &str) =
    ("Idempotency-Key", "A key of the caller's choice: the same key within a day answers with the same jobs.");
/// What can stand in the way of new jobs.
const SUBMIT_REFUSALS: &[ErrorCode] =
    &[ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::QueueFull, ErrorCode::DiskFull];
/// The same where the jobs are made from ended ones, which may have been removed.
const RETRY_REFUSALS: &[ErrorCode] =
    &[ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::Gone, ErrorCode::QueueFull, ErrorCode::DiskFull];

pub(super) fn operations() -> Vec<Operation> {
    [submitted(), looked_at(), changed()].into_iter().flatten().collect()
}

fn submitted() -> Vec<Operation> {
    let spec = || json!({"command": "python3 train.py", "name": "train", "tags": ["gpu"], "timeout_s": 3600});
    let batch =
        || json!({"jobs": [{"command": "make", "name": "build"}, {"command": "make test", "depends": ["build"]}]});
    let ids = || json!({"job_ids": ["job-12", "job-13"]});
    vec![
        Operation::operator("post", route!(SUBMIT), "Submits a job")
            .header(KEY.0, KEY.1)
            .body::<JobSpec>(spec())
            .answers::<SubmitResponse>(201, json!({"job_id": "job-12"}))
            .refuses(SUBMIT_REFUSALS),
        Operation::operator("post", route!(SUBMIT_WAIT), "Submits a job and waits for its end")
            .about("After a minute, or `wait_s`, the answer comes in any case; `done` says whether the job has ended.")
            .query::<WaitQuery>()
            .header(KEY.0, KEY.1)
            .body::<JobSpec>(spec())
            .answers::<WaitResponse>(201, info())
            .refuses(SUBMIT_REFUSALS),
        Operation::operator("post", route!(SUBMIT_BATCH), "Submits jobs, all or none")
            .header(KEY.0, KEY.1)
            .body::<BatchRequest>(batch())
            .answers::<BatchResponse>(201, ids())
            .refuses(SUBMIT_REFUSALS),
        Operation::operator("post", route!(SUBMIT_BATCH_WAIT), "Submits jobs, all or none, and waits for their ends")
            .query::<WaitQuery>()
            .header(KEY.0, KEY.1)
            .body::<BatchRequest>(batch())
            .answers::<BatchWaitResponse>(201, json!({"done": true, "jobs": [row()]}))
            .refuses(SUBMIT_REFUSALS),
        Operation::operator("post", route!(RETRY), "Submits ended jobs again, all or none")
            .body::<RetryRequest>(ids())
            .answers::<BatchResponse>(201, json!({"job_ids": ["job-14", "job-15"]}))
            .refuses(RETRY_REFUSALS),
    ]
}

fn looked_at() -> Vec<Operation> {
    let queue = json!({"blocked": 0, "held": 0, "queued": 2, "running": 1, "active": 3, "capacity": 50_000,
        "ended": {"succeeded": 11}, "workers_online": 1, "slots": 4, "slots_used": 1, "recovering": false, "paused": false});
    let obstacle = json!({"kind": "tag_held", "tag": "gpu:0", "holders": ["job-11.1"]});
    let verdict = json!({"ip": "10.0.0.15", "hostname": "atlas", "obstacles": [obstacle]});
    vec![
        Operation::operator("get", route!(JOBS), "Lists jobs")
            .about("Those that have not ended, unless the query asks for others; in pages, by `after`.")
            .query::<JobsQuery>()
            .answers::<JobList>(200, json!({"jobs": [row()]})),
        Operation::operator("get", route!(JOB), "Shows one job, waiting for its end with `wait_s`")
            .query::<WaitQuery>()
            .answers::<WaitResponse>(200, info())
            .refuses(&[ErrorCode::Gone]),
        Operation::operator("get", route!(OUTPUT), "Reads what a job wrote, byte for byte")
            .query::<OutputQuery>()
            .about(
                "Of a job that runs, its worker is asked what it wrote so far. Only the beginning and the end of a long \
                output are kept, with a line between them that says how much is missing. With `Accept: \
                application/json` the answer is `{\"head\": .., \"dropped\": N, \"tail\": ..}` instead, in base64.",
            )
            .answers_other("application/octet-stream")
            .refuses(&[ErrorCode::Gone]),
        Operation::operator("get", route!(FOLLOW), "Streams what a job writes until it has ended")
            .about(
                "Server-sent events: `written` with a `Written` for each piece, at last `ended` with a `JobRow`. After a \
                break the positions behind the last piece go on where it broke.",
            )
            .query::<FollowQuery>()
            .answers_other("text/event-stream")
            .refuses(&[ErrorCode::Gone]),
        Operation::operator("get", route!(WHY), "Explains why a job does not run")
            .answers::<Explanation>(200, json!({"job": row(), "reasons": [], "workers": [verdict]}))
            .refuses(&[ErrorCode::Gone]),
        Operation::operator("get", route!(LOG), "Shows recent results, oldest first")
            .query::<LogQuery>()
            .answers::<JobLog>(
                200,
                json!({"results": [with(row(), json!({"seq": 12, "ended_at": "2026-01-31T18:00:05.000Z"}))]}),
            ),
        Operation::operator("get", route!(QUEUE_STATUS), "Shows the queue in numbers")
            .answers::<QueueStatus>(200, queue),
    ]
}

fn changed() -> Vec<Operation> {
    let ended = &[ErrorCode::Conflict];
    vec![
        Operation::operator("post", route!(CANCEL), "Cancels a job")
            .about("A running job's processes are being ended when the answer comes.")
            .answers::<CancelResponse>(200, json!({"job_id": "job-12", "state": "cancelled"}))
            .refuses(ended),
        Operation::operator("post", route!(HOLD), "Holds a job that has not started")
            .answers::<JobStateResponse>(200, json!({"job_id": "job-12", "state": "held"}))
            .refuses(ended),
        Operation::operator("post", route!(RELEASE), "Releases a held job")
            .answers::<JobStateResponse>(200, json!({"job_id": "job-12", "state": "queued"}))
            .refuses(ended),
        Operation::operator("post", route!(PAUSE), "Gives no new work to anybody")
            .answers::<PauseResponse>(200, json!({"paused": true})),
        Operation::operator("post", route!(UNPAUSE), "Goes on after a pause")
            .answers::<PauseResponse>(200, json!({"paused": false})),
    ]
}

fn row() -> Value {
    json!({
        "job_id": "job-12", "name": "train", "state": "succeeded", "command": "python3 train.py", "tags": ["gpu"],
        "worker": "10.0.0.15", "attempt": 1, "submitted_ms": 1_769_882_400_000_u64, "started_ms": 1_769_882_400_004_u64,
        "ended_ms": 1_769_882_405_000_u64, "outcome": {"kind": "exit", "code": 0},
    })
}

fn info() -> Value {
    let attempt = json!({"number": 1, "worker": "10.0.0.15", "started_ms": 1_769_882_400_004_u64});
    let spec = json!({"command": "python3 train.py", "name": "train", "tags": ["gpu"]});
    with(row(), json!({"done": true, "spec": spec, "attempts": [attempt], "stdout": "epoch 1\n", "stderr": ""}))
}
