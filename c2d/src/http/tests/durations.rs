//! How long jobs took: as their workers measured it, whatever the clocks of two machines say.

use c2_shared::token::Role;
use serde_json::json;

use super::bounds::{POLL, given, poll};

#[tokio::test]
async fn what_a_worker_measured_counts_and_not_the_difference_of_dates() {
    let lab = given(json!({}), "box").await;
    let mut events = lab.open(Role::Operator, "GET /api/events", "").await;
    events.until("event: snapshot").await;
    let result =
        json!([{"attempt": "job-1.1", "outcome": {"kind": "exit", "code": 0}, "started_ms": 7, "ended_ms": 30_007}]);
    assert_eq!(lab.worker(POLL, &poll(2, &result)).await.json()["ack"], json!(["job-1.1"]));
    events.until("\"took_ms\":30000").await;
    let lab = lab.restart().await;
    let job = lab.operator("GET /api/jobs/info/job-1", "").await.json();
    assert_eq!((&job["took_ms"], &job["attempts"][0]["took_ms"]), (&json!(30_000), &json!(30_000)));
    let log = lab.operator("GET /api/jobs/log", "").await.json();
    assert_eq!(log["results"][0]["took_ms"], 30_000);
    assert!(std::fs::read_to_string(lab.file("jobs.log")).unwrap().contains("\"took_ms\":30000"));
    lab.stop().await;
}

#[tokio::test]
async fn who_does_not_say_how_long_it_took_or_set_a_clock_back_measured_nothing() {
    for (started, ended) in [(0, 0), (30_007, 7)] {
        let lab = given(json!({}), "box").await;
        let result = json!([{"attempt": "job-1.1", "outcome": {"kind": "exit", "code": 0}, "started_ms": started, "ended_ms": ended}]);
        lab.worker(POLL, &poll(2, &result)).await;
        let job = lab.operator("GET /api/jobs/info/job-1", "").await.json();
        assert_eq!((&job["state"], &job["took_ms"]), (&json!("succeeded"), &json!(null)), "{job}");
        lab.stop().await;
    }
}

#[tokio::test]
async fn what_others_of_its_name_took_says_when_a_job_its_batch_and_the_queue_are_ready() {
    let lab = given(json!({}), "box").await;
    let exit = |attempt: &str, code: i32, ended_ms: u64| {
        let outcome = json!({"kind": "exit", "code": code});
        json!([{"attempt": attempt, "outcome": outcome, "started_ms": 7, "ended_ms": 7 + ended_ms}])
    };
    let submit = async |spec: serde_json::Value| lab.operator("POST /api/jobs/submit", &spec.to_string()).await.status;
    lab.worker(POLL, &poll(2, &exit("job-1.1", 0, 5_000))).await;
    let mut seq = 2;
    for (job, code, took_ms) in [(2, 0, 30_000), (3, 0, 40_000), (4, 1, 900_000)] {
        assert_eq!(submit(json!({"command": "true", "name": "build"})).await, 201);
        lab.worker(POLL, &poll(seq + 1, &json!([]))).await;
        seq += 2;
        let result = exit(&format!("job-{job}.1"), code, took_ms);
        assert_eq!(lab.worker(POLL, &poll(seq, &result)).await.json()["ack"], json!([format!("job-{job}.1")]));
    }
    let eta = async |line: &str| lab.operator(line, "").await.json()["eta_s"].as_u64();
    assert_eq!(eta("GET /api/jobs/info/job-2").await, None, "it has ended");
    assert_eq!(submit(json!({"command": "true", "name": "build", "batch": "night"})).await, 201);
    assert_eq!(submit(json!({"command": "true", "name": "new", "batch": "day"})).await, 201);
    assert_eq!(eta("GET /api/jobs/info/job-5").await, None, "it has not started");
    lab.worker(POLL, &poll(seq + 1, &json!([]))).await;
    for line in ["GET /api/jobs/info/job-5", "GET /api/batches/night"] {
        let eta_s = eta(line).await.unwrap_or_default();
        assert!(
            (20..=30).contains(&eta_s),
            "{line}: half of them took 30 s, and this one runs since a moment: {eta_s}"
        );
    }
    for line in ["GET /api/jobs/info/job-6", "GET /api/batches/day", "GET /api/jobs/info/job-5?wait_s=1"] {
        assert_eq!(eta(line).await, None, "{line}");
    }
    lab.worker(POLL, &poll(seq + 2, &exit("job-6.1", 0, 1_000))).await;
    let queue = eta("GET /api/stats").await.unwrap_or_default();
    assert!((20..=30).contains(&queue), "{queue}");
    lab.stop().await;
}
