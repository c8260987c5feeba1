//! The event stream, and how requests that wait come to an end when c2d goes down.

use std::time::Duration;

use c2_shared::token::Role;

use super::lab::Lab;

/// Less than c2d grants to open requests: those that wait must end by being told, not by being cut.
const PROMPTLY: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_reader_gets_a_snapshot_and_then_what_changes() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"before"}"#).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"live"}"#).await;
    let mut events = lab.open(Role::Operator, "GET /api/events", "").await;
    events.until("\n\n").await;
    events.until(r#""capacity""#).await;
    let snapshot = events.text.clone();
    for words in ["text/event-stream", "id: 1\n", "event: snapshot\n", r#""name":"before""#, r#""name":"live""#] {
        assert!(snapshot.contains(words), "{words:?} in {snapshot}");
    }
    assert!(!snapshot.contains("event: change"), "{snapshot}");

    lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"after"}"#).await;
    events.until(r#""name":"after""#).await;
    assert!(events.text.contains("id: 2\nevent: change\n"), "{}", events.text);
    lab.worker("POST /api/workers/register", "").await;
    events.until("id: 3\nevent: change\n").await;
    events.until(r#""ip":"127.0.0.1""#).await;
    lab.stop().await;
}

#[tokio::test]
async fn going_down_ends_what_waits() {
    let lab = Lab::new().await;
    let mut events = lab.open(Role::Operator, "GET /api/events", "").await;
    events.until("event: snapshot").await;
    let waiting = r#"{"command":"true","name":"waiting"}"#;
    let waiting = lab.open(Role::Operator, "POST /api/jobs/submit-wait?wait_s=60", waiting).await;
    // Its job is there, so c2d holds the request.
    events.until(r#""name":"waiting""#).await;
    tokio::time::timeout(PROMPTLY, lab.stop()).await.expect("c2d goes down without waiting for its readers");
    let text = waiting.end().await;
    // It was accepted, as was said at once; what became of it is missing.
    assert!(text.starts_with("HTTP/1.1 201") && text.contains("location: /api/jobs/info/job-1\r\n"), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "{text}");
    // The stream was closed in order: the last chunk is there.
    let text = events.end().await;
    assert!(text.ends_with("0\r\n\r\n"), "{text}");
}
