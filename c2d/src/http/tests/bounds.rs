//! A worker with a good token that says everything at its greatest.

use c2_shared::limits::REASON_BYTES_MAX;
use serde_json::{Value, json};

use super::lab::Lab;

pub(super) const POLL: &str = "POST /api/workers/get-work/127.0.0.1";

pub(super) fn poll(seq: u64, unsent: &Value) -> String {
    let body = json!({
        "worker_id": "w", "boot_id": "b", "session": "s", "seq": seq, "slots_free": 4, "running": [],
        "unsent": unsent, "wait_s": 0,
    });
    body.to_string()
}

/// A worker that was given `job-1.1`.
pub(super) async fn given(hardware: Value, hostname: &str) -> Lab {
    given_by(Lab::new().await, hardware, hostname).await
}

/// The same at this c2d.
pub(super) async fn given_by(lab: Lab, hardware: Value, hostname: &str) -> Lab {
    let intro = json!({"worker_id": "w", "boot_id": "b", "hostname": hostname, "slots": 4, "hardware": hardware});
    assert_eq!(lab.worker("POST /api/workers/register", &intro.to_string()).await.status, 200);
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","retries":1}"#).await;
    let answer = lab.worker(POLL, &poll(1, &json!([]))).await.json();
    assert_eq!(answer["assign"][0]["attempt"], "job-1.1");
    lab
}

#[tokio::test]
async fn reasons_texts_and_lists_are_cut() {
    let long = "R".repeat(150_000);
    let hardware = json!({"os": long, "gpus": vec![json!({"name": "g"}); 5_000]});
    let lab = given(hardware, "exec:touch x").await;
    let result = json!([{"attempt": "job-1.1", "outcome": {"kind": "setup", "reason": long}}]);
    assert_eq!(lab.worker(POLL, &poll(2, &result)).await.json()["ack"], json!(["job-1.1"]));
    let info = lab.operator("GET /api/workers/info/127.0.0.1", "").await;
    assert!(info.body.len() < 16 * 1024, "{} bytes about a worker", info.body.len());
    let info = info.json();
    assert_eq!(info["hostname"], "exec_touch_x");
    assert_eq!(info["status_reason"].as_str().unwrap().len(), REASON_BYTES_MAX);
    let job = lab.operator("GET /api/jobs/info/job-1", "").await;
    assert!(job.body.len() < 4 * 1024, "{} bytes about a job", job.body.len());
    assert_eq!(job.json()["state"], "queued", "its worker could not start it, so it is not its end");
    lab.stop().await;
}

#[tokio::test]
async fn what_an_agent_of_tomorrow_says_besides_is_passed_over() {
    let lab = Lab::new().await;
    let intro = json!({"worker_id": "w", "boot_id": "b", "slots": 4, "of_tomorrow": {"a": [1]}});
    assert_eq!(lab.worker("POST /api/workers/register", &intro.to_string()).await.status, 200);
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    let spoken = |seq, unsent: &Value| {
        let mut body: Value = serde_json::from_str(&poll(seq, unsent)).unwrap();
        body["of_tomorrow"] = json!(1);
        body.to_string()
    };
    assert_eq!(lab.worker(POLL, &spoken(1, &json!([]))).await.json()["assign"][0]["attempt"], "job-1.1");
    let result = json!([{"attempt": "job-1.1", "outcome": {"kind": "exit", "code": 0}, "of_tomorrow": "x"}]);
    assert_eq!(lab.worker(POLL, &spoken(2, &result)).await.json()["ack"], json!(["job-1.1"]));
    let refused = lab.operator("POST /api/jobs/submit", r#"{"command":"true","of_tomorrow":1}"#).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "invalid_input"), "people are told");
    lab.stop().await;
}

#[tokio::test]
async fn a_poll_is_no_larger_than_its_slots_can_owe() {
    let lab = given(json!({}), "box").await;
    let result = json!([{"attempt": "job-1.1", "outcome": {"kind": "setup", "reason": "R".repeat(11 * 1024 * 1024)}}]);
    let refused = lab.worker(POLL, &poll(2, &result)).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "too_large"));
    lab.stop().await;
}

#[tokio::test]
async fn ends_that_only_c2d_decides_or_that_it_does_not_know_end_nothing() {
    for outcome in [
        json!({"kind": "cancelled"}),
        json!({"kind": "crash_limit"}),
        json!({"kind": "dependency", "root": "job-9"}),
        json!({"kind": "of_tomorrow", "peak_bytes": 1}),
    ] {
        let lab = given(json!({}), "box").await;
        let result = json!([{"attempt": "job-1.1", "outcome": outcome}]);
        assert_eq!(lab.worker(POLL, &poll(2, &result)).await.json()["ack"], json!(["job-1.1"]));
        let job = lab.operator("GET /api/jobs/info/job-1", "").await.json();
        assert_eq!(job["attempts"][0]["outcome"], json!({"kind": "lost"}), "{outcome}");
        assert_ne!(job["state"], "cancelled", "{outcome}");
        lab.stop().await;
    }
    let lab = given(json!({}), "box").await;
    let claimed = json!({"attempt": "job-1.1", "outcome": {"kind": "crash_limit"}});
    assert_eq!(lab.worker("POST /api/jobs/result/job-1", &claimed.to_string()).await.status, 400);
    lab.stop().await;
}

#[tokio::test]
async fn refusals_quote_no_more_than_people_read() {
    let lab = Lab::new().await;
    let long = "B".repeat(900_000);
    for (field, value) in [
        ("name", json!(long)),
        ("group", json!(long)),
        ("tags", json!([long])),
        ("depends", json!([long])),
        ("workers", json!([long])),
        ("exclude", json!([long])),
        ("shell", json!(long)),
        (&*long, json!(1)),
    ] {
        let refused =
            lab.operator("POST /api/jobs/submit", &json!({"command": "true", field: value}).to_string()).await;
        let told = refused.body.len();
        assert!(refused.status == 400 && told < 16 * 1024, "{told} bytes with {} to {:.20}", refused.status, field);
    }
    lab.stop().await;
}
