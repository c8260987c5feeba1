//! Batches, retries, and what is told of those that are refused.

use serde_json::{Value, json};

use super::lab::Lab;

const BATCH: &str = "POST /api/jobs/submit-batch";

/// Runs the next job on a plain worker; which one it was.
async fn work(lab: &Lab, exit_code: i32) -> String {
    let job = lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.json()["job"].clone();
    let attempt = job["attempt"].as_str().expect("a job is given").to_owned();
    let id = attempt.split('.').next().unwrap().to_owned();
    let result = json!({"attempt": attempt, "exit_code": exit_code}).to_string();
    assert_eq!(lab.worker(&format!("POST /api/jobs/result/{id}"), &result).await.status, 200);
    id
}

async fn state(lab: &Lab, job: &str) -> Value {
    lab.operator(&format!("GET /api/jobs/info/{job}"), "").await.json()["state"].clone()
}

#[tokio::test]
async fn a_batch_is_accepted_as_a_whole_and_waited_for() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", "").await;
    let body = r#"{"jobs":[{"command":"a","name":"a"},{"command":"b","depends":["notok:a"]}],"idempotency_key":"k"}"#;
    let first = lab.operator(BATCH, body).await;
    assert_eq!((first.status, first.json()), (201, json!({"job_ids": ["job-1", "job-2"]})));
    assert_eq!(lab.operator(BATCH, body).await.json(), first.json(), "the same key is the same batch");
    let waiting = lab.operator("POST /api/jobs/submit-batch-wait?wait_s=0", body).await.json();
    assert_eq!((&waiting["done"], &waiting["jobs"][1]["state"]), (&json!(false), &json!("blocked")));
    let info = lab.operator("GET /api/jobs/info/job-2", "").await.json();
    assert_eq!(info["spec"]["depends"], json!(["notok:job-1"]), "a name of the batch is shown as the job it means");
    let wait = lab.operator("POST /api/jobs/submit-batch-wait?wait_s=20", body);
    let run = async {
        assert_eq!(work(&lab, 1).await, "job-1");
        assert_eq!(work(&lab, 0).await, "job-2");
    };
    let (waited, ()) = tokio::join!(wait, run);
    assert_eq!(waited.json()["done"], json!(true));
    let states: Vec<Value> = waited.json()["jobs"].as_array().unwrap().iter().map(|j| j["state"].clone()).collect();
    assert_eq!(states, ["failed", "succeeded"]);
    lab.stop().await;
}

#[tokio::test]
async fn a_look_tells_all_problems_and_submits_nothing() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", "").await;
    let body = r#"{"jobs":[{"command":"a"},{"command":""},{"command":"a","group":"x"},{"command":"a","name":"1-5"},
        {"command":"a","tags":["t"]},{"command":"b","tags":["t"]},{"command":"a","depends":["nope"]}]}"#;
    let answer = lab.operator("POST /api/jobs/check", body).await;
    let answer = answer.json();
    let problems: Vec<(u64, &str)> = answer["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["job"].as_u64().unwrap(), problem["field"].as_str().unwrap()))
        .collect();
    assert_eq!(problems, [(1, "command"), (2, "group"), (3, "name"), (6, "depends")]);
    let note = json!([{"job": 4, "jobs": 2, "message": "no worker offers tag \"t\", so it waits"}]);
    assert_eq!(answer["notes"], note);
    assert_eq!(lab.operator("GET /api/jobs/list?all=true", "").await.json()["jobs"], json!([]));
    lab.stop().await;
}

#[tokio::test]
async fn a_refused_batch_names_the_job_and_leaves_nothing() {
    let lab = Lab::new().await;
    let table = [
        (r#"{"jobs":[]}"#, 400, "jobs", "empty"),
        (r#"{"jobs":[{"command":"a"},{"command":" "}]}"#, 400, "jobs[1].command", "empty"),
        (r#"{"jobs":[{"command":"a","idempotency_key":"k"}]}"#, 400, "jobs[0].idempotency_key", "of its own"),
        (r#"{"jobs":[{"command":"a"},{"command":"b","group":"gpu"}]}"#, 400, "jobs[1].group", "unknown group"),
        (r#"{"jobs":[{"command":"a","depends":["x"]}]}"#, 400, "jobs[0].depends", "unknown job \\\"x\\\""),
        (r#"{"jobs":[{"command":"a","depends":["job-9"]}]}"#, 404, "jobs[0].depends", "unknown job job-9"),
        (
            r#"{"jobs":[{"command":"a","name":"a","depends":["b"]},{"command":"b","name":"b","depends":["a"]}]}"#,
            400,
            "jobs[0].depends",
            "a -> b -> a",
        ),
    ];
    for (body, status, field, words) in table {
        let answer = lab.operator(BATCH, body).await;
        assert_eq!((answer.status, &answer.json()["field"]), (status, &json!(field)), "{body}: {answer:?}");
        assert!(answer.body.contains(words), "{words:?} in {answer:?}");
    }
    let many = json!({"jobs": vec![json!({"command": "x"}); 50_001]}).to_string();
    let full = lab.operator(BATCH, &many).await;
    assert_eq!((full.status, full.code().as_str()), (429, "queue_full"));
    assert!(full.body.contains("0 of 50000 jobs, 50001 more asked for"), "{full:?}");
    assert_eq!(lab.operator("GET /api/jobs/list?all=true", "").await.json(), json!({"jobs": []}));
    lab.stop().await;
}

#[tokio::test]
async fn fifty_thousand_jobs_come_in_one_request() {
    let lab = Lab::new().await;
    let many = json!({"jobs": vec![json!({"command": "x"}); 50_000]}).to_string();
    let answer = lab.operator(BATCH, &many).await;
    assert_eq!((answer.status, answer.json()["job_ids"].as_array().unwrap().len()), (201, 50_000));
    let status = lab.operator("GET /api/jobs/queue-status", "").await.json();
    assert_eq!((&status["queued"], &status["capacity"]), (&json!(50_000), &json!(50_000)));
    assert_eq!(lab.operator("POST /api/jobs/submit", r#"{"command":"x"}"#).await.status, 429);
    lab.stop().await;
}

#[tokio::test]
async fn ended_jobs_are_submitted_again_and_stay_as_they_are() {
    let lab = Lab::new().await;
    lab.worker("POST /api/workers/register", "").await;
    let retry = "POST /api/jobs/retry";
    lab.operator("POST /api/jobs/submit", r#"{"command":"base","idempotency_key":"k"}"#).await;
    work(&lab, 0).await;
    let batch = r#"{"jobs":[{"command":"a","name":"a","depends":["job-1"]},{"command":"b","depends":["a"]}]}"#;
    lab.operator(BATCH, batch).await;
    let early = lab.operator(retry, r#"{"job_ids":["job-1","job-2"]}"#).await;
    assert_eq!((early.status, &early.json()["message"]), (409, &json!("job-2 has not ended: it is queued")));
    assert_eq!(work(&lab, 1).await, "job-2");
    assert_eq!(state(&lab, "job-3").await, "failed", "it depends on job-2");

    for (body, status) in [
        (r#"{"job_ids":[]}"#, 400),
        (r#"{"job_ids":["job-2","job-2"]}"#, 400),
        (r#"{"job_ids":["job-2","job-9"]}"#, 404),
    ] {
        assert_eq!(lab.operator(retry, body).await.status, status, "{body}");
    }
    // In any order: the dependency among them is found.
    let again = lab.operator(retry, r#"{"job_ids":["job-3","job-2","job-1"]}"#).await;
    assert_eq!((again.status, again.json()), (201, json!({"job_ids": ["job-4", "job-5", "job-6"]})));
    let depends = async |job: &str| {
        lab.operator(&format!("GET /api/jobs/info/{job}"), "").await.json()["spec"]["depends"].clone()
    };
    assert_eq!(depends("job-4").await, json!(["job-5"]));
    assert_eq!(depends("job-5").await, json!(["job-6"]));
    assert_eq!(state(&lab, "job-3").await, "failed", "an ended job never changes");
    for job in ["job-6", "job-5", "job-4"] {
        assert_eq!(work(&lab, 0).await, job);
    }
    // A dependency that was retried before is the later one, whose retry is the newest of all.
    lab.operator(retry, r#"{"job_ids":["job-3"]}"#).await;
    assert_eq!((state(&lab, "job-7").await, depends("job-7").await), (json!("queued"), json!(["job-5"])));
    lab.operator(retry, r#"{"job_ids":["job-5"]}"#).await;
    lab.operator(retry, r#"{"job_ids":["job-3"]}"#).await;
    assert_eq!(depends("job-9").await, json!(["job-8"]));
    assert_eq!(depends("job-8").await, json!(["job-6"]), "one that is not retried is kept");
    lab.stop().await;
}
