//! What people and programs see of each outcome, from answers as c2d writes them.

use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::{Cleaned, JobFile, Kept};
use c2_shared::api::jobs::{JobInfo, JobList, JobLog, JobRow, JobStateResponse, QueueStatus};
use c2_shared::api::many::RefusedJob;
use c2_shared::api::output::Output;
use c2_shared::api::output::Streams;
use c2_shared::api::workers::{WorkerInfo, WorkerList};
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::JobId;
use c2_shared::job::JobState;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::command::outcome::{CleanedWorker, Fetched, FetchedFile, Status};
use crate::command::outcome::{Data, Outcome};
use crate::render;
use crate::render::look::Look;

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn check(data: &Data, expected: &str) {
    let look = Look { width: u16::MAX, colour: false, zone: || TimeZone::UTC };
    assert_eq!(render::text::data(&look, data), expected, "{data:?}");
}

fn failed_job() -> Value {
    json!({
        "job_id": "job-3", "name": "nightly", "state": "failed", "command": "make -j4 all", "tags": ["gpu:0", "disk"],
        "worker": "10.0.0.15", "attempt": 2, "submitted_ms": 1_700_000_000_000_u64,
        "started_ms": 1_700_000_001_000_u64, "ended_ms": 1_700_000_004_200_u64, "outcome": {"kind": "exit", "code": 2},
    })
}

fn queued_job() -> Value {
    json!({"job_id": "job-12", "state": "queued", "command": "echo \u{1b}[2J", "submitted_ms": 1_700_000_060_000_u64})
}

fn worker() -> Value {
    json!({
        "ip": "10.0.0.15", "worker_id": "3f2a9c01d4e5", "hostname": "atlas", "status": "online", "groups": ["cpu", "gpu"], "slots": 4,
        "slots_used": 1, "tags": {"disk": null, "gpu:0": "job-3.2"}, "silent_ms": 2_100, "version": "0.1.0",
        "load": {"cpu_percent": 12.4, "memory_used_bytes": 1_u64 << 33, "memory_total_bytes": 1_u64 << 35, "load_1m": 0.5},
    })
}

#[test]
fn workers() {
    check(
        &Data::Workers(read::<WorkerList>(&json!({"workers": [worker()]}))),
        "WORKER     HOST   STATUS  SLOTS  CPU  MEMORY  GROUPS    TAGS               HEARD\n\
         10.0.0.15  atlas  online    1/4  12%     25%  cpu, gpu  disk, gpu:0=job-3   2.1s\n",
    );
    let mut info = worker();
    let more = json!({
        "hardware": {"os": "Linux", "arch": "x86_64", "cpu_model": "a fast one", "cpu_cores": 16, "memory_bytes": 1_u64 << 35,
            "gpus": [{"index": 0, "name": "G", "memory_bytes": 1_u64 << 34}]},
        "running": ["job-3"], "worker_id": "w", "boot_id": "b",
    });
    info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    check(
        &Data::Worker(Box::new(read::<WorkerInfo>(&info))),
        "worker   10.0.0.15\n\
         host     atlas\n\
         status   online\n\
         id       w\n\
         heard    2.1s ago\n\
         slots    1/4 used\n\
         running  job-3\n\
         groups   cpu, gpu\n\
         tags     disk, gpu:0=job-3\n\
         load     cpu 12%, average 0.50, memory 25%\n\
         system   Linux x86_64\n\
         cpu      16 x a fast one\n\
         memory   32 GiB\n\
         gpu      0: G, 16 GiB\n\
         agent    0.1.0\n",
    );
}

#[test]
fn jobs() {
    let list = read::<JobList>(&json!({"jobs": [failed_job(), queued_job()], "next_after": "job-12"}));
    check(
        &Data::Jobs { list, active_only: false, filtered: false },
        "JOB     STATE   OUTCOME  NAME     TAGS         WORKER     SUBMITTED    TOOK  COMMAND\n\
         job-3   failed  exit 2   nightly  gpu:0, disk  10.0.0.15  11-14 22:13  3.2s  make -j4 all\n\
         job-12  queued                                            11-14 22:14        echo \\u001b[2J\n\
         there are more after job-12; `--limit N` shows more\n",
    );
}

#[test]
fn empty_lists_say_why_and_what_next() {
    check(
        &Data::Workers(WorkerList::default()),
        "no worker has registered yet\nstart `c2-agent` on each machine, or one here with `c2-tui --local`\n",
    );
    check(
        &Data::Jobs { list: JobList::default(), active_only: true, filtered: false },
        "no job is waiting or running\n`jobs --all` lists those that have ended, `submit \"echo hello\"` adds one\n",
    );
    check(
        &Data::Jobs { list: JobList::default(), active_only: false, filtered: false },
        "there is no job\n`submit \"echo hello\"` adds one\n",
    );
    check(
        &Data::Jobs { list: JobList::default(), active_only: false, filtered: true },
        "no job fits these filters\n`jobs --all` without them lists all\n",
    );
    check(
        &Data::Log { log: JobLog::default(), filtered: true },
        "no result fits these filters\n`log` without them shows the latest results\n",
    );
    check(
        &Data::Log { log: JobLog::default(), filtered: false },
        "no job has ended yet\n`jobs` lists those that wait or run\n",
    );
}

#[test]
fn a_job_in_full() {
    let mut info = failed_job();
    let attempt = |number: u32, outcome: Value, kept: bool| json!({"number": number, "worker": "10.0.0.15", "started_ms": 1_700_000_001_000_u64, "ended_ms": 1_700_000_002_500_u64, "outcome": outcome, "output_kept": kept});
    let running = json!({"number": 3, "worker": "10.0.0.15", "started_ms": 1_700_000_001_000_u64});
    let lines: String = (1..=12).map(|n| format!("line {n}\n")).collect();
    let more = json!({
        "spec": {
            "command": "make -j4 all", "tags": ["gpu:0", "disk"], "env": {"A": "b"}, "timeout_s": 90, "retries": 1, "depends": ["any:job-1"], "stdin": "",
            "umask": "022", "retry_delay_s": 5, "on_lost": "fail", "hold": true, "begin_at": 1_700_000_000_000_u64,
        },
        "attempts": [attempt(1, json!({"kind": "lost"}), false), attempt(2, json!({"kind": "exit", "code": 2}), true), running],
        "stdout": lines, "stderr": "no rule\u{7}\n",
    });
    info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let shown: String = (3..=12).map(|n| format!("line {n}\n")).collect();
    let expected = format!(
        "job          job-3\n\
         name         nightly\n\
         state        failed\n\
         outcome      exit 2\n\
         command      make -j4 all\n\
         tags         gpu:0, disk\n\
         depends      any:job-1\n\
         stdin        a file\n\
         env          A=b\n\
         umask        022\n\
         timeout      1m30s\n\
         retries      1\n\
         retry delay  5.0s\n\
         on lost      fail\n\
         hold         yes\n\
         begin at     2023-11-14 22:13:20 UTC\n\
         worker       10.0.0.15\n\
         submitted    2023-11-14 22:13:20\n\
         started      2023-11-14 22:13:21\n\
         ended        2023-11-14 22:13:24\n\
         took         3.2s\n\
         \n\
         ATTEMPT  WORKER     STARTED              TOOK  OUTCOME      OUTPUT\n\
         \u{20}     1  10.0.0.15  2023-11-14 22:13:21  1.5s  worker lost  not kept\n\
         \u{20}     2  10.0.0.15  2023-11-14 22:13:21  1.5s  exit 2       kept\n\
         \u{20}     3  10.0.0.15  2023-11-14 22:13:21\n\
         \n\
         stdout, 2 lines before; `output job-3` shows all\n\
         {shown}\n\
         stderr\n\
         no rule\\u0007\n"
    );
    check(&Data::Job(Box::new(read::<JobInfo>(&info))), &expected);
}

#[test]
fn the_queue_and_the_log() {
    let queue = QueueStatus {
        active: 3,
        running: 1,
        queued: 2,
        capacity: 50_000,
        ended: [(JobState::Succeeded, 120), (JobState::Failed, 3)].into(),
        workers_online: 1,
        slots: 4,
        slots_used: 1,
        ..QueueStatus::default()
    };
    check(
        &Data::Queue(queue),
        "active   3 of 50000 allowed\n\
         running  1\n\
         queued   2\n\
         blocked  0\n\
         held     0\n\
         ended    120 succeeded, 3 failed\n\
         workers  1 online\n\
         slots    1 of 4 used\n",
    );
    let mut entry = failed_job();
    entry
        .as_object_mut()
        .unwrap()
        .extend([("seq".to_owned(), json!(41)), ("ended_at".to_owned(), json!("2023-11-14T22:13:24.200Z"))]);
    check(
        &Data::Log { log: read(&json!({"results": [entry]})), filtered: false },
        "ENDED                JOB    STATE   OUTCOME  NAME     WORKER     TOOK  COMMAND\n\
         2023-11-14 22:13:24  job-3  failed  exit 2   nightly  10.0.0.15  3.2s  make -j4 all\n\
         older results: add --before=41\n",
    );
}

#[test]
fn the_log_of_eighty_columns_keeps_what_matters() {
    let mut entry = failed_job();
    let more = [("seq", json!(1)), ("ended_at", json!("")), ("command", json!("python train.py --epochs=90 --lr=0.1"))];
    entry.as_object_mut().unwrap().extend(more.map(|(key, value)| (key.to_owned(), value)));
    entry["name"] = json!("a-long-name-of-the-night");
    entry["outcome"] = json!({"kind": "setup", "reason": "cannot prepare the workspace"});
    let look = Look { width: 80, colour: false, zone: || TimeZone::UTC };
    let log = Data::Log { log: read(&json!({"results": [entry]})), filtered: false };
    let text = render::text::data(&look, &log);
    for wanted in ["11-14 22:13:24", "job-3", "failed", "10.0.0.15", "pytho", "lr=0.1"] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
    assert!(text.lines().all(|line| line.len() <= 84), "{text}");
}

#[test]
fn files_and_workspaces() {
    let file = |path: &str, size, status, reason: Option<&str>| FetchedFile {
        file: JobFile { path: path.to_owned(), size, sha256: BlobId::of(b""), mode: None, content: None },
        status,
        reason: reason.map(str::to_owned),
    };
    let fetched = |files, dir: Option<&str>| {
        let problems = vec!["\"link\u{1b}\": it is a link".to_owned()];
        Data::Files(vec![Fetched { job_id: JobId(3), dir: dir.map(Into::into), files, problems }])
    };
    check(&fetched(Vec::new(), None), "job-3 left no files\nproblem: \"link\\u001b\": it is a link\n");
    check(
        &fetched(
            vec![file("a.png", 1_536, Status::Saved, None), file("../x", 1, Status::Refused, Some("no"))],
            Some("job-3"),
        ),
        "FILE      SIZE  STATUS\n\
         a.png  1.5 KiB  saved\n\
         ../x       1 B  not saved: no\n\
         in job-3\n\
         problem: \"link\\u001b\": it is a link\n",
    );
    let kept = vec![Kept { name: "job-2".to_owned(), reason: "its job has not ended".to_owned() }];
    let cleaned = Cleaned { removed: vec!["job-1".to_owned()], kept, freed_bytes: 4_096 };
    let ip = |n| std::net::IpAddr::from([10, 0, 0, n]);
    let workers = vec![
        CleanedWorker { ip: ip(15), cleaned: Some(cleaned), refused: None },
        CleanedWorker { ip: ip(16), cleaned: None, refused: Some("it is offline".to_owned()) },
    ];
    check(
        &Data::Cleaned(workers.clone()),
        "10.0.0.15: removed 1 workspace, freed 4.0 KiB\n\x20 kept job-2: its job has not ended\n\
         10.0.0.16: not cleaned: it is offline\n",
    );
    let text: Value = serde_json::from_str(&render::json(&Outcome::from(Data::Cleaned(workers)))).unwrap();
    assert_eq!(
        (&text["workers"][0]["removed"], &text["workers"][1]["refused"]),
        (&json!(["job-1"]), &json!("it is offline"))
    );
}

fn row(id: u64, state: &str, outcome: Option<Value>) -> JobRow {
    let mut row = json!({"job_id": format!("job-{id}"), "state": state, "command": "x", "submitted_ms": 0});
    if let Some(outcome) = outcome {
        row["outcome"] = outcome;
    }
    read(&row)
}

#[test]
fn verdicts() {
    let rows = vec![
        row(1, "succeeded", Some(json!({"kind": "exit", "code": 0}))),
        row(2, "failed", Some(json!({"kind": "dependency", "root": "job-1"}))),
        row(3, "failed", Some(json!({"kind": "setup", "reason": "no\u{1b}c space"}))),
        row(4, "cancelled", Some(json!({"kind": "cancelled"}))),
        row(5, "running", None),
    ];
    check(
        &Data::Waited(rows),
        "job-1 succeeded\n\
         job-2 failed: dependency job-1 did not end as asked\n\
         job-3 failed: could not start: no\\u001bc space\n\
         job-4 was cancelled\n\
         job-5 is still running\n",
    );
}

fn refused(message: &str) -> RefusedJob {
    RefusedJob { job_id: JobId(3), error: ErrorBody::new(ErrorCode::Conflict, message, "h") }
}

#[test]
fn many_jobs_are_counted() {
    let held = |id| JobStateResponse { job_id: JobId(id), state: JobState::Held };
    let few = Data::Changed { changed: vec![held(1)], refused: vec![refused("m")] };
    check(&few, "job-1 is held\nnot changed: m\n");
    let many = Data::Changed { changed: (1..=30).map(held).collect(), refused: vec![refused("m"); 22] };
    check(&many, &format!("30 jobs are held\n{}not changed: 2 more\n", "not changed: m\n".repeat(20)));
}

#[test]
fn one_line_answers() {
    check(&Data::Submitted(JobId(1), Vec::new()), "Submitted job job-1\n");
    let answer = |id, state| JobStateResponse { job_id: JobId(id), state };
    let cancelled = vec![answer(1, JobState::Cancelled), answer(2, JobState::Running)];
    let refused = vec![refused("job-3 has ended already")];
    check(
        &Data::Cancelled { cancelled, refused },
        "job-1 cancelled\nstopping job-2\nnot cancelled: job-3 has ended already\n",
    );
}

#[test]
fn documents() {
    let refused = vec![refused("m")];
    let output = Data::Output { job: JobId(1), stream: Streams::Stderr, output: Output::whole(vec![0xff, 0]) };
    let cut = Output { head: Bytes64(b"ab".into()), dropped: 7, tail: Bytes64(b"c".into()), ..Output::default() };
    let cut = Data::Output { job: JobId(1), stream: Streams::Stdout, output: cut };
    let table = [
        (Data::Submitted(JobId(1), Vec::new()), json!({"job_id": "job-1"})),
        (Data::Workers(WorkerList::default()), json!({"workers": []})),
        (Data::Jobs { list: JobList::default(), active_only: true, filtered: false }, json!({"jobs": []})),
        (output, json!({"job_id": "job-1", "stream": "stderr", "content": "/wA=", "dropped": 0, "dropped_at": null})),
        (cut, json!({"job_id": "job-1", "stream": "stdout", "content": "YWJj", "dropped": 7, "dropped_at": 2})),
        (
            Data::Cancelled { cancelled: Vec::new(), refused },
            json!({"cancelled": [], "refused": [{"job_id": "job-3", "code": "conflict", "message": "m", "hint": "h"}]}),
        ),
        (Data::Text { name: "help", text: "x\n".to_owned() }, json!({"help": "x\n"})),
    ];
    for (data, expected) in table {
        let text = render::json(&Outcome::from(data));
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}

#[test]
fn dates_that_contradict_each_other_are_shown_as_such() {
    let took = |times: Value| {
        let mut job = json!({"job_id": "job-1", "state": "succeeded", "command": "x", "submitted_ms": 0, "attempt": 1});
        job.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        let row: JobRow = read(&job);
        super::jobs::took(&row)
    };
    assert_eq!(took(json!({"started_ms": 1_000, "ended_ms": 4_000})), "3.0s");
    assert_eq!(took(json!({"started_ms": 4_000, "ended_ms": 1_000})), "?");
    assert_eq!(took(json!({"started_ms": 4_000, "ended_ms": 1_000, "took_ms": 30_000})), "30s");
    assert_eq!(took(json!({"started_ms": 4_000})), "");
}
