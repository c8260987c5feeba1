//! Notifications in the order in which it happened, of the kind that they say, and mail that was taken.

use std::time::Duration;

use c2_shared::config::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::lab::Lab;
use super::notify::{Target, add, run};

#[tokio::test]
async fn a_slow_target_is_told_in_the_order_in_which_it_happened() {
    let lab = Lab::new().await;
    let mut slow = Target::late("127.0.0.73:0", &[200], Duration::from_millis(700)).await;
    add(&lab, json!({"name": "phone", "on": ["ended", "queue-empty"], "to": slow.url})).await;
    for _ in 0..4 {
        run(&lab, json!({"command": "true"}), 0, "").await;
        // An end and what came before it are not of one millisecond.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for job in 1..=4 {
        let (ended, empty) = (slow.next().await, slow.next().await);
        assert_eq!((&ended["kind"], &ended["job_ids"]), (&json!("ended"), &json!([format!("job-{job}")])));
        assert_eq!(empty["kind"], "queue-empty", "it was empty after job-{job}");
    }
    assert!(slow.is_quiet().await);
    lab.stop().await;
}

#[tokio::test]
async fn jobs_of_one_message_are_of_one_kind() {
    let lab = Lab::new().await;
    let mut slow = Target::late("127.0.0.74:0", &[200], Duration::from_secs(2)).await;
    add(&lab, json!({"name": "phone", "on": ["failed", "ended", "back-to-green"], "to": slow.url})).await;
    run(&lab, json!({"command": "true"}), 0, "").await;
    assert_eq!(slow.next().await["job_ids"], json!(["job-1"]));
    // While it takes its time:
    for code in [1, 0, 0, 0, 0, 0, 2, 2] {
        run(&lab, json!({"command": "true", "name": "build"}), code, "").await;
    }
    let mut told = Vec::new();
    for _ in 0..4 {
        let one = slow.next().await;
        told.push((one["kind"].clone(), one["title"].clone(), one["job_ids"].as_array().unwrap().len()));
    }
    let expected = [
        (json!("failed"), json!("build failed: exit 1"), 1),
        (json!("back-to-green"), json!("build succeeded again"), 1),
        (json!("ended"), json!("4 jobs: ended"), 4),
        (json!("failed"), json!("2 jobs: failed"), 2),
    ];
    assert_eq!(told, expected);
    lab.stop().await;
}

#[tokio::test]
async fn what_an_operator_cancels_is_neither_a_failure_nor_a_success() {
    let lab = Lab::new().await;
    let mut phone = Target::start("127.0.0.75:0", &[200]).await;
    add(&lab, json!({"name": "phone", "on": ["failed", "back-to-green"], "to": phone.url})).await;
    run(&lab, json!({"command": "true", "name": "build"}), 1, "").await;
    for _ in 0..7 {
        let job = lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"build"}"#).await.json();
        lab.operator(&format!("POST /api/jobs/cancel/{}", job["job_id"].as_str().unwrap()), "").await;
    }
    run(&lab, json!({"command": "true", "name": "build"}), 0, "").await;
    let job = lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"build"}"#).await.json();
    lab.operator(&format!("POST /api/jobs/cancel/{}", job["job_id"].as_str().unwrap()), "").await;
    run(&lab, json!({"command": "true", "name": "build"}), 0, "").await;
    let titles = [phone.next().await["title"].clone(), phone.next().await["title"].clone()];
    assert_eq!(titles, ["build failed: exit 1", "build succeeded again"]);
    assert!(phone.is_quiet().await);
    lab.stop().await;
}

/// A mail server that hangs up as soon as it is asked to say goodbye.
async fn rude_server(address: &str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let (told, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut stream, mut said, mut is_data) = (BufReader::new(stream), String::new(), false);
            drop(stream.write_all(b"220 here\r\n").await);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == "QUIT\r\n" {
                    break;
                }
                said.push_str(&line);
                is_data = is_data && line != ".\r\n";
                if !is_data {
                    is_data = line == "DATA\r\n";
                    let answer: &[u8] = if is_data { b"354 go on\r\n" } else { b"250 ok\r\n" };
                    drop(stream.write_all(answer).await);
                }
            }
            drop(told.send(said));
        }
    });
    (server, mails)
}

#[tokio::test]
async fn a_mail_that_was_taken_is_not_sent_again() {
    let (mail_server, mut mails) = rude_server("127.0.0.76:0").await;
    let lab = Lab::as_configured(ServerConfig { mail_server, ..ServerConfig::default() }).await;
    add(&lab, json!({"name": "mail", "on": ["failed"], "to": "mail:me@example.org"})).await;
    run(&lab, json!({"command": "true", "name": "\u{fc}ml\u{e4}ut job"}), 1, "").await;
    let mail = tokio::time::timeout(Duration::from_secs(20), mails.recv()).await.unwrap().unwrap();
    for line in ["Subject: =?UTF-8?B?w7xtbMOkdXQgam9i", "\r\nDate: ", "\r\nMessage-ID: <"] {
        assert!(mail.contains(line), "{line:?} in {mail:?}");
    }
    // The next try would come after two seconds.
    let again = tokio::time::timeout(Duration::from_secs(4), mails.recv()).await;
    assert!(again.is_err(), "{again:?}");
    let row = lab.operator("GET /api/notifications/mail", "").await.json();
    assert_eq!(row.get("trouble").cloned().unwrap_or(Value::Null), Value::Null);
    lab.stop().await;
}
