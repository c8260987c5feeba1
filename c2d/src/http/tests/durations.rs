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
