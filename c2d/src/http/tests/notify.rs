//! Notifications to a server of the test: what reaches it, what does not, and what is shown of it.

use std::collections::BTreeMap;
use std::time::Duration;

use c2_shared::config::ServerConfig;
use c2_shared::token::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::lab::Lab;

/// How long something may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server at an address of its own; answers each request with the next of these statuses, the last one for ever.
pub(super) struct Target {
    pub(super) url: String,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Target {
    pub(super) async fn start(address: &str, statuses: &'static [u16]) -> Self {
        Self::late(address, statuses, Duration::ZERO).await
    }

    /// One that takes its time before it answers.
    pub(super) async fn late(address: &str, statuses: &'static [u16], after: Duration) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/SECRET", listener.local_addr().unwrap());
        let (told, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut statuses = statuses.iter().copied();
            let mut status = 200;
            while let Ok((stream, _)) = listener.accept().await {
                status = statuses.next().unwrap_or(status);
                let (mut stream, mut length) = (BufReader::new(stream), 0);
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                drop(told.send(String::from_utf8(body).unwrap()));
                tokio::time::sleep(after).await;
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Self { url, requests }
    }

    pub(super) async fn next(&mut self) -> Value {
        let body = tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("it is told").unwrap();
        serde_json::from_str(&body).unwrap()
    }

    /// Nothing more comes.
    pub(super) async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(700), self.requests.recv()).await.is_err()
    }
}

pub(super) async fn add(lab: &Lab, body: Value) {
    let answer = lab.operator("POST /api/notifications", &body.to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// A job that ends with this status.
pub(super) async fn run(lab: &Lab, spec: Value, code: i32, wrote: &str) {
    let job = lab.operator("POST /api/jobs/submit", &spec.to_string()).await.json()["job_id"].clone();
    let job = job.as_str().unwrap();
    lab.worker("POST /api/workers/register", "").await;
    let given = lab.worker("POST /api/workers/get-work/127.0.0.1", "").await.json();
    assert_eq!(given["job"]["job_id"], job);
    let result = json!({"attempt": format!("{job}.1"), "exit_code": code, "stderr": wrote});
    assert_eq!(lab.worker(&format!("POST /api/jobs/result/{job}"), &result.to_string()).await.status, 200);
}

#[tokio::test]
async fn ends_of_jobs_are_told_as_asked() {
    let lab = Lab::new().await;
    let mut all = Target::start("127.0.0.61:0", &[200]).await;
    let mut green = Target::start("127.0.0.62:0", &[200]).await;
    run(&lab, json!({"command": "true", "name": "build"}), 1, "before\n").await;
    add(&lab, json!({"name": "all", "on": ["failed", "queue-empty"], "to": all.url})).await;
    add(&lab, json!({"name": "green", "on": ["back-to-green"], "to": green.url, "job_name": "build"})).await;
    run(&lab, json!({"command": "true", "name": "build"}), 3, "one\n\u{1b}[31mtwo\u{1b}[0m\n").await;
    let (first, second) = (all.next().await, all.next().await);
    let (job, empty) = if first["kind"] == "failed" { (first, second) } else { (second, first) };
    assert_eq!((&job["title"], &job["job_ids"]), (&json!("build failed: exit 3"), &json!(["job-2"])));
    let text = job["text"].as_str().unwrap();
    assert!(text.contains("on 127.0.0.1") && text.ends_with("\none\ntwo"), "{text:?}");
    assert_eq!(empty["kind"], "queue-empty");
    run(&lab, json!({"command": "true", "name": "other"}), 0, "").await;
    run(&lab, json!({"command": "true", "name": "build"}), 0, "").await;
    run(&lab, json!({"command": "true", "name": "build"}), 0, "").await;
    assert_eq!(green.next().await["title"], "build succeeded again");
    assert!(green.is_quiet().await);
    lab.stop().await;
}

#[tokio::test]
async fn what_a_notification_is_narrowed_to_and_is_missing_is_said() {
    let lab = Lab::new().await;
    let narrowed =
        |name: &str, key: &str, value: &str| json!({"name": name, "on": ["failed"], "to": "ntfy:x", key: value});
    let missing =
        async |body: Value| lab.operator("POST /api/notifications", &body.to_string()).await.json()["missing"].clone();
    assert_eq!(missing(narrowed("a", "schedule", "bakup")).await, "no schedule is called \"bakup\"");
    assert_eq!(missing(narrowed("b", "group", "gpus")).await, "no worker is in group \"gpus\"");
    assert_eq!(missing(narrowed("c", "job_name", "later")).await, Value::Null, "names come with jobs");
    lab.stop().await;
}

#[tokio::test]
async fn a_job_that_asks_for_it_is_told_whatever_else_is() {
    let lab = Lab::new().await;
    let mut phone = Target::start("127.0.0.66:0", &[200]).await;
    let refused = lab.operator("POST /api/jobs/submit", r#"{"command":"true","notify":["phone"]}"#).await;
    assert_eq!((refused.status, &refused.json()["code"]), (404, &json!("not_found")), "{refused:?}");
    add(&lab, json!({"name": "phone", "on": [], "to": phone.url})).await;
    run(&lab, json!({"command": "true"}), 1, "").await;
    run(&lab, json!({"command": "true", "name": "night", "notify": ["phone"]}), 0, "").await;
    assert_eq!(phone.next().await["title"], "night succeeded");
    run(&lab, json!({"command": "true", "name": "day", "notify": ["phone"]}), 2, "").await;
    let told = phone.next().await;
    assert_eq!((&told["title"], &told["kind"]), (&json!("day failed: exit 2"), &json!("failed")));
    // A job that waits may be told of later, or not at all.
    let job = lab.operator("POST /api/jobs/submit", r#"{"command":"true","name":"late"}"#).await.json();
    let change = json!({"job_ids": [job["job_id"]], "set": {"notify": ["phone"]}});
    assert_eq!(lab.operator("POST /api/jobs/change", &change.to_string()).await.status, 200);
    lab.operator(&format!("POST /api/jobs/cancel/{}", job["job_id"].as_str().unwrap()), "").await;
    assert_eq!(phone.next().await["title"], "late cancelled");
    assert!(phone.is_quiet().await);
    lab.stop().await;
}

#[tokio::test]
async fn a_dead_target_is_named_tried_again_and_delays_nobody() {
    let lab = Lab::new().await;
    let mut flaky = Target::start("127.0.0.63:0", &[500, 200]).await;
    let mut fine = Target::start("127.0.0.64:0", &[200]).await;
    // It takes the connection and says nothing.
    let hangs = TcpListener::bind("127.0.0.65:0").await.unwrap();
    let hanging = format!("http://{}/", hangs.local_addr().unwrap());
    for (name, to) in [("hangs", &hanging), ("flaky", &flaky.url), ("fine", &fine.url)] {
        add(&lab, json!({"name": name, "on": ["ended"], "to": to})).await;
    }
    run(&lab, json!({"command": "true"}), 0, "").await;
    let soon = tokio::time::timeout(Duration::from_secs(10), fine.next()).await;
    assert_eq!(soon.expect("the one that hangs takes twenty")["job_ids"], json!(["job-1"]));
    assert_eq!(flaky.next().await["job_ids"], json!(["job-1"]), "refused");
    let shown = lab.operator("GET /api/notifications/flaky", "").await.json();
    let told = flaky.next().await;
    assert_eq!(told["job_ids"], json!(["job-1"]), "tried again");
    let failed = shown["trouble"].as_str().is_none_or(|reason| reason.contains("500"));
    assert!(failed, "{shown}");
    assert!(flaky.is_quiet().await && fine.is_quiet().await);
    // It hangs still, and others are told of what ends now.
    for code in [0, 1] {
        run(&lab, json!({"command": "true"}), code, "").await;
        let soon = tokio::time::timeout(Duration::from_secs(10), async { (fine.next().await, flaky.next().await) });
        let (fine, flaky) = soon.await.expect("nobody waits for the one that hangs");
        assert_eq!(fine["job_ids"], flaky["job_ids"]);
    }
    lab.stop().await;
}

#[tokio::test]
async fn what_was_not_told_is_told_after_a_restart() {
    let mut lab = Lab::new().await;
    let free = TcpListener::bind("127.0.0.66:0").await.unwrap().local_addr().unwrap();
    add(&lab, json!({"name": "phone", "on": ["failed", "queue-empty"], "to": format!("http://{free}/")})).await;
    run(&lab, json!({"command": "true"}), 1, "").await;
    let mut trouble = Value::Null;
    for _ in 0..100 {
        trouble = lab.operator("GET /api/notifications/phone", "").await.json()["trouble"].clone();
        if trouble.is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(trouble.is_string(), "nobody listens");
    lab = lab.restart().await;
    let mut phone = Target::start(&free.to_string(), &[200]).await;
    let mut kinds = [phone.next().await["kind"].clone(), phone.next().await["kind"].clone()];
    kinds.sort_by_key(Value::to_string);
    assert_eq!(kinds, [json!("failed"), json!("queue-empty")]);
    assert!(phone.is_quiet().await);
    lab.stop().await;
}

#[tokio::test]
async fn many_jobs_are_told_together() {
    let lab = Lab::new().await;
    let mut target = Target::start("127.0.0.67:0", &[200]).await;
    add(&lab, json!({"name": "all", "on": ["failed", "ended"], "to": target.url})).await;
    let jobs: Vec<Value> = (0..300)
        .map(
            |n| json!({"command": "true", "name": format!("n{n}"), "depends": if n > 0 { vec!["n0"] } else { vec![] }}),
        )
        .collect();
    lab.operator("POST /api/jobs/submit-batch", &json!({"jobs": jobs}).to_string()).await;
    lab.operator("POST /api/jobs/cancel/job-1", "").await;
    let mut told = 0;
    let mut messages = 0;
    while told < 300 {
        told += target.next().await["job_ids"].as_array().unwrap().len();
        messages += 1;
    }
    assert!((told, messages) == (300, messages) && messages <= 5, "{told} jobs in {messages} messages");
    lab.stop().await;
}

#[tokio::test]
async fn secrets_stay_and_c2d_is_no_target() {
    let lab = Lab::new().await;
    let own = format!("http://127.0.0.1:{}/api/jobs/pause?SECRET", lab.address.port());
    add(&lab, json!({"name": "own", "on": ["ended"], "to": own})).await;
    let tested = lab.operator("POST /api/notifications/test/own", "").await;
    assert_eq!(tested.json()["trouble"], "that is c2d itself");
    let tokens = lab.tokens().await;
    let (_, viewer) = tokens.iter().find(|(role, _)| *role == Role::Viewer).unwrap();
    let headers = format!("host: {}\r\nauthorization: Bearer {viewer}\r\n", lab.address);
    for line in ["GET /api/notifications", "GET /api/notifications/own"] {
        let answer = lab.raw(line, &headers, "").await;
        assert!(
            answer.status == 200 && !answer.body.contains("SECRET") && !answer.body.contains("pause"),
            "{answer:?}"
        );
    }
    assert_eq!(lab.raw("DELETE /api/notifications/own", &headers, "").await.status, 403);
    assert_eq!(lab.raw("POST /api/notifications/test/own", &headers, "").await.status, 403);
    lab.stop().await;
}

#[tokio::test]
async fn commands_and_mail() {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, fail) = (dir.path().join("told"), "exit 3".to_owned());
    let sh = |text: String| vec!["/bin/sh".to_owned(), "-c".to_owned(), text];
    let commands = [("note", sh(format!("echo $C2_KIND; cat >{}", file.display()))), ("fail", sh(fail))];
    let mails = TcpListener::bind("127.0.0.68:0").await.unwrap();
    let lab = Lab::as_configured(ServerConfig {
        notify_commands: commands.map(|(name, argv)| (name.to_owned(), argv)).into_iter().collect::<BTreeMap<_, _>>(),
        mail_server: mails.local_addr().unwrap().to_string(),
        ..ServerConfig::default()
    })
    .await;
    for name in ["note", "fail"] {
        add(&lab, json!({"name": name, "on": ["ended"], "to": format!("command:{name}")})).await;
    }
    add(&lab, json!({"name": "mail", "on": ["ended"], "to": "mail:me@example.org"})).await;
    let test = async |name: &str| lab.operator(&format!("POST /api/notifications/test/{name}"), "").await.json();
    assert_eq!(test("note").await, json!({"to": "command:note"}));
    let told = std::fs::read_to_string(&file).unwrap();
    assert_eq!(told, "C2 can reach you\nThis is what note reports.\n");
    assert!(test("fail").await["trouble"].as_str().unwrap().contains("exit status: 3"));
    let server = tokio::spawn(async move {
        let (stream, _) = mails.accept().await.unwrap();
        let (mut stream, mut said) = (BufReader::new(stream), String::new());
        stream.write_all(b"220 here\r\n").await.unwrap();
        let mut is_data = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap() == 0 {
                return said;
            }
            said.push_str(&line);
            let answer = match line.trim_end() {
                "." => "250 kept\r\n",
                "DATA" => "354 go on\r\n",
                "QUIT" => "221 bye\r\n",
                line if line.starts_with("EHLO") => "250-here\r\n250 8BITMIME\r\n",
                _ => "250 ok\r\n",
            };
            is_data = (is_data || line == "DATA\r\n") && line != ".\r\n";
            if !is_data || line == "DATA\r\n" {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    assert_eq!(test("mail").await, json!({"to": "mail:me@example.org"}));
    let said = server.await.unwrap();
    for line in [
        "RCPT TO:<me@example.org>\r\n",
        "Subject: C2 can reach you\r\n",
        "Message-ID: <",
        "\r\n\r\nThis is what mail reports.",
    ] {
        assert!(said.contains(line), "{line:?} in {said:?}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn what_a_dead_target_did_not_take_goes_to_the_one_that_takes_its_place() {
    let lab = Lab::new().await;
    let mut dead = Target::start("127.0.0.69:0", &[500]).await;
    let mut good = Target::start("127.0.0.70:0", &[200]).await;
    add(&lab, json!({"name": "phone", "on": ["failed"], "to": dead.url})).await;
    run(&lab, json!({"command": "true", "name": "build"}), 1, "").await;
    // Twice, so that the pause before the next try is one of some seconds.
    assert_eq!(
        (dead.next().await["kind"].clone(), dead.next().await["kind"].clone()),
        (json!("failed"), json!("failed"))
    );
    let change = json!({"set": {"to": good.url}});
    let changed = lab.operator("POST /api/notifications/change/phone", &change.to_string()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let told = tokio::time::timeout(Duration::from_secs(3), good.next()).await.expect("it is tried at once");
    assert_eq!(told["title"], "build failed: exit 1");
    assert!(dead.is_quiet().await);
    let row = lab.operator("GET /api/notifications/phone", "").await.json();
    assert_eq!((row.get("trouble"), row.get("failures")), (None, None), "{row}");
    lab.stop().await;
}

#[tokio::test]
async fn what_an_old_target_is_told_late_goes_to_the_new_one_too() {
    let lab = Lab::new().await;
    let mut slow = Target::late("127.0.0.71:0", &[200], Duration::from_secs(3)).await;
    let mut good = Target::start("127.0.0.72:0", &[200]).await;
    add(&lab, json!({"name": "phone", "on": ["failed"], "to": slow.url})).await;
    run(&lab, json!({"command": "true"}), 1, "").await;
    assert_eq!(slow.next().await["job_ids"], json!(["job-1"]));
    // It has not answered yet.
    let change = json!({"set": {"to": good.url}});
    assert_eq!(lab.operator("POST /api/notifications/change/phone", &change.to_string()).await.status, 200);
    run(&lab, json!({"command": "true"}), 1, "").await;
    let soon = tokio::time::timeout(Duration::from_secs(2), async { [good.next().await, good.next().await] });
    let told = soon.await.expect("the new one does not wait for the old one").map(|told| told["job_ids"].clone());
    assert_eq!(told, [json!(["job-1"]), json!(["job-2"])]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(slow.is_quiet().await && good.is_quiet().await, "the old one is told nothing more");
    let row = lab.operator("GET /api/notifications/phone", "").await.json();
    assert_eq!((row.get("trouble"), row.get("failures")), (None, None), "{row}");
    lab.stop().await;
}
