//! Bodies that are refused before they are read: at once, and so that whoever still sends gets the answer.

use std::time::Duration;

use c2_shared::token::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::lab::Lab;

const GIB: u64 = 1024 * 1024 * 1024;
/// Long before a body that never comes is given up.
const AT_ONCE: Duration = Duration::from_secs(3);
/// What a sender has sent before it reads.
const SENT: usize = 20 * 1024 * 1024;

/// Sends a head and so much of the body that it declares, and reads the answer's head.
async fn says(lab: &Lab, token: &str, line: &str, more: &str, declared: u64, sent: usize) -> String {
    let mut stream = TcpStream::connect(lab.address).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{more}content-length: {declared}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..sent / piece.len() {
        stream.write_all(&piece).await.expect("c2d takes what it refuses");
    }
    let (mut text, mut bytes) = (String::new(), [0; 4_096]);
    while !text.contains("\r\n\r\n") {
        let len = timeout(AT_ONCE, stream.read(&mut bytes)).await.expect("an answer at once").expect("no reset");
        assert!(len > 0, "it ended after {text:?}");
        text.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
    }
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_body_that_declares_too_much_is_refused_from_its_head() {
    let lab = Lab::new().await;
    let (operator, worker) = (lab.token(Role::Operator), lab.token(Role::Worker));
    let (json, bytes) = ("content-type: application/json\r\n", "content-type: application/octet-stream\r\n");
    let blob = format!("PUT /api/blobs/{}", "0".repeat(64));
    let table = [
        (&operator, "POST /api/jobs/submit", json, GIB),
        (&operator, "POST /api/jobs/submit-batch", json, GIB),
        (&operator, "POST /api/jobs/cancel/job-1", json, GIB),
        (&worker, "POST /api/workers/register", json, GIB),
        (&worker, "POST /api/workers/get-work/127.0.0.1", json, GIB),
        (&worker, "POST /api/jobs/result/job-1", json, GIB),
        (&operator, blob.as_str(), bytes, 5 * GIB),
    ];
    for (token, line, more, declared) in table {
        let status = says(&lab, token, line, more, declared, 0).await;
        let expected = if line.contains("cancel") { "HTTP/1.1 400" } else { "HTTP/1.1 413" };
        assert!(status.starts_with(expected), "{line}: {status}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn who_sends_before_reading_gets_the_answer_and_no_reset() {
    let lab = Lab::new().await;
    let (operator, viewer) = (lab.token(Role::Operator), lab.tokens().await.remove(2).1);
    let (json, bytes) = ("content-type: application/json\r\n", "content-type: application/octet-stream\r\n");
    let blob = format!("PUT /api/blobs/{}?offset=7", "0".repeat(64));
    let table = [
        ("c2o1.nobody", "POST /api/jobs/submit", json, "401"),
        (viewer.as_str(), "POST /api/jobs/submit", json, "403"),
        (operator.as_str(), "POST /api/jobs/submit", json, "413"),
        (operator.as_str(), "POST /nowhere", json, "404"),
        (operator.as_str(), blob.as_str(), bytes, "409"),
        (operator.as_str(), "GET /api/jobs/list", json, "400"),
    ];
    for (token, line, more, expected) in table {
        for declared in [SENT as u64, GIB] {
            let status = says(&lab, token, line, more, declared, SENT).await;
            assert!(status.contains(expected), "{line} with {declared} bytes: {status}");
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn who_waits_to_be_asked_for_a_body_is_not_asked_for_one_that_is_refused() {
    let lab = Lab::new().await;
    let more = "content-type: application/json\r\nexpect: 100-continue\r\n";
    let status = says(&lab, "c2o1.nobody", "POST /api/jobs/submit", more, GIB, 0).await;
    assert!(status.starts_with("HTTP/1.1 401"), "{status}");
    lab.stop().await;
}
