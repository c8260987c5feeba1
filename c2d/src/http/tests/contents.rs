//! What jobs bring inside their specifications: kept as blobs, and given to each worker in the form that it takes.

use c2_shared::api::endpoint;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::limits::{INLINE_BYTES_MAX, INLINE_SPEC_BYTES_MAX, WORKER_BODY_BYTES_MAX};
use c2_shared::token::Role;
use serde_json::{Value, json};

use super::lab::Lab;

const SUBMIT: &str = "POST /api/jobs/submit";
const POLL: &str = "POST /api/workers/get-work/127.0.0.1";

fn base64(content: &str) -> Value {
    json!(Bytes64(content.into()))
}

fn hash(content: &str) -> String {
    BlobId::of(content.as_bytes()).to_string()
}

/// A job with large standard input, and with a large and a small file.
fn job(stdin: &str, file: &str) -> Value {
    let upload = [
        json!({"path": "large", "content": base64(file), "mode": 0o700}),
        json!({"path": "small", "content": base64("abc")}),
    ];
    json!({"command": "cat", "stdin": base64(stdin), "upload": upload})
}

impl Lab {
    async fn content(&self, content: &str) -> Option<String> {
        let path = endpoint::GET_BLOB.at(&BlobId::of(content.as_bytes()));
        let answer = self.operator(&format!("GET {path}"), "").await;
        (answer.status == 200).then_some(answer.body)
    }

    /// The jobs that the worker gets, for a poll with these headers beside the usual ones.
    async fn poll(&self, headers: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let json = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let token = self.token(Role::Worker);
        let headers = format!("host: localhost\r\nauthorization: Bearer {token}\r\n{json}{headers}");
        let answer = self.raw(POLL, &headers, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn worker_with(&self, slots: u32) {
        self.worker("POST /api/workers/register", &json!({"slots": slots}).to_string()).await;
    }

    /// Submits a job; what it is refused with, if it is.
    async fn job(&self, job: &Value) -> Option<Value> {
        let answer = self.operator(SUBMIT, &job.to_string()).await;
        (answer.status != 201).then(|| answer.json())
    }
}

fn first_poll(seq: u32) -> Value {
    json!({"session": "s", "seq": seq, "slots_free": 1})
}

#[tokio::test]
async fn large_contents_are_kept_as_blobs_and_small_ones_stay() {
    let lab = Lab::new().await;
    let (stdin, file) = ("i".repeat(5_000), "f".repeat(6_000));
    assert_eq!(lab.job(&job(&stdin, &file)).await, None);
    for content in [&stdin, &file] {
        assert_eq!(lab.content(content).await.as_ref(), Some(content));
    }
    assert_eq!(lab.content("abc").await, None);
    let shown = lab.operator("GET /api/jobs/info/job-1", "").await.json()["spec"].clone();
    assert_eq!((&shown["stdin"], &shown["upload"][1]["content"]), (&json!(""), &json!("")), "{shown}");

    let lab = lab.restart().await;
    lab.worker_with(4).await;
    let given = lab.poll("c2-protocol: 2\r\n", &first_poll(1)).await["assign"][0]["spec"].clone();
    let upload = [
        json!({"path": "large", "sha256": hash(&file), "mode": 0o700}),
        json!({"path": "small", "content": base64("abc")}),
    ];
    assert_eq!(given, json!({"command": "cat", "stdin_sha256": hash(&stdin), "upload": upload}));
    lab.stop().await;
}

#[tokio::test]
async fn workers_of_old_get_what_they_can_read() {
    let lab = Lab::new().await;
    lab.worker_with(8).await;
    let (stdin, file) = ("i".repeat(5_000), "f".repeat(6_000));
    let submitted = job(&stdin, &file);
    for _ in 0..3 {
        assert_eq!(lab.job(&submitted).await, None);
    }
    assert_eq!(lab.poll("", &Value::Null).await["job"]["spec"], submitted, "a plain client gets what was submitted");
    let of_today = lab.poll("c2-protocol: 2\r\n", &Value::Null).await["job"]["spec"].clone();
    assert_eq!(of_today["stdin_sha256"], hash(&stdin), "{of_today}");

    let agent = lab.poll("", &first_poll(1)).await;
    let given = agent["assign"].as_array().unwrap().last().unwrap()["spec"].clone();
    assert_eq!((&given["stdin"], &given["stdin_sha256"]), (&submitted["stdin"], &Value::Null), "{given}");
    assert_eq!(given["upload"][0]["sha256"], hash(&file), "files by hash are known since the first agents");
    lab.stop().await;
}

#[tokio::test]
async fn a_job_that_a_worker_of_old_cannot_take_goes_back() {
    let lab = Lab::new().await;
    lab.worker_with(4).await;
    let huge = "h".repeat(INLINE_BYTES_MAX + 1);
    let path = endpoint::GET_BLOB.at(&BlobId::of(huge.as_bytes()));
    let headers = format!("host: localhost\r\nauthorization: Bearer {}\r\n", lab.token(Role::Operator));
    let bytes = format!("{headers}content-type: application/octet-stream\r\n");
    assert_eq!(lab.raw(&format!("PUT {path}"), &bytes, &huge).await.status, 200);
    let by_hash = json!({"command": "cat", "stdin_sha256": hash(&huge)});
    assert_eq!(lab.job(&by_hash).await, None);
    let upload = [json!({"path": "large", "sha256": hash(&huge)})];
    assert_eq!(lab.job(&json!({"command": "cat", "upload": upload})).await, None);

    assert_eq!(lab.poll("", &Value::Null).await["job"], Value::Null);
    let why = lab.operator("GET /api/jobs/why/job-1", "").await;
    assert!(why.body.contains("upgrade its agent"), "{why:?}");
    assert_eq!(lab.operator("GET /api/jobs/info/job-1", "").await.json()["state"], "queued");
    lab.stop().await;
}

#[tokio::test]
async fn repeated_and_retried_requests_mean_the_same() {
    let lab = Lab::new().await;
    lab.worker_with(4).await;
    let (stdin, file) = ("i".repeat(5_000), "f".repeat(6_000));
    let mut keyed = job(&stdin, &file);
    keyed["idempotency_key"] = json!("k");
    for _ in 0..2 {
        let answer = lab.operator(SUBMIT, &keyed.to_string()).await;
        assert_eq!((answer.status, &answer.json()["job_id"]), (201, &json!("job-1")), "{answer:?}");
    }
    let mut other = job(&file, &stdin);
    other["idempotency_key"] = json!("k");
    assert_eq!(lab.job(&other).await.unwrap()["code"], "conflict");

    let attempt = lab.poll("", &Value::Null).await["job"]["attempt"].clone();
    let result = json!({"attempt": attempt, "exit_code": 1}).to_string();
    assert_eq!(lab.worker("POST /api/jobs/result/job-1", &result).await.status, 200);
    let retried = lab.operator("POST /api/jobs/retry", r#"{"job_ids": ["job-1"]}"#).await;
    assert_eq!((retried.status, retried.json()), (201, json!({"job_ids": ["job-2"]})));
    let batch = json!({"jobs": [job(&stdin, &file), job(&file, &stdin)]}).to_string();
    assert_eq!(lab.operator("POST /api/jobs/submit-batch", &batch).await.status, 201);
    let inputs = [&stdin, &stdin, &file];
    for (input, file) in inputs.into_iter().zip([&file, &file, &stdin]) {
        assert_eq!(lab.poll("", &Value::Null).await["job"]["spec"], job(input, file));
    }
    lab.stop().await;
}

#[tokio::test]
async fn standard_input_is_named_once_and_is_there() {
    let lab = Lab::new().await;
    let missing = lab.job(&json!({"command": "cat", "stdin_sha256": hash("abc")})).await.unwrap();
    assert_eq!((&missing["field"], &missing["code"]), (&json!("stdin_sha256"), &json!("invalid_input")), "{missing}");
    let twice = lab.job(&json!({"command": "cat", "stdin": "YWJj", "stdin_sha256": hash("abc")})).await.unwrap();
    assert_eq!(twice["field"], "stdin_sha256", "{twice}");
    lab.stop().await;
}

#[tokio::test]
async fn an_answer_to_a_poll_is_small_whatever_the_jobs_bring() {
    let lab = Lab::new().await;
    lab.worker_with(32).await;
    let tags: Vec<String> = (0..1_000).map(|number| format!("{number:064}")).collect();
    let offered = json!({"tags": tags}).to_string();
    assert_eq!(lab.operator("POST /api/workers/tags/127.0.0.1", &offered).await.status, 200);
    assert_eq!(lab.job(&json!({"command": "true", "tags": tags})).await, None);
    for jobs in 0..31 {
        // As long as may stand in an answer, and longer; a quotation mark takes two bytes there.
        let command = "\"".repeat(if jobs % 2 == 0 { INLINE_SPEC_BYTES_MAX / 2 - 100 } else { 60_000 });
        assert_eq!(lab.job(&json!({"command": command})).await, None);
    }
    let (mut given, mut answers) = (Vec::new(), 0);
    while given.len() < 32 {
        let poll = json!({"session": "s", "seq": answers + 1, "slots_free": 32 - given.len(), "running": given});
        let answer = lab.poll("c2-protocol: 2\r\n", &poll).await;
        assert!(answer.to_string().len() <= WORKER_BODY_BYTES_MAX, "{} bytes", answer.to_string().len());
        let more = answer["assign"].as_array().unwrap();
        assert!(!more.is_empty(), "{given:?}");
        given.extend(more.iter().map(|job| job["attempt"].clone()));
        answers += 1;
    }
    assert!(answers > 2, "half a megabyte of commands came in {answers} answers");
    lab.stop().await;
}
