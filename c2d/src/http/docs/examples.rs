//! Examples of what goes in and comes out, one for a type. A type without one does without.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The id of the worker in all examples.
const WORKER_ID: &str = "3f2a9c01d4e5b6a7980f1e2d3c4b5a69";

/// The SHA-256 of an empty file.
pub(super) const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Each example by the name of its type.
pub(crate) fn examples() -> BTreeMap<&'static str, Value> {
    jobs().into_iter().chain(workers()).chain(others()).collect()
}

fn jobs() -> Vec<(&'static str, Value)> {
    let row = json!({"job_id": "job-12", "name": "train", "state": "succeeded", "command": "python3 train.py",
        "tags": ["gpu"], "worker": "10.0.0.15", "attempt": 1, "submitted_ms": 1_769_882_400_000_u64,
        "started_ms": 1_769_882_400_004_u64, "ended_ms": 1_769_882_405_000_u64, "outcome": {"kind": "exit", "code": 0}});
    let attempt = json!({"number": 1, "worker": "10.0.0.15", "started_ms": 1_769_882_400_004_u64});
    let spec = json!({"command": "python3 train.py", "name": "train", "tags": ["gpu"]});
    let info = json!({"done": true, "spec": spec, "attempts": [attempt], "stdout": "epoch 1\n", "stderr": ""});
    let obstacle = json!({"kind": "tag_held", "tag": "gpu:0", "holders": ["job-11.1"]});
    let verdict = json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "hostname": "atlas", "obstacles": [obstacle]});
    let logged = with(&row, json!({"seq": 12, "ended_at": "2026-01-31T18:00:05.000Z"}));
    let file = json!({"path": "out/a.png", "size": 81_920, "sha256": NOTHING, "mode": 0o644});
    let two = json!([{"command": "make", "name": "build"}, {"command": "make test", "depends": ["build"]}]);
    let run = json!({"at_ms": 1_769_882_400_000_u64, "job_id": "job-12", "state": "succeeded"});
    let night = json!({"batch": "night", "jobs": 100, "blocked": 0, "held": 0, "queued": 56, "running": 4,
        "succeeded": 38, "failed": 2, "cancelled": 0, "max_running": 4, "submitted_ms": 1_767_225_600_000_u64,
        "eta_s": 840});
    let schedule = json!({"name": "backup", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "overlap": "skip",
        "missed": "once", "paused": false, "next_ms": 1_769_968_800_000_u64, "last": "succeeded", "spec": spec,
        "runs": [run]});
    let notification = json!({"name": "phone", "on": ["failed", "worker-offline"], "to": "mail:me@example.org"});
    vec![
        ("JobSpec", json!({"command": "python3 train.py", "name": "train", "tags": ["gpu"], "timeout_s": 3600})),
        ("SubmitResponse", json!({"job_id": "job-12"})),
        ("WaitResponse", with(&row, info)),
        ("BatchRequest", json!({"jobs": two})),
        ("BatchRow", night.clone()),
        ("BatchList", json!({"batches": [night]})),
        ("BatchResponse", json!({"job_ids": ["job-14", "job-15"]})),
        ("BatchWaitResponse", json!({"done": true, "jobs": [row]})),
        ("RetryRequest", json!({"job_ids": ["job-12", "job-13"]})),
        ("JobList", json!({"jobs": [row]})),
        ("Explanation", json!({"job": row, "reasons": [], "workers": [verdict]})),
        ("JobLog", json!({"results": [logged]})),
        (
            "QueueStatus",
            json!({"blocked": 0, "held": 0, "queued": 2, "running": 1, "active": 3, "capacity": 50_000,
                "ended": {"succeeded": 11}, "workers_online": 1, "slots": 4, "slots_used": 1, "recovering": false,
                "paused": false}),
        ),
        ("ScheduleRequest", json!({"name": "backup", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "spec": spec})),
        ("ScheduleChange", json!({"cron": "0 4 * * *", "set": {"priority": 5}})),
        ("ScheduleCheck", json!({"change": {"cron": "0 4 * * *"}})),
        ("ScheduleOutlook", json!({"schedule": schedule, "instants_ms": [1_769_910_000_000_u64]})),
        ("ScheduleRow", schedule.clone()),
        ("ScheduleList", json!({"schedules": [schedule]})),
        ("ScheduleGone", json!({"gone": "backup"})),
        (
            "NotificationRequest",
            json!({"name": "phone", "on": ["failed", "worker-offline"], "to": "mail:me@example.org"}),
        ),
        ("NotificationChange", json!({"set": {"on": ["ended"], "group": null}})),
        ("NotificationRow", notification.clone()),
        ("NotificationList", json!({"notifications": [notification]})),
        ("NotificationGone", json!({"gone": "phone"})),
        ("NotificationTested", json!({"to": "mail:me@example.org"})),
        ("CancelResponse", json!({"job_id": "job-12", "state": "cancelled"})),
        ("JobStateResponse", json!({"job_id": "job-12", "state": "held"})),
        ("PauseResponse", json!({"paused": true})),
        (
            "JobFiles",
            json!({"job_id": "job-12", "attempt": 1, "files": [file], "problems": ["nothing matches \"*.gif\""]}),
        ),
        ("ResultRequest", json!({"attempt": "job-12.1", "exit_code": 0, "stdout": "hello world\n"})),
        ("ResultResponse", json!({"status": "recorded"})),
    ]
}

fn workers() -> Vec<(&'static str, Value)> {
    let row = json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "hostname": "atlas", "status": "online", "groups": ["gpu"], "slots": 4,
        "slots_used": 1, "tags": {"disk": null, "gpu:0": "job-12.1"}, "silent_ms": 812, "load": {},
        "version": env!("CARGO_PKG_VERSION")});
    let info = json!({"hardware": {}, "running": ["job-12"], "worker_id": "", "boot_id": ""});
    let meant = json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "hostname": "atlas", "status": "online"});
    let kept = json!({"name": "job-12", "reason": "its job has not ended"});
    let suggestion = json!({"tag": "gpu:0", "reason": "RTX 4090 with 24 GiB", "offered": false});
    let job = json!({"attempt": "job-12.1", "job_id": "job-12", "tags": [], "spec": {"command": "echo hello world"}});
    vec![
        ("WorkerList", json!({"workers": [row]})),
        ("WorkerInfo", with(&row, info)),
        ("WorkerRow", row),
        ("TargetWorkers", json!({"target": "@gpu,!10.0.0.16", "workers": [meant]})),
        ("GroupsRequest", json!({"groups": ["gpu"]})),
        ("TagsRequest", json!({"tags": ["disk", "gpu:0"]})),
        ("TagStatus", json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "tags": {"disk": null, "gpu:0": "job-12.1"}})),
        (
            "DetectResponse",
            json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "hardware": {}, "suggestions": [suggestion], "applied": false}),
        ),
        (
            "CleanupResponse",
            json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "removed": ["job-11"], "kept": [kept], "freed_bytes": 86_016}),
        ),
        ("UpgradeResponse", json!({"ip": "10.0.0.15", "worker_id": WORKER_ID, "from": "0.1.0", "to": "0.2.0"})),
        ("RemoveResponse", json!({"ip": "10.0.0.15", "worker_id": WORKER_ID})),
        ("RegisterRequest", json!({"hostname": "atlas", "slots": 4})),
        ("RegisterResponse", json!({"ip": "10.0.0.15", "server_version": env!("CARGO_PKG_VERSION")})),
        (
            "PollRequest",
            json!({"worker_id": "w", "boot_id": "b", "session": "s", "seq": 7, "slots_free": 2,
                "running": ["job-12.1"], "wait_s": 5}),
        ),
        ("WorkAnswer", json!({"job": job})),
        ("OutputAnswer", json!({"id": 1, "running": true, "stdout": {"offset": 0, "data": "aGVsbG8K"}})),
        ("OldWorkspacesRequest", json!({"job_ids": ["job-1", "job-12"], "days": 7})),
        ("OldWorkspaces", json!({"job_ids": ["job-1"]})),
        ("NextRead", json!({"read": null})),
    ]
}

fn others() -> Vec<(&'static str, Value)> {
    let known = json!({"id": "5f0c93a1", "role": "worker", "name": "atlas", "made_ms": 1_769_882_400_000_u64,
        "this_machine_only": false});
    vec![
        ("BlobStatus", json!({"sha256": NOTHING, "size": 0, "complete": true})),
        ("InviteRequest", json!({"role": "worker", "uses": 3, "expires_s": 3600})),
        ("InviteResponse", json!({"line": "c2j1.SECRET.FINGERPRINT@10.0.0.6:30814"})),
        ("JoinProofs", json!({"proofs": ["PDNJ0v0ZxHx6zmPQ8a0xwCJuZ7Qm3q1n0bV2k5s4T8U"]})),
        ("JoinRequest", json!({"name": "atlas", "worker_id": "4c1f", "roles": ["worker"]})),
        ("JoinResponse", json!({"token": "c2w1.SECRET"})),
        ("TokenList", json!({"tokens": [known]})),
        ("TokenGone", json!({"gone": "5f0c93a1"})),
        (
            "Metrics",
            json!({"version": env!("CARGO_PKG_VERSION"), "uptime_s": 60, "jobs_processed": 11, "jobs_submitted": 14,
                "active_workers": 1, "queue_size": 3, "requests": 420}),
        ),
    ]
}

/// An object with the members of another added.
fn with(object: &Value, more: Value) -> Value {
    let mut object = object.clone();
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
