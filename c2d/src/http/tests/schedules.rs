//! Schedules: who may do what, what a week without c2d comes to, and files that runs need.

use c2_shared::blob::BlobId;
use c2_shared::token::Role;
use serde_json::{Value, json};

use super::lab::Lab;

const WEEK_MS: i64 = 7 * 24 * 3_600 * 1_000;

async fn add(lab: &Lab, name: &str, more: Value) {
    let mut body = json!({"name": name, "cron": "every 1h", "spec": {"command": "true"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = lab.operator("POST /api/schedules", &body.to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn viewers_look_and_operators_act() {
    let lab = Lab::new().await;
    add(&lab, "s", json!({})).await;
    let tokens = lab.tokens().await;
    let (_, viewer) = tokens.iter().find(|(role, _)| *role == Role::Viewer).unwrap();
    let headers = format!("host: {}\r\nauthorization: Bearer {viewer}\r\n", lab.address);
    let as_viewer = async |line: &str| lab.raw(line, &headers, "").await.status;
    assert_eq!((as_viewer("GET /api/schedules").await, as_viewer("GET /api/schedules/s").await), (200, 200));
    for line in [
        "DELETE /api/schedules/s",
        "POST /api/schedules/run/s",
        "POST /api/schedules/pause/s",
        "POST /api/schedules/change/s",
    ] {
        assert_eq!(as_viewer(line).await, 403, "{line}");
    }
    // All lines are there when it is down.
    let lab = lab
        .restart_after(|dir| {
            let audit = std::fs::read_to_string(dir.join("audit.log")).unwrap();
            assert!(audit.contains("\"schedule s\""), "{audit}");
        })
        .await;
    lab.stop().await;
}

#[tokio::test]
async fn a_week_without_c2d_gives_the_runs_that_each_asked_for() {
    let lab = Lab::new().await;
    for (name, missed) in [("once", "once"), ("skip", "skip"), ("each", "all")] {
        add(&lab, name, json!({"missed": missed})).await;
    }
    add(&lab, "paused", json!({"missed": "all"})).await;
    lab.operator("POST /api/schedules/pause/paused", "").await;
    // As if all of it had been written a week ago.
    let lab = lab.restart_after(|dir| {
        let database = rusqlite::Connection::open(dir.join("c2.db")).unwrap();
        let sql = "UPDATE schedule SET added_ms = added_ms - ?1, next_ms = next_ms - ?1, looked_ms = looked_ms - ?1";
        assert_eq!(database.execute(sql, [WEEK_MS]).unwrap(), 4);
    });
    let lab = lab.await;
    let listed = async || {
        let list = lab.operator("GET /api/schedules", "").await.json();
        let schedules = list["schedules"].as_array().unwrap().clone();
        schedules.into_iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one)).collect::<Vec<_>>()
    };
    let mut all = listed().await;
    for _ in 0..50 {
        if all.iter().all(|(name, one)| name == "paused" || one["runs"] != json!([])) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        all = listed().await;
    }
    // The last of 168 instants is now, and on time.
    for (name, one) in all {
        let runs = one["runs"].as_array().unwrap();
        let jobs = runs.iter().filter(|run| run["job_id"].is_string()).count();
        let missed: u64 = runs.iter().filter_map(|run| run["missed"].as_u64()).sum();
        let expected = match name.as_str() {
            "once" | "skip" => (1, 167),
            "each" => (20, 0),
            _ => (0, 0),
        };
        assert_eq!((jobs, missed), expected, "{name}: the latest of its runs: {runs:?}");
    }
    let queue = lab.operator("GET /api/jobs/queue-status", "").await.json();
    assert_eq!(queue["active"], 1 + 1 + 168);
    let lab = lab.restart().await;
    let queue = lab.operator("GET /api/jobs/queue-status", "").await.json();
    assert_eq!(queue["active"], 1 + 1 + 168, "and none of them again");
    lab.stop().await;
}

#[tokio::test]
async fn files_stay_as_long_as_the_schedule() {
    let lab = Lab::new().await;
    let content = vec![7; 10_000];
    let blob = BlobId::of(&content);
    let inline = c2_shared::bytes64::Bytes64(content);
    let spec = json!({"command": "cat a", "upload": [{"path": "a", "content": inline}]});
    add(&lab, "s", json!({"spec": spec})).await;
    let is_there = async |lab: &Lab| lab.operator(&format!("HEAD /api/blobs/{blob}"), "").await.status == 200;
    let used = |lab: &Lab| {
        let database = rusqlite::Connection::open(lab.file("c2.db")).unwrap();
        database.query_row("SELECT count(*) FROM blob_use", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(is_there(&lab).await);
    assert_eq!(used(&lab), 1);
    lab.operator("POST /api/schedules/run/s", "").await;
    assert_eq!(used(&lab), 2, "the schedule and its job");
    lab.operator("DELETE /api/schedules/s", "").await;
    assert_eq!(used(&lab), 1);
    lab.stop().await;
}

#[tokio::test]
async fn a_schedule_that_was_changed_on_the_disk_runs_nothing() {
    let lab = Lab::new().await;
    add(&lab, "s", json!({})).await;
    let lab = lab
        .restart_after(|dir| {
            let database = rusqlite::Connection::open(dir.join("c2.db")).unwrap();
            database.execute("UPDATE schedule SET payload = '{\"command\":\"evil\"}'", []).unwrap();
        })
        .await;
    let refused = lab.operator("POST /api/schedules/run/s", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    assert!(refused.body.contains("changed in the database"), "{refused:?}");
    let refused = lab.operator("POST /api/schedules/change/s", "{\"set\": {\"priority\": 1}}").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    lab.stop().await;
}

#[tokio::test]
async fn a_change_is_there_after_a_restart_with_the_files_of_now() {
    let lab = Lab::new().await;
    let inline = |byte: u8| c2_shared::bytes64::Bytes64(vec![byte; 10_000]);
    let upload = |byte| json!([{"path": "a", "content": inline(byte)}]);
    add(&lab, "s", json!({"spec": {"command": "cat a", "upload": upload(7)}})).await;
    lab.operator("POST /api/schedules/pause/s", "").await;
    let change = json!({"cron": "0 4 * * *", "overlap": "queue", "set": {"upload": upload(8), "priority": 3}});
    let changed = lab.operator("POST /api/schedules/change/s", &change.to_string()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let lab = lab.restart().await;
    let row = lab.operator("GET /api/schedules/s", "").await.json();
    assert_eq!((&row["cron"], &row["overlap"], &row["paused"]), (&json!("0 4 * * *"), &json!("queue"), &json!(true)));
    assert_eq!((&row["spec"]["command"], &row["spec"]["priority"]), (&json!("cat a"), &json!(3)));
    let sha256 = BlobId::of(&[8; 10_000]).to_string();
    assert_eq!(row["spec"]["upload"], json!([{"path": "a", "sha256": sha256}]));
    let database = rusqlite::Connection::open(lab.file("c2.db")).unwrap();
    let used = database.query_row("SELECT count(*) FROM blob_use", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(used, 1, "the file that it no longer needs is nobody's");
    let ran = lab.operator("POST /api/schedules/run/s", "").await;
    assert_eq!(ran.status, 201, "{ran:?}");
    lab.stop().await;
}

#[tokio::test]
async fn runs_have_the_name_of_their_schedule_unless_they_get_another() {
    let lab = Lab::new().await;
    let table = [
        ("night", json!({}), json!("night")),
        ("mine", json!({"name": "own"}), json!("own")),
        ("12", json!({"name": "twelve"}), json!("twelve")),
    ];
    for (schedule, more, name) in table {
        let mut spec = json!({"command": "true"});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        add(&lab, schedule, json!({"spec": spec})).await;
        let run = lab.operator(&format!("POST /api/schedules/run/{schedule}"), "").await.json();
        let job = lab.operator(&format!("GET /api/jobs/info/{}", run["job_id"].as_str().unwrap()), "").await.json();
        assert_eq!(job["name"], name, "{schedule}: {job}");
    }
    // `12` would be an id, and `failed` all that failed.
    for name in ["13", "failed", "last", "3-9"] {
        let request = json!({"name": name, "cron": "@daily", "spec": {"command": "true"}});
        let refused = lab.operator("POST /api/schedules", &request.to_string()).await;
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("name")), "{name}: {refused:?}");
    }
    lab.stop().await;
}
