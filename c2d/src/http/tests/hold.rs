//! Hold, release, pause, why, and the filters of lists.

use serde_json::{Value, json};

use super::lab::Lab;

#[tokio::test]
async fn held_jobs_and_a_paused_queue_say_why() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    let why = async |job: &str| lab.operator(&format!("GET /api/jobs/why/{job}"), "").await.json();
    assert_eq!(why("job-1").await["reasons"], json!([{"kind": "no_workers"}]));
    lab.worker("POST /api/workers/register", "").await;
    let hold = lab.operator("POST /api/jobs/hold/job-1", "").await.json();
    assert_eq!(hold, json!({"job_id": "job-1", "state": "held"}));
    assert_eq!(lab.operator("POST /api/jobs/pause", "").await.json(), json!({"paused": true}));
    assert_eq!(why("job-1").await["reasons"], json!([{"kind": "held"}, {"kind": "paused"}]));
    assert_eq!(lab.operator("GET /api/jobs/queue-status", "").await.json()["paused"], json!(true));
    let release = lab.operator("POST /api/jobs/release/job-1", "").await.json();
    assert_eq!(release, json!({"job_id": "job-1", "state": "queued"}));
    assert_eq!(lab.operator("POST /api/jobs/release/job-1", "").await.status, 409);
    let get_work = "POST /api/workers/get-work/127.0.0.1";
    assert_eq!(lab.worker(get_work, "").await.json(), json!({"job": null}));
    assert_eq!(lab.operator("POST /api/jobs/unpause", "").await.json(), json!({"paused": false}));
    let free = why("job-1").await;
    assert_eq!((&free["reasons"], &free["workers"][0]["obstacles"]), (&json!([]), &json!([])));
    assert_eq!(lab.worker(get_work, "").await.json()["job"]["attempt"], "job-1.1");
    assert_eq!(lab.operator("POST /api/jobs/hold/job-1", "").await.status, 409, "it runs");
    lab.worker("POST /api/jobs/result/job-1", r#"{"attempt":"job-1.1","exit_code":0}"#).await;
    let ended = why("job-1").await;
    assert_eq!((&ended["job"]["state"], &ended["workers"]), (&json!("succeeded"), &json!([])));
    for line in ["GET /api/jobs/why/job-9", "POST /api/jobs/hold/job-9", "POST /api/jobs/release/job-9"] {
        assert_eq!(lab.operator(line, "").await.status, 404, "{line}");
    }
    lab.stop().await;
}

fn ids(list: &Value) -> Vec<&str> {
    list["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_and_the_log_are_filtered() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", "").await;
    for body in [
        r#"{"command":"render one","name":"film"}"#,
        r#"{"command":"render 50%","tags":["gpu","disk"]}"#,
        r#"{"command":"count","name":"film"}"#,
        r#"{"command":"count again","tags":["gpu:0"]}"#,
    ] {
        assert_eq!(lab.operator("POST /api/jobs/submit", body).await.status, 201);
    }
    for (attempt, code) in [("job-1.1", 0), ("job-3.1", 1)] {
        assert_eq!(lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.json()["job"]["attempt"], attempt);
        let result = json!({"attempt": attempt, "exit_code": code}).to_string();
        lab.worker(&format!("POST /api/jobs/result/{}", &attempt[..5]), &result).await;
    }
    let table: &[(&str, &[&str])] = &[
        ("", &["job-2", "job-4"]),
        ("?all=true", &["job-1", "job-2", "job-3", "job-4"]),
        ("?all=true&newest=true&limit=2", &["job-4", "job-3"]),
        ("?all=true&newest=true&after=job-3", &["job-2", "job-1"]),
        ("?tag=gpu", &["job-2"]),
        ("?tag=gpu:0", &["job-4"]),
        ("?group=gpu", &[]),
        ("?text=render", &["job-2"]),
        ("?text=50%25&all=true", &["job-2"]),
        ("?all=true&text=render", &["job-1", "job-2"]),
        ("?all=true&worker=127.0.0.1", &["job-1", "job-3"]),
        ("?all=true&worker=127.0.0.9", &[]),
        ("?all=true&name=film", &["job-1", "job-3"]),
        ("?state=failed", &["job-3"]),
        ("?state=succeeded&name=film", &["job-1"]),
        ("?state=queued&tag=disk", &["job-2"]),
    ];
    for (query, expected) in table {
        let list = lab.operator(&format!("GET /api/jobs/list{query}"), "").await.json();
        assert_eq!(&ids(&list), expected, "{query}");
    }
    let table: &[(&str, &[u64])] = &[
        ("", &[1, 2]),
        ("?lines=1", &[2]),
        ("?before=2", &[1]),
        ("?state=failed", &[2]),
        ("?name=film&state=succeeded", &[1]),
        ("?worker=127.0.0.1", &[1, 2]),
        ("?worker=127.0.0.9", &[]),
        ("?name=other", &[]),
    ];
    for (query, expected) in table {
        let log = lab.operator(&format!("GET /api/jobs/log{query}"), "").await.json();
        let seqs: Vec<u64> = log["results"].as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()).collect();
        assert_eq!(&seqs, expected, "{query}");
    }
    lab.stop().await;
}
