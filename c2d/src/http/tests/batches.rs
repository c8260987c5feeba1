//! Batches: how far each has come, what may run of it at once, and when it will be done.

use serde_json::{Value, json};

use super::lab::Lab;

async fn submit(lab: &Lab, body: Value) -> (u16, Value) {
    let answer = lab.operator("POST /api/jobs/submit-batch", &body.to_string()).await;
    (answer.status, answer.json())
}

async fn batch(lab: &Lab, name: &str) -> Value {
    lab.operator(&format!("GET /api/batches/{name}"), "").await.json()
}

fn of(batch: &str, more: &Value) -> Value {
    let mut job = json!({"command": "true", "batch": batch});
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

#[tokio::test]
async fn a_batch_is_counted_by_state() {
    let lab = Lab::new().await;
    let nothing = lab.operator("GET /api/batches", "").await.json();
    assert_eq!(nothing, json!({"batches": []}));
    let jobs = json!([of("night", &json!({})), of("night", &json!({"hold": true})), of("day", &json!({}))]);
    assert_eq!(submit(&lab, json!({"jobs": jobs, "max_running": 2})).await.0, 201);
    lab.operator("POST /api/jobs/submit", &of("night", &json!({"depends": ["job-1"]})).to_string()).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    let lab = lab.restart().await;
    let night = batch(&lab, "night").await;
    let counts = ["jobs", "held", "queued", "blocked", "failed", "cancelled", "max_running"].map(|key| &night[key]);
    assert_eq!(counts, [3, 1, 0, 0, 1, 1, 2].map(Value::from).each_ref(), "{night}");
    assert_eq!((&night["ended_ms"], &night["eta_s"]), (&Value::Null, &Value::Null), "{night}");
    assert!(night["submitted_ms"].as_u64().is_some());
    let list = lab.operator("GET /api/batches", "").await.json();
    assert_eq!(list["batches"].as_array().unwrap().len(), 2, "{list}");
    lab.operator("POST /api/jobs/cancel", &json!({"select": "@batch:night"}).to_string()).await;
    let night = batch(&lab, "night").await;
    assert!(night["ended_ms"].as_u64().is_some() && night["cancelled"] == 2, "{night}");
    let jobs = lab.operator("GET /api/jobs/list?all=true&batch=night", "").await.json();
    let ids: Vec<&str> = jobs["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["job-1", "job-2", "job-4"]);
    assert_eq!(jobs["jobs"][0]["batch"], "night");
    // What was retried stands for nothing in its batch any more.
    let again = lab.operator("POST /api/jobs/retry", &json!({"job_ids": ["job-1", "job-2"]}).to_string()).await;
    assert_eq!(again.json()["job_ids"], json!(["job-5", "job-6"]));
    let night = batch(&lab, "night").await;
    assert_eq!((&night["jobs"], &night["cancelled"]), (&json!(3), &json!(0)), "{night}");
    let jobs = lab.operator("GET /api/jobs/list?all=true&batch=night", "").await.json();
    let ids: Vec<&str> = jobs["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["job-4", "job-5", "job-6"]);
    let log = lab.operator("GET /api/jobs/log?batch=day", "").await.json();
    assert_eq!(log, json!({"results": []}));
    lab.stop().await;
}

#[tokio::test]
async fn the_limit_is_of_the_batch_as_a_whole() {
    let lab = Lab::new().await;
    let jobs = json!([of("night", &json!({})), of("night", &json!({}))]);
    let key = |max: u64| json!({"jobs": jobs, "idempotency_key": "k", "max_running": max});
    assert_eq!(submit(&lab, key(2)).await.0, 201);
    assert_eq!(submit(&lab, key(2)).await.0, 201, "the same again");
    assert_eq!(submit(&lab, key(3)).await.1["code"], "conflict", "the limit is part of the request");
    for (body, field) in [
        (json!({"jobs": jobs, "max_running": 0}), "max_running"),
        (json!({"jobs": [jobs[0], "true"], "max_running": 1}), "jobs[1].batch"),
        (json!({"jobs": [of("two words", &json!({}))]}), "jobs[0].batch"),
    ] {
        let (status, answer) = submit(&lab, body.clone()).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{body}: {answer}");
    }
    let change = async |body: Value| {
        let answer = lab.operator("POST /api/jobs/change", &body.to_string()).await;
        (answer.status, answer.json())
    };
    let (status, answer) = change(json!({"select": "@batch:night", "max_running": 7})).await;
    assert_eq!((status, answer["done"].as_array().unwrap().len()), (200, 2), "{answer}");
    let both = json!({"select": "@batch:night", "max_running": 5, "set": {"priority": 3}});
    assert_eq!(change(both).await.1["done"].as_array().unwrap().len(), 2);
    let job = lab.operator("GET /api/jobs/info/job-2", "").await.json();
    assert_eq!((&job["priority"], &batch(&lab, "night").await["max_running"]), (&json!(3), &json!(5)));
    for body in [
        json!({"select": "1-2@batch:night", "max_running": 1}),
        json!({"select": "@batch:night", "job_ids": ["job-1"], "max_running": 1}),
        json!({"job_ids": ["job-1"], "max_running": 1}),
        json!({"select": "@queued", "max_running": 1}),
    ] {
        let (status, answer) = change(body.clone()).await;
        assert_eq!((status, &answer["field"]), (400, &json!("max_running")), "{body}: {answer}");
    }
    change(json!({"select": "@batch:night", "max_running": 0})).await;
    assert_eq!(batch(&lab, "night").await["max_running"], Value::Null);
    let (status, none) = change(json!({"select": "@batch:nowhere", "max_running": 1})).await;
    assert_eq!((status, &none["field"]), (404, &json!("select")), "{none}");
    let unknown = lab.operator("GET /api/batches/nigth", "").await;
    assert_eq!((unknown.status, unknown.json()["hint"].as_str()), (404, Some("did you mean \"night\"?")));
    lab.stop().await;
}

#[tokio::test]
async fn the_limit_of_a_batch_whose_jobs_have_ended_changes_as_long_as_it_is_listed() {
    let lab = Lab::new().await;
    submit(&lab, json!({"jobs": [of("night", &json!({}))], "max_running": 1})).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    for (asked, shown) in [(5, json!(5)), (0, Value::Null)] {
        let body = json!({"select": "@batch:night", "max_running": asked});
        let answer = lab.operator("POST /api/jobs/change", &body.to_string()).await;
        let expected = json!({"done": [], "refused": [], "max_running": asked});
        assert_eq!((answer.status, answer.json()), (200, expected));
        assert_eq!(batch(&lab, "night").await["max_running"], shown);
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_limit_is_forgotten_when_no_job_of_its_batch_is_kept() {
    let lab = Lab::new().await;
    let jobs = json!([of("night", &json!({})), of("day", &json!({}))]);
    submit(&lab, json!({"jobs": jobs, "max_running": 2})).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    let kept = |lab: &Lab| {
        let database = rusqlite::Connection::open(lab.file("c2.db")).unwrap();
        let mut statement = database.prepare("SELECT name FROM batch ORDER BY name").unwrap();
        let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        names.map(Result::unwrap).collect::<Vec<_>>()
    };
    let lab = lab.restart().await;
    assert_eq!(kept(&lab), ["day", "night"], "a retry finds it");
    let remove = |dir: &std::path::Path| {
        let database = rusqlite::Connection::open(dir.join("c2.db")).unwrap();
        database
            .execute_batch(
                "INSERT INTO removed SELECT id, state, worker, seq FROM job WHERE id = 1;
            DELETE FROM job WHERE id = 1",
            )
            .unwrap();
    };
    let lab = lab.restart_after(remove).await;
    assert_eq!(kept(&lab), ["day"]);
    assert_eq!(lab.operator("GET /api/batches/night", "").await.status, 404);
    lab.stop().await;
}
