//! A job's way through the API, as a client sees it that knows only the README.

use c2_shared::config::ServerConfig;
use c2_shared::token::Role;
use serde_json::json;

use super::lab::Lab;

#[tokio::test]
async fn a_plain_client_registers_works_and_delivers() {
    let lab = Lab::new().await;
    assert_eq!(lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.status, 404, "it must register first");
    assert_eq!(lab.worker("POST /api/workers/register", "").await.json()["ip"], "127.0.0.1");
    assert_eq!(lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.json(), json!({"job": null}));

    let submitted = lab.operator("POST /api/jobs/submit", r#"{"command":"echo hello","name":"greeting"}"#).await;
    assert_eq!((submitted.status, submitted.json()), (201, json!({"job_id": "job-1"})));
    let job = lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.json()["job"].clone();
    assert_eq!((&job["attempt"], &job["spec"]["command"]), (&json!("job-1.1"), &json!("echo hello")));
    let output = lab.operator("GET /api/jobs/output/job-1", "").await;
    assert_eq!(output.status, 503, "a plain client cannot be asked what the job wrote");

    let result = r#"{"attempt":"job-1.1","exit_code":0,"stdout":"hello\n"}"#;
    let deliver = "POST /api/jobs/result/job-1";
    assert_eq!(lab.worker(deliver, result).await.json(), json!({"status": "recorded"}));
    assert_eq!(lab.worker(deliver, result).await.json(), json!({"status": "duplicate"}));
    let other = lab.worker(deliver, r#"{"attempt":"job-1.1","exit_code":1}"#).await;
    assert_eq!((other.status, other.code().as_str()), (409, "fenced"));

    let info = lab.operator("GET /api/jobs/info/job-1?wait_s=5", "").await.json();
    assert_eq!(
        (&info["done"], &info["state"], &info["stdout"]),
        (&json!(true), &json!("succeeded"), &json!("hello\n"))
    );
    assert_eq!(info["attempts"][0]["outcome"], json!({"kind": "exit", "code": 0}));
    assert_eq!(lab.operator("GET /api/jobs/output/job-1", "").await.body, "hello\n");
    assert_eq!(lab.operator("GET /api/jobs/output/job-1?stream=stderr", "").await.body, "");
    let log = lab.operator("GET /api/jobs/log?lines=5", "").await.json();
    assert_eq!((&log["results"][0]["seq"], &log["results"][0]["name"]), (&json!(1), &json!("greeting")));
    assert_eq!(lab.operator("GET /api/jobs/list", "").await.json(), json!({"jobs": []}));
    assert_eq!(lab.operator("GET /api/jobs/list?all=true", "").await.json()["jobs"][0]["job_id"], "job-1");
    let metrics = lab.operator("GET /api/metrics", "").await.json();
    assert_eq!((&metrics["jobs_processed"], &metrics["active_workers"]), (&json!(1), &json!(1)));
    lab.stop().await;
}

#[tokio::test]
async fn each_attempts_output_can_be_asked_for() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", "").await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","retries":2,"retry_delay_s":0}"#).await;
    let output = async |query: &str| {
        let answer = lab.operator(&format!("GET /api/jobs/output/job-1?{query}"), "").await;
        (answer.status, answer.body)
    };
    let refused = async |query: &str, message: &str, hint: &str| {
        let answer = lab.operator(&format!("GET /api/jobs/output/job-1?{query}"), "").await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{query}");
        let error = answer.json();
        assert_eq!((&error["message"], &error["hint"]), (&json!(message), &json!(hint)), "{query}: {error}");
    };
    refused("attempt=1", "job-1 has no attempt 1", "no attempt of job-1 has output yet; list them with: job job-1")
        .await;
    for (number, code) in [(1, 1), (2, 1), (3, 0)] {
        let given = lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.json();
        assert_eq!(given["job"]["attempt"], format!("job-1.{number}"));
        assert_eq!(output(&format!("attempt={number}")).await.0, 503, "it runs at a plain client");
        if number == 2 {
            assert_eq!(output("attempt=1").await, (200, "out 1\n".to_owned()), "while the second runs");
        }
        let result = json!({
            "attempt": format!("job-1.{number}"), "exit_code": code,
            "stdout": format!("out {number}\n"), "stderr": format!("err {number}\n"),
        });
        assert_eq!(lab.worker("POST /api/jobs/result/job-1", &result.to_string()).await.status, 200);
    }
    for number in 1..=3 {
        assert_eq!(output(&format!("attempt={number}")).await, (200, format!("out {number}\n")));
        assert_eq!(output(&format!("attempt={number}&stream=stderr")).await, (200, format!("err {number}\n")));
    }
    assert_eq!(output("").await, (200, "out 3\n".to_owned()), "without it the latest");
    refused("attempt=4", "job-1 has no attempt 4", "attempts with output: 1, 2, 3").await;
    refused("attempt=0", "job-1 has no attempt 0", "attempts with output: 1, 2, 3").await;
    assert_eq!(output("attempt=first").await.0, 400);
    let info = lab.operator("GET /api/jobs/info/job-1", "").await.json();
    let kept: Vec<_> = info["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["output_kept"]).collect();
    assert_eq!(kept, [true, true, true]);
    lab.stop().await;
}

#[tokio::test]
async fn a_job_that_is_cancelled_while_it_rests_ended_where_it_was_last() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", "").await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","retries":2,"retry_delay_s":600}"#).await;
    lab.worker("POST /api/workers/get-work/127.0.0.1", "").await;
    lab.worker("POST /api/jobs/result/job-1", r#"{"attempt":"job-1.1","exit_code":1}"#).await;
    assert_eq!(lab.operator("POST /api/jobs/cancel/job-1", "").await.json()["state"], "cancelled");
    let worker = lab.operator("GET /api/workers/list", "").await.json()["workers"][0]["worker_id"].clone();
    let place = (json!("127.0.0.1"), worker);
    let of = |row: &serde_json::Value| (row["worker"].clone(), row["worker_id"].clone());
    let row = lab.operator("GET /api/jobs/info/job-1", "").await.json();
    assert_eq!(of(&row), place, "{row}");
    assert_eq!(of(&lab.operator("GET /api/jobs/list?all=true", "").await.json()["jobs"][0]), place);
    let line: serde_json::Value = serde_json::from_slice(&std::fs::read(lab.file("jobs.log")).unwrap()).unwrap();
    assert_eq!(of(&line), place, "{line}");
    let timeline = lab.operator("GET /api/timeline", "").await.json();
    let spans = timeline["spans"].as_array().unwrap();
    assert!(!spans.is_empty() && spans.iter().all(|span| of(span) == place), "{timeline}");
    lab.stop().await;
}

#[tokio::test]
async fn more_slots_than_an_agent_runs_are_said_to_be_too_many() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", r#"{"slots": 2}"#).await;
    let set = async |slots: u32| {
        let body = json!({"resources": {"slots": slots}}).to_string();
        let row = lab.operator("POST /api/workers/resources/127.0.0.1", &body).await.json();
        (row["slots"].clone(), row["notes"].clone())
    };
    let slots = set(1).await.0;
    assert_eq!(slots, 1);
    let runs = lab.operator("GET /api/workers/list", "").await.json()["workers"][0].clone();
    let (slots, notes) = set(30).await;
    let expected = "and no more: c2-agent --slots=30";
    assert!(
        notes[0].as_str().is_some_and(|note| note.starts_with("its agent runs ") && note.ends_with(expected)),
        "{notes}"
    );
    assert!(slots.as_u64() < Some(30), "{runs}");
    assert_eq!(set(1).await.1, serde_json::Value::Null);
    lab.stop().await;
}

#[tokio::test]
async fn only_folders_that_nobody_waits_for_may_go() {
    let lab = Lab::new().await;
    for body in [
        r#"{"command":"true"}"#,
        r#"{"command":"true","name":"b"}"#,
        r#"{"command":"true","depends":["any:job-2"],"hold":true}"#,
        r#"{"command":"true","hold":true}"#,
    ] {
        assert_eq!(lab.operator("POST /api/jobs/submit", body).await.status, 201);
    }
    for job in ["job-2", "job-1"] {
        lab.operator(&format!("POST /api/jobs/cancel/{job}"), "").await;
    }
    let ask = |days: u64| {
        let body = format!(r#"{{"job_ids": ["job-1", "job-2", "job-3", "job-4", "job-9"], "days": {days}}}"#);
        let lab = &lab;
        async move { lab.worker("POST /api/workers/old-workspaces", &body).await.json()["job_ids"].clone() }
    };
    assert_eq!(ask(0).await, json!(["job-1"]), "job-3 wants what job-2 left");
    assert_eq!(ask(1).await, json!([]), "it ended too lately");
    lab.operator("POST /api/jobs/cancel/job-3", "").await;
    assert_eq!(ask(0).await, json!(["job-2", "job-1", "job-3"]), "in the order of their ends");
    lab.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages() {
    let lab = Lab::new().await;
    for _ in 0..5 {
        lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    }
    let first = lab.operator("GET /api/jobs/list?limit=3", "").await.json();
    assert_eq!((first["jobs"].as_array().unwrap().len(), &first["next_after"]), (3, &json!("job-3")));
    let second = lab.operator("GET /api/jobs/list?limit=3&after=job-3", "").await.json();
    assert_eq!((second["jobs"].as_array().unwrap().len(), &second["next_after"]), (2, &json!(null)));
    lab.stop().await;
}

#[tokio::test]
async fn a_repeated_submit_with_a_key_is_one_job() {
    let lab = Lab::new().await;
    let submit = |body: &'static str| lab.operator("POST /api/jobs/submit", body);
    let first = submit(r#"{"command":"true","idempotency_key":"k"}"#).await.json();
    assert_eq!(submit(r#"{"command":"true","idempotency_key":"k"}"#).await.json(), first);
    assert_eq!(submit(r#"{"command":"false","idempotency_key":"k"}"#).await.status, 409);
    let with_header = |key: &str, body: &'static str| {
        let token = lab.token(Role::Operator);
        let headers = format!(
            "host: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\n"
        );
        let lab = &lab;
        async move { lab.raw("POST /api/jobs/submit", &headers, body).await }
    };
    assert_eq!(with_header("k", r#"{"command":"true"}"#).await.json(), first, "the header is the same key");
    assert_eq!(with_header("k", r#"{"command":"true","idempotency_key":"k"}"#).await.json(), first);
    assert_eq!(with_header("other", r#"{"command":"true","idempotency_key":"k"}"#).await.status, 400);
    lab.stop().await;
}

#[tokio::test]
async fn waiting_ends_with_the_job_or_with_the_time() {
    let lab = Lab::new().await;
    let waiting = lab.operator("POST /api/jobs/submit-wait?wait_s=1", r#"{"command":"true"}"#).await;
    assert_eq!((waiting.status, &waiting.json()["done"]), (201, &json!(false)));
    let cancel = async {
        let cancelled = lab.operator("POST /api/jobs/cancel/job-1", "").await;
        assert_eq!(cancelled.json(), json!({"job_id": "job-1", "state": "cancelled"}));
    };
    let (waited, ()) = tokio::join!(lab.operator("GET /api/jobs/info/job-1?wait_s=30", ""), cancel);
    assert_eq!(waited.json()["state"], "cancelled");
    assert_eq!(lab.operator("POST /api/jobs/cancel/job-1", "").await.status, 409);
    assert_eq!(lab.operator("GET /api/jobs/output/job-1", "").await.body, "");
    lab.stop().await;
}

#[tokio::test]
async fn what_was_accepted_survives_a_restart() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"kept"}"#).await;
    let lab = lab.restart().await;
    assert_eq!(lab.operator("GET /api/jobs/list", "").await.json()["jobs"][0]["name"], "kept");
    lab.stop().await;
}

#[tokio::test]
async fn a_job_that_was_removed_is_gone_and_its_verdict_still_counts() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    let lab = lab.restart_as(ServerConfig { keep_jobs: 0, ..ServerConfig::default() }).await;
    // The first commit after a start looks for what is old.
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    let gone = async {
        loop {
            let info = lab.operator("GET /api/jobs/info/job-1", "").await;
            if info.status != 200 {
                return info;
            }
        }
    };
    let gone = tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.expect("it is removed");
    assert_eq!((gone.status, gone.code().as_str()), (410, "gone"));
    assert!(gone.body.contains("jobs.log") && gone.body.contains("keep_days"), "{gone:?}");
    assert_eq!(lab.operator("GET /api/jobs/output/job-1", "").await.status, 410);
    assert_eq!(lab.operator("GET /api/jobs/info/job-3", "").await.status, 404, "it never was");
    assert_eq!(lab.operator("POST /api/jobs/cancel/job-1", "").await.status, 409, "it ended");
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","depends":["any:job-1"]}"#).await;
    assert_eq!(lab.operator("GET /api/jobs/info/job-3", "").await.json()["state"], "queued");
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","depends":["job-1"]}"#).await;
    let failed = lab.operator("GET /api/jobs/info/job-4", "").await.json();
    assert_eq!(failed["outcome"], json!({"kind": "dependency", "root": "job-1"}));
    let status = lab.operator("GET /api/jobs/queue-status", "").await.json();
    assert_eq!(status["ended"]["cancelled"], 1, "counts stay true");
    lab.stop().await;
}
