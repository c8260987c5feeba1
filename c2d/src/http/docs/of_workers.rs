//! The operations about workers: what agents call, and what operators decide.

use c2_shared::api::error::ErrorCode;
use c2_shared::api::live::{NextRead, OutputAnswer};
use c2_shared::api::workers::{
    DetectQuery, DetectResponse, GroupsRequest, PlainPollResponse, PollRequest, PollResponse, RegisterRequest,
    RegisterResponse, RemoveResponse, ResultRequest, ResultResponse, TagStatus, TagsRequest, TargetWorkers, WorkerInfo,
    WorkerList, WorkerRow,
};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::http::docs::operation::{Operation, route};

pub(super) fn operations() -> Vec<Operation> {
    [looked_at(), decided(), called_by_agents()].into_iter().flatten().collect()
}

fn looked_at() -> Vec<Operation> {
    let info = with(row(), json!({"hardware": {}, "running": ["job-12"], "worker_id": "", "boot_id": ""}));
    let meant = json!({"ip": "10.0.0.15", "hostname": "atlas", "status": "online"});
    vec![
        Operation::operator("get", route!(WORKERS), "Lists all workers")
            .query::<crate::http::workers::Nothing>()
            .answers::<WorkerList>(200, json!({"workers": [row()]})),
        Operation::operator("get", route!(WORKER), "Shows one worker")
            .about("By address or host name, as wherever a worker is named.")
            .answers::<WorkerInfo>(200, info)
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("get", route!(TARGET), "Finds the workers that a target means")
            .about("`@all`, `@group`, addresses, names, ranges (`10.0.0.[11-13]`), with commas between them and `!` in front of what is excluded.")
            .answers::<TargetWorkers>(200, json!({"target": "@gpu,!10.0.0.16", "workers": [meant]}))
            .refuses(&[ErrorCode::Ambiguous]),
    ]
}

fn decided() -> Vec<Operation> {
    let tags = || json!({"ip": "10.0.0.15", "tags": {"disk": null, "gpu:0": "job-12.1"}});
    let suggestion = json!({"tag": "gpu:0", "reason": "RTX 4090 with 24 GiB", "offered": false});
    let detected = json!({"ip": "10.0.0.15", "hardware": {}, "suggestions": [suggestion], "applied": false});
    vec![
        Operation::operator("post", route!(GROUPS), "Puts a worker into groups")
            .body::<GroupsRequest>(json!({"groups": ["gpu"]}))
            .answers::<WorkerRow>(200, row())
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("delete", route!(GROUP), "Takes a worker out of a group")
            .answers::<WorkerRow>(200, row())
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("get", route!(TAGS), "Shows a worker's tags with their holders")
            .answers::<TagStatus>(200, tags())
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("post", route!(TAGS), "Sets the tags that a worker offers")
            .about("A tag that a job holds stays held, and is shown, until that job has ended.")
            .body::<TagsRequest>(json!({"tags": ["disk", "gpu:0"]}))
            .answers::<TagStatus>(200, tags())
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("post", route!(DETECT_TAGS), "Suggests tags from a worker's hardware")
            .about("With `apply` they are added to those that it offers.")
            .query::<DetectQuery>()
            .answers::<DetectResponse>(200, detected)
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("post", route!(DRAIN), "Lets a worker finish what it has and gives it nothing new")
            .answers::<WorkerRow>(200, row())
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("post", route!(RESUME), "Gives a drained worker work again")
            .answers::<WorkerRow>(200, row())
            .refuses(&[ErrorCode::Ambiguous]),
        Operation::operator("delete", route!(REMOVE_WORKER), "Forgets a worker that is offline and holds nothing")
            .answers::<RemoveResponse>(200, json!({"ip": "10.0.0.15"}))
            .refuses(&[ErrorCode::Conflict, ErrorCode::Ambiguous]),
    ]
}

fn called_by_agents() -> Vec<Operation> {
    let register = json!({"hostname": "atlas", "slots": 4});
    let registered = json!({"ip": "10.0.0.15", "server_version": env!("CARGO_PKG_VERSION")});
    let poll = json!({"worker_id": "w", "boot_id": "b", "session": "s", "seq": 7, "slots_free": 2,
        "running": ["job-12.1"], "wait_s": 5});
    let spec = json!({"command": "echo hello world"});
    let work = json!({"job": {"attempt": "job-12.1", "job_id": "job-12", "tags": [], "spec": spec}});
    vec![
        Operation::worker("post", route!(REGISTER), "Registers a worker or updates what it said")
            .about("Without a body the worker is known by the address of its connection and has 4 slots.")
            .optional_body::<RegisterRequest>(register)
            .answers::<RegisterResponse>(200, registered)
            .refuses(&[ErrorCode::Conflict]),
        Operation::worker("post", route!(GET_WORK), "Polls for work")
            .about(
                "Without a body the answer comes at once, with one job or none. An agent sends all that it holds; \
                the answer then waits up to `wait_s` seconds for something to say.",
            )
            .optional_body::<PollRequest>(poll)
            .answers_shape(work_answer, work)
            .refuses(&[ErrorCode::Conflict]),
        Operation::worker("post", route!(RESULT), "Delivers the result of one attempt")
            .body::<ResultRequest>(json!({"attempt": "job-12.1", "exit_code": 0, "stdout": "hello world\n"}))
            .answers::<ResultResponse>(200, json!({"status": "recorded"}))
            .refuses(&[ErrorCode::Conflict, ErrorCode::Fenced]),
        Operation::worker("post", route!(LIVE), "Says what an attempt wrote, as c2d asked")
            .about("The question is a directive in the answer to a poll; the answer here may be the next one.")
            .body::<OutputAnswer>(json!({"id": 1, "running": true, "stdout": {"offset": 0, "data": "aGVsbG8K"}}))
            .answers::<NextRead>(200, json!({"read": null}))
            .refuses(&[ErrorCode::Conflict]),
    ]
}

fn work_answer(generator: &mut SchemaGenerator) -> Schema {
    let (full, plain) = (generator.subschema_for::<PollResponse>(), generator.subschema_for::<PlainPollResponse>());
    json_schema!({"anyOf": [full, plain]})
}

fn row() -> Value {
    json!({
        "ip": "10.0.0.15", "hostname": "atlas", "status": "online", "groups": ["gpu"], "slots": 4, "slots_used": 1,
        "tags": {"disk": null, "gpu:0": "job-12.1"}, "silent_ms": 812, "load": {}, "version": env!("CARGO_PKG_VERSION"),
    })
}

/// An object with the members of another added.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
