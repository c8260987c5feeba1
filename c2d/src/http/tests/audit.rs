//! What the audit log keeps, and what it does not let itself be filled with.

use c2_shared::api::endpoint;
use c2_shared::blob::BlobId;
use c2_shared::token::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::lab::Lab;

const POLL: &str = "POST /api/workers/get-work/127.0.0.1";

/// The lines of a log; all of them are there once c2d was started again.
fn lines(lab: &Lab, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(lab.folder().join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Those whose text has these words.
fn with(lines: &[Value], words: &str) -> Vec<Value> {
    lines.iter().filter(|line| line.to_string().contains(words)).cloned().collect()
}

/// The number before the words of a line about refusals that were not written down.
fn number_in(line: &str) -> u64 {
    let before = line.split(" more were refused").next().unwrap();
    before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Sends the same request on one connection, again and again.
async fn repeat(lab: &Lab, head: &str, times: usize) {
    let mut stream = TcpStream::connect(lab.address).await.unwrap();
    let (mut from, mut to) = stream.split();
    let request = format!("{head}host: {}\r\ncontent-length: 0\r\n\r\n", lab.address);
    let write = async {
        for _ in 0..times {
            to.write_all(request.as_bytes()).await.unwrap();
        }
    };
    let read = async {
        let (mut answers, mut bytes, mut carry) = (0, vec![0; 65_536], Vec::new());
        while answers < times {
            let len = from.read(&mut bytes).await.unwrap();
            assert!(len > 0, "the connection ended after {answers} answers");
            carry.extend_from_slice(&bytes[..len]);
            answers += carry.windows(9).filter(|part| part == b"HTTP/1.1 ").count();
            carry.drain(..carry.len().saturating_sub(8));
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn a_log_that_is_removed_goes_on_and_says_so() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    let log = lab.folder().join("audit.log");
    let written = async || {
        while std::fs::read_to_string(&log).is_ok_and(|text| text.is_empty()) || !log.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    written().await;
    std::fs::remove_file(&log).unwrap();
    lab.operator("POST /api/jobs/submit", r#"{"command":"false"}"#).await;
    written().await;
    let lab = lab.restart().await;
    let lines = lines(&lab, "audit.log");
    assert_eq!(with(&lines, "the log was removed or replaced while c2d ran").len(), 1, "{lines:?}");
    assert_eq!(with(&lines, "/api/jobs/submit").len(), 1, "{lines:?}");
}

#[tokio::test]
async fn refusals_push_no_change_out() {
    const TIMES: usize = 3_000;
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    let long = "x".repeat(14_000);
    repeat(&lab, &format!("GET /{long} HTTP/1.1\r\n"), TIMES).await;
    let worker = lab.token(Role::Worker);
    repeat(&lab, &format!("GET /api/jobs/info/{long} HTTP/1.1\r\nauthorization: Bearer {worker}\r\n"), TIMES).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    let lab = lab.restart().await;
    let changes = lines(&lab, "audit.log");
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert_eq!((&changes[0]["made"], &changes[1]["path"]), (&json!("job-1"), &json!("/api/jobs/cancel/job-1")));
    // While the disk is too slow some are counted alone, and a line says how many.
    let (refused, busy): (Vec<Value>, Vec<Value>) =
        lines(&lab, "refused.log").into_iter().partition(|line| line["status"].is_number());
    let uncounted: u64 = busy.iter().map(|line| number_in(&line.to_string())).sum();
    assert_eq!(refused.len(), 4, "{refused:?}");
    let told = |status: u16| refused.iter().filter(move |line| line["status"] == status);
    let counted = |status| told(status).map(|line| line["times"].as_u64().unwrap_or(1)).sum::<u64>();
    assert_eq!(counted(401) + counted(403) + uncounted, 2 * TIMES as u64, "{busy:?}");
    for status in [401, 403] {
        assert!((TIMES as u64 - uncounted..=TIMES as u64).contains(&counted(status)), "{status}: {uncounted}");
        assert!(told(status).all(|line| line["path"].as_str().unwrap().len() <= 200 && line["from"] == "127.0.0.1"));
    }
    lab.stop().await;
}

#[tokio::test]
async fn files_that_are_sent_are_a_line_an_hour_for_each_sender() {
    let lab = Lab::new().await;
    for n in 0..20 {
        let content = format!("content {n}");
        let head = format!(
            "host: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/octet-stream\r\n",
            lab.token(Role::Worker)
        );
        let line = format!("PUT {}", endpoint::GET_BLOB.at(&BlobId::of(content.as_bytes())));
        assert_eq!(lab.raw(&line, &head, &content).await.status, 200);
    }
    let lab = lab.restart().await;
    let sent = with(&lines(&lab, "audit.log"), "/api/blobs/");
    assert_eq!(sent.iter().map(|line| line["times"].as_u64().unwrap_or(1)).collect::<Vec<_>>(), [1, 19]);
    assert!(sent.iter().all(|line| line["who"].as_str().unwrap().starts_with("worker ")), "{sent:?}");
    lab.stop().await;
}

/// The beginning of what a worker says.
async fn registers(lab: &Lab, id: &str) -> u16 {
    let body = json!({"worker_id": id, "boot_id": "b", "slots": 4}).to_string();
    lab.worker("POST /api/workers/register", &body).await.status
}

async fn polls(lab: &Lab, id: &str, seq: u64, unsent: Value) -> Value {
    let body = json!({"worker_id": id, "boot_id": "b", "session": "s", "seq": seq, "slots_free": 4, "unsent": unsent});
    lab.worker(POLL, &body.to_string()).await.json()
}

#[tokio::test]
async fn results_that_decide_nothing_are_noted_and_repeated_ones_are_not() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","hold":true}"#).await;
    assert_eq!(registers(&lab, "w").await, 200);
    polls(&lab, "w", 1, json!([])).await;
    let result =
        |job: u64, code: i64| json!({"attempt": format!("job-{job}.1"), "outcome": {"kind": "exit", "code": code}});
    for seq in 2..5 {
        let answer = polls(&lab, "w", seq, json!([result(1, 0)])).await;
        assert_eq!(answer["ack"], json!(["job-1.1"]), "also when its acknowledgement was lost");
    }
    polls(&lab, "w", 5, json!([result(1, 7)])).await;
    polls(&lab, "w", 6, json!([result(2, 0)])).await;
    assert_eq!(lab.worker("POST /api/workers/register", "").await.status, 200);
    let late = lab.worker("POST /api/jobs/result/job-1", r#"{"attempt":"job-1.1","exit_code":9}"#).await;
    assert_eq!((late.status, late.code().as_str()), (409, "fenced"));
    let lab = lab.restart().await;
    let noted = lines(&lab, "refused.log");
    assert_eq!(noted.iter().map(|line| line["times"].as_u64().unwrap_or(1)).sum::<u64>(), 3, "{noted:?}");
    assert!(noted[0]["what"].as_str().unwrap().contains("a result for job-1.1, which is not its"), "{noted:?}");
    assert!(noted.iter().all(|line| line["who"] == "c2d" && line["from"] == "127.0.0.1"), "{noted:?}");
    lab.stop().await;
}

#[tokio::test]
async fn an_edited_list_of_workers_is_noted() {
    let lab = Lab::new().await;
    assert_eq!(registers(&lab, "w").await, 200);
    lab.operator("POST /api/workers/tags/127.0.0.1", r#"{"tags":["disk"]}"#).await;
    let lab = lab.restart().await;
    let lab = lab.restart_with("workers.json", |text| text.replace("\"disk\"", "\"gpu:0\"")).await;
    let lab = lab.restart().await;
    let edits = with(&lines(&lab, "audit.log"), "was edited");
    assert_eq!(edits.len(), 1, "only the one that was: {edits:?}");
    assert!(edits[0]["what"].as_str().unwrap().contains(r#"127.0.0.1 has the groups [] and the tags ["gpu:0"]"#));
    lab.stop().await;
}
