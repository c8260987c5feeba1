//! Many jobs in one request, and jobs that change.

use serde_json::{Value, json};

use super::lab::Lab;

impl Lab {
    async fn many(&self, action: &str, body: &Value) -> (u16, Value) {
        let answer = self.operator(&format!("POST /api/jobs/{action}"), &body.to_string()).await;
        (answer.status, answer.json())
    }

    async fn some_jobs(&self, jobs: &Value) {
        let batch = json!({"jobs": jobs}).to_string();
        assert_eq!(self.operator("POST /api/jobs/submit-batch", &batch).await.status, 201);
    }

    async fn spec(&self, job: u64) -> Value {
        self.operator(&format!("GET /api/jobs/info/job-{job}"), "").await.json()["spec"].clone()
    }
}

#[tokio::test]
async fn one_request_for_many_jobs() {
    let lab = Lab::new().await;
    lab.some_jobs(&json!(["a", {"command": "b", "hold": true}, {"command": "c", "hold": true}])).await;
    let (status, answer) = lab.many("release", &json!({"select": "@held", "job_ids": ["job-1", "job-7"]})).await;
    assert_eq!(status, 200);
    let queued = |job: &str| json!({"job_id": job, "state": "queued"});
    assert_eq!(answer["done"], json!([queued("job-2"), queued("job-3")]));
    let codes: Vec<_> =
        answer["refused"].as_array().unwrap().iter().map(|job| (&job["job_id"], &job["code"])).collect();
    assert_eq!(codes, [(&json!("job-1"), &json!("conflict")), (&json!("job-7"), &json!("not_found"))]);
    assert!(answer["refused"][1]["hint"].as_str().unwrap().contains("jobs --all"), "{answer}");

    let (_, moved) = lab.many("top", &json!({"job_ids": ["job-3"]})).await;
    assert_eq!(moved["done"], json!([queued("job-3")]));
    let (_, held) = lab.many("hold", &json!({"select": "1-2@queued"})).await;
    assert_eq!(held["done"].as_array().unwrap().len(), 2);
    let (_, cancelled) = lab.many("cancel", &json!({"select": "@held"})).await;
    assert_eq!(cancelled["done"][0], json!({"job_id": "job-1", "state": "cancelled"}));
    assert_eq!(lab.many("bottom", &json!({"select": "@held"})).await.1, json!({"done": [], "refused": []}));
    for body in [json!({}), json!({"select": "held"}), json!({"select": "9-3@held"}), json!({"job_ids": ["x"]})] {
        let (status, answer) = lab.many("cancel", &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("invalid_input")), "{body}: {answer}");
    }
    for action in ["cancel", "hold", "release", "top", "bottom", "change"] {
        let mut body = json!({"select": "@gpus"});
        if action == "change" {
            body["set"] = json!({"priority": 1});
        }
        let (status, answer) = lab.many(action, &body).await;
        assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{action}: {answer}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_change_is_put_over_what_a_job_is() {
    let lab = Lab::new().await;
    lab.some_jobs(&json!([{"command": "a", "name": "a", "timeout_s": 60}, {"command": "b", "depends": ["a"]}])).await;
    let set = json!({"priority": 5, "retries": 2, "name": null, "command": "a2", "env": {"A": "1"}});
    let (status, answer) = lab.many("change", &json!({"job_ids": ["job-1"], "set": set, "more_time_s": 30})).await;
    assert_eq!((status, &answer["refused"]), (200, &json!([])), "{answer}");
    let expected = json!({"command": "a2", "timeout_s": 90, "priority": 5, "retries": 2, "env": {"A": "1"}});
    assert_eq!(lab.spec(1).await, expected);
    // It waits for the same job, whatever that is called now, and after a restart, too.
    let lab = lab.restart().await;
    lab.many("change", &json!({"job_ids": ["job-2"], "set": {"command": "b2"}})).await;
    let why = lab.operator("GET /api/jobs/why/job-2", "").await.json();
    assert!(why.to_string().contains("\"job_id\":\"job-1\""), "{why}");
    let (_, answer) = lab.many("change", &json!({"job_ids": ["job-2"], "set": {"depends": null}})).await;
    assert_eq!(answer["done"], json!([{"job_id": "job-2", "state": "queued"}]));
    let (_, answer) = lab.many("change", &json!({"job_ids": ["job-2"], "more_time_s": 5})).await;
    assert_eq!(answer["refused"][0]["message"], "job-2 has no time limit");
    let (_, answer) = lab.many("change", &json!({"job_ids": ["job-1", "job-2"], "set": {"group": "x"}})).await;
    assert_eq!((answer["refused"][0]["field"].as_str(), answer["done"][0].as_str()), (Some("group"), None), "{answer}");
    lab.stop().await;
}

#[tokio::test]
async fn what_no_job_could_become_is_refused_at_once() {
    let lab = Lab::new().await;
    lab.some_jobs(&json!(["a"])).await;
    let table = [
        (json!({}), "set is empty"),
        (json!({"hold": true}), "hold is not part of a change"),
        (json!({"stdin": "YQ=="}), "stdin does not change"),
        (json!({"upload": []}), "upload does not change"),
        (json!({"idempotency_key": "k"}), "idempotency_key does not change"),
        (json!({"priorty": 3}), "unknown field \"priorty\""),
        (json!({"moon": null}), "unknown field \"moon\""),
        (json!({"priority": "high"}), "priority: "),
    ];
    for (set, message) in table {
        let (status, answer) = lab.many("change", &json!({"job_ids": ["job-1"], "set": set})).await;
        assert_eq!(status, 400, "{set}: {answer}");
        assert!(answer["message"].as_str().unwrap().starts_with(message), "{set}: {answer}");
    }
    let both = json!({"job_ids": ["job-1"], "set": {"timeout_s": 3}, "more_time_s": 3});
    assert_eq!(lab.many("change", &both).await.0, 400);
    assert_eq!(lab.spec(1).await, json!({"command": "a"}));
    lab.stop().await;
}
