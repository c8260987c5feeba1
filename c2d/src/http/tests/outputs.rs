//! What attempts wrote, from c2d's door to whoever reads it: whole as long as it is kept, and with a word
//! of what is missing.

use c2_shared::api::endpoint;
use c2_shared::api::jobs::Stream;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::config::ServerConfig;
use c2_shared::order::Order;
use c2_shared::token::Role;
use serde_json::{Value, json};

use super::bounds::{POLL, given, given_by, poll};
use super::lab::{Answer, Lab};

const OUTPUT: &str = "GET /api/jobs/output/job-1";

fn seq(to: u64) -> String {
    (1..=to).map(|n| format!("{n}\n")).collect()
}

fn base64(text: &str) -> Value {
    json!(Bytes64(text.into()))
}

/// A result with these fields beside the usual ones.
fn result(fields: &Value) -> Value {
    let mut result = json!({"attempt": "job-1.1", "outcome": {"kind": "exit", "code": 0}});
    result.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!([result])
}

fn blob(content: &str, dropped_at: usize) -> Value {
    json!({"sha256": BlobId::of(content.as_bytes()).to_string(), "size": content.len(), "dropped_at": dropped_at})
}

impl Lab {
    async fn put_content(&self, content: &str) {
        let path = endpoint::PUT_BLOB.at(&BlobId::of(content.as_bytes()));
        let headers = format!("host: localhost\r\nauthorization: Bearer {}\r\n", self.token(Role::Worker));
        let bytes = format!("{headers}content-type: application/octet-stream\r\n");
        assert_eq!(self.raw(&format!("PUT {path}"), &bytes, content).await.status, 200);
    }

    /// Bytes of a stream.
    async fn bytes(&self, query: &str) -> (Answer, String) {
        let mut answer = self.operator(&format!("{OUTPUT}?{query}"), "").await;
        let body = std::mem::take(&mut answer.body);
        (answer, body)
    }

    async fn as_json(&self, query: &str) -> Answer {
        let headers = format!(
            "host: localhost\r\nauthorization: Bearer {}\r\naccept: application/json\r\n",
            self.token(Role::Operator)
        );
        self.raw(&format!("{OUTPUT}?{query}"), &headers, "").await
    }
}

#[tokio::test]
async fn a_long_output_in_a_result_is_kept_whole_beside_the_database() {
    let lab = given(json!({}), "box").await;
    let text = seq(200_000);
    let answer = lab.worker(POLL, &poll(2, &result(&json!({"stdout": {"head": base64(&text)}})))).await;
    assert_eq!(answer.json()["ack"], json!(["job-1.1"]), "{answer:?}");
    let (answer, body) = lab.bytes("").await;
    assert!(body == text && !answer.head.contains("c2-dropped"), "{} bytes", body.len());
    let whole = lab.as_json("").await.json();
    assert_eq!(whole, json!({"head": base64(&text)}));
    let info = lab.operator("GET /api/jobs/info/job-1", "").await.json();
    let hidden = text.len() - 256 * 1024;
    assert_eq!((&info["stdout_hidden"], &info["stdout_dropped"]), (&json!(hidden), &Value::Null));
    let shown = info["stdout"].as_str().unwrap();
    let line = format!("\n[{hidden} bytes not shown here]\n");
    assert!(shown.contains(&line) && shown.starts_with("1\n2\n") && shown.ends_with("\n200000\n"));
    let followed = lab.operator("GET /api/jobs/follow/job-1", "").await.body;
    assert!(followed.matches("event: written").count() >= text.len() / 65_536, "piece by piece");
    let lab = lab.restart().await;
    assert!(lab.bytes("").await.1 == text);
    lab.stop().await;
}

#[tokio::test]
async fn a_result_waits_for_its_contents_and_they_are_asked_for() {
    let lab = given(json!({}), "box").await;
    let (text, digest) = (seq(3_000), "ab".repeat(32));
    let large = json!({"stdout": {"blob": blob(&text, text.len())}, "digest": digest});
    let answer = lab.worker(POLL, &poll(2, &result(&large))).await.json();
    let wanted = BlobId::of(text.as_bytes()).to_string();
    assert_eq!((&answer["want"], &answer["ack"]), (&json!([wanted]), &json!([])), "{answer}");
    assert_eq!(answer["kill"], json!([]), "its worker still holds it");
    assert_eq!(lab.operator("GET /api/jobs/info/job-1", "").await.json()["state"], "running");
    lab.put_content(&text).await;
    let answer = lab.worker(POLL, &poll(3, &result(&large))).await.json();
    assert_eq!((&answer["ack"], &answer["want"]), (&json!(["job-1.1"]), &Value::Null), "{answer}");
    assert!(lab.bytes("").await.1 == text);
    lab.stop().await;
}

#[tokio::test]
async fn what_a_result_says_of_a_blob_is_made_true() {
    let lab = given(json!({}), "box").await;
    let text = seq(3_000);
    lab.put_content(&text).await;
    let mut claimed = blob(&text, 1 << 40);
    claimed["size"] = json!(7);
    let sent = json!({"stdout": {"blob": claimed, "dropped": 5}});
    lab.worker(POLL, &poll(2, &result(&sent))).await;
    let (answer, body) = lab.bytes("").await;
    assert!(body == text, "{} bytes", body.len());
    let at = format!("c2-dropped-at: {}\r\n", text.len());
    assert!(answer.head.contains("c2-dropped: 5\r\n") && answer.head.contains(&at), "{}", answer.head);
    lab.stop().await;
}

#[tokio::test]
async fn an_output_that_is_too_large_does_not_hold_up_its_result() {
    let lab = given(json!({}), "box").await;
    let huge = json!({"sha256": "cd".repeat(32), "size": 66 << 20, "dropped_at": 0});
    let answer = lab.worker(POLL, &poll(2, &result(&json!({"stdout": {"blob": huge}})))).await.json();
    assert_eq!((&answer["ack"], &answer["want"]), (&json!(["job-1.1"]), &Value::Null), "{answer}");
    let (answer, body) = lab.bytes("").await;
    assert!(body.is_empty() && answer.head.contains(&format!("c2-dropped: {}\r\n", 66 << 20)), "{answer:?}");
    assert!(answer.head.contains("c2-dropped-reason: 69206016 bytes are more than c2d keeps"), "{answer:?}");
    let followed = lab.operator("GET /api/jobs/follow/job-1", "").await.body;
    assert!(followed.contains("more than c2d keeps") && followed.contains("\"offset\":69206016"), "{followed}");
    lab.stop().await;
}

#[tokio::test]
async fn what_is_beyond_the_setting_is_a_gap_with_its_place() {
    let config = ServerConfig { output_keep_bytes: 40_000, ..ServerConfig::default() };
    let lab = given_by(Lab::as_configured(config).await, json!({}), "box").await;
    let intro = r#"{"worker_id": "w", "boot_id": "b", "slots": 4}"#;
    let told = lab.worker("POST /api/workers/register", intro).await.json();
    assert_eq!(told["output_keep_bytes"], 40_000);
    let text = seq(20_000);
    lab.worker(POLL, &poll(2, &result(&json!({"stdout": {"head": base64(&text)}})))).await;
    let (answer, body) = lab.bytes("").await;
    let (head, tail) = (&text[..10_000], &text[text.len() - 30_000..]);
    assert!(body == [head, tail].concat(), "{} bytes, and no word among them", body.len());
    let dropped = text.len() - 40_000;
    assert!(answer.head.contains(&format!("c2-dropped: {dropped}\r\n")), "{}", answer.head);
    assert!(answer.head.contains("c2-dropped-at: 10000\r\n"), "{}", answer.head);
    let whole = lab.as_json("").await.json();
    assert_eq!(whole, json!({"head": base64(head), "dropped": dropped, "tail": base64(tail)}));
    let info = lab.operator("GET /api/jobs/info/job-1", "").await.json();
    assert_eq!(info["stdout"], format!("{head}\n[{dropped} bytes dropped]\n{tail}"));
    lab.stop().await;
}

#[tokio::test]
async fn both_streams_come_as_they_were_written() {
    for lines in [3_u64, 2_000] {
        let lab = given(json!({}), "box").await;
        let (mut order, mut both, mut streams) = (Order::default(), String::new(), [String::new(), String::new()]);
        for n in 0..lines {
            for (stream, of) in [Stream::Stdout, Stream::Stderr].into_iter().zip(&mut streams) {
                let line = format!("{stream:?} {n}\n");
                order.push(stream, line.len() as u64);
                both += &line;
                *of += &line;
            }
        }
        let [out, err] = &streams;
        let sent = json!({
            "stdout": {"head": base64(out)}, "stderr": {"head": base64(err)}, "order": Bytes64(order.to_bytes()),
        });
        lab.worker(POLL, &poll(2, &result(&sent))).await;
        let (_, body) = lab.bytes("stream=both").await;
        assert!(body == both, "{lines} lines: {}", &body[..body.len().min(200)]);
        assert!(lab.bytes("stream=stderr").await.1 == *err);
        assert_eq!(lab.as_json("stream=both").await.json(), json!({"head": base64(&both)}));
        lab.stop().await;
    }
}

#[tokio::test]
async fn no_more_than_fits_comes_as_one_document() {
    let lab = given(json!({}), "box").await;
    let text = "x".repeat((8 << 20) + 1);
    lab.put_content(&text).await;
    lab.worker(POLL, &poll(2, &result(&json!({"stdout": {"blob": blob(&text, 0)}})))).await;
    let refused = lab.as_json("").await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "too_large"));
    assert!(refused.body.contains("Accept: application/json"), "{refused:?}");
    assert!(lab.bytes("").await.1 == text);
    lab.stop().await;
}

#[tokio::test]
async fn a_smaller_form_of_a_recorded_result_is_the_same_result() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true"}"#).await;
    lab.worker("POST /api/workers/register", "").await;
    lab.worker(POLL, "").await;
    let text = seq(3_000);
    let plain = json!({"attempt": "job-1.1", "exit_code": 0, "stdout": text}).to_string();
    for status in ["recorded", "duplicate"] {
        let answer = lab.worker("POST /api/jobs/result/job-1", &plain).await;
        assert_eq!(answer.json()["status"], status, "{answer:?}");
    }
    let other = json!({"attempt": "job-1.1", "exit_code": 0, "stdout": "x"}).to_string();
    assert_eq!(lab.worker("POST /api/jobs/result/job-1", &other).await.status, 409);
    lab.stop().await;
}

#[tokio::test]
async fn the_database_grows_little_whatever_results_say() {
    let lab = Lab::new().await;
    let intro = r#"{"worker_id": "w", "boot_id": "b", "slots": 4}"#;
    assert_eq!(lab.worker("POST /api/workers/register", intro).await.status, 200);
    let jobs: Vec<Value> = (0..100).map(|_| json!({"command": "true", "download": ["**"]})).collect();
    lab.operator("POST /api/jobs/submit-batch", &json!({"jobs": jobs}).to_string()).await;
    let text = seq(20_000);
    let mut order = Order::default();
    for n in 0..5_000 {
        order.push(if n % 2 == 0 { Stream::Stdout } else { Stream::Stderr }, 1 + n % 200);
    }
    let files: Vec<Value> = (0..1_000)
        .map(|n| json!({"path": format!("{n}/{}", "p".repeat(100)), "size": 1, "sha256": BlobId::of(b"x").to_string()}))
        .collect();
    lab.put_content("x").await;
    let problems = vec!["P".repeat(1_000); 500];
    let size = || {
        let pages = ["c2.db", "c2.db-wal"].map(|name| std::fs::metadata(lab.file(name)).map_or(0, |file| file.len()));
        pages.iter().sum::<u64>()
    };
    let (mut unsent, before) = (json!([]), size());
    for n in 1..=100 {
        let answer = lab.worker(POLL, &poll(n, &unsent)).await.json();
        let attempt = answer["assign"][0]["attempt"].clone();
        assert!(attempt.is_string(), "{answer}");
        unsent = json!([{
            "attempt": attempt, "outcome": {"kind": "exit", "code": 0}, "stdout": {"head": base64(&text)},
            "stderr": {"head": base64(&text)}, "order": Bytes64(order.to_bytes()), "files": files,
            "problems": problems,
        }]);
    }
    assert_eq!(lab.worker(POLL, &poll(101, &unsent)).await.status, 200);
    let left = lab.operator("GET /api/jobs/files/job-50", "").await.json();
    assert_eq!(left["files"].as_array().unwrap().len(), 1_000, "they are in a list of their own");
    let (before_stop, lab) = (before, lab.restart().await);
    let grown = std::fs::metadata(lab.file("c2.db")).unwrap().len().saturating_sub(before_stop.min(200_000));
    assert!(grown < 1_000_000, "the database is {grown} bytes larger");
    lab.stop().await;
}
