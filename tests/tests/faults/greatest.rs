//! A worker with a good token of its own that says everything at its greatest: c2d stays small and
//! prompt, and keeps little of it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::events::Event;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::client::Client;
use c2_shared::job::JobSpec;
use c2_shared::limits::{CONNECTIONS_OF_ONE_MAX, SLOTS_MAX};
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use c2_tests::http::{Caller, Request};
use c2_tests::usage::{memory_bytes, peak_bytes, processor_ms};
use c2_tests::wait::SOON;
use c2_tests::{Cluster, eventually, is_alive, scenario};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

crate::tests![a_worker_that_says_everything_at_its_greatest_takes_no_memory, viewers_that_do_not_read_take_no_memory,];

const IP: &str = "127.0.0.9";
const REGISTER: &str = "/api/workers/register";
const POLL: &str = "/api/workers/get-work/127.0.0.9";
/// c2d has no more memory than this, whatever a worker says.
const MEMORY_MAX: u64 = 128 * 1024 * 1024;
/// Bytes of a body, a little less than c2d reads of a worker with as many slots as there may be.
const BODY_BYTES: usize = 22 * 1024 * 1024;
/// The same request at once, as often.
const AT_ONCE: usize = 4;
/// Results in each of which everything is said.
const RESULTS: usize = 200;
/// What c2d's database may grow by for each hundred results.
const GROWTH_BYTES_MAX: u64 = 1_000_000;
/// The promise: how long an operator waits for what a screen shows. It counts where nothing else runs, so
/// with `C2_CROWD_S`; beside other tests the processors may be anybody's.
const PROMISED: Duration = Duration::from_secs(1);

fn prompt() -> Duration {
    if std::env::var_os("C2_CROWD_S").is_some() { PROMISED } else { SOON }
}

/// A text that is as long as `part`, repeated.
fn long(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

/// A list of this element.
fn list(element: &str, bytes: usize) -> String {
    format!("[{}{element}]", long(&format!("{element},"), bytes))
}

/// What goes into a poll, each the one thing that is too much.
fn polls() -> Vec<(&'static str, String)> {
    let result = |fields: &str| format!(r#""unsent":[{{"attempt":"job-1.1","outcome":{{"kind":"lost"}},{fields}}}]"#);
    let end = |outcome: &str| format!(r#""unsent":[{{"attempt":"job-1.1","outcome":{outcome}}}]"#);
    let text = long("R", BODY_BYTES);
    let half = long("QUJD", BODY_BYTES / 2);
    let zeros = list("0", BODY_BYTES);
    let nothing = list(r#""""#, BODY_BYTES);
    vec![
        ("a reason", end(&format!(r#"{{"kind":"setup","reason":"{text}"}}"#))),
        ("a kind of outcome", end(&format!(r#"{{"kind":"{text}"}}"#))),
        ("what no outcome has", end(&format!(r#"{{"kind":"exit","code":0,"x":{zeros}}}"#))),
        ("outputs", result(&format!(r#""stdout":{{"head":"{half}"}},"stderr":{{"tail":"{half}"}}"#))),
        ("outputs with a gap", result(&format!(r#""stdout":{{"head":"{half}","dropped":1,"tail":"{half}"}}"#))),
        ("an order", result(&format!(r#""order":"{half}{half}""#))),
        ("problems", result(&format!(r#""problems":{nothing}"#))),
        ("results", format!(r#""unsent":{}"#, list(r#"{"attempt":"job-1.1","outcome":{"kind":"lost"}}"#, BODY_BYTES))),
        ("what it runs", format!(r#""running":{}"#, list(r#""job-1.1""#, BODY_BYTES))),
        ("what it holds", format!(r#""staged":{}"#, list(r#""job-1.1""#, BODY_BYTES))),
        ("ends", format!(r#""ended":{}"#, list(r#"{"attempt":"job-1.1","outcome":{"kind":"lost"}}"#, BODY_BYTES))),
        ("returns", format!(r#""returned":{}"#, list(r#"{"attempt":"job-1.1","reason":""}"#, BODY_BYTES))),
        ("cleanings", format!(r#""cleaned":[{{"id":1,"cleaned":{{"removed":{nothing}}}}}]"#)),
        ("reports of cleanings", format!(r#""cleaned":{}"#, list("{}", BODY_BYTES))),
        ("load", format!(r#""load":{{"gpu_percent":{zeros}}}"#)),
        ("memory", format!(r#""load":{{"gpu_memory":{}}}"#, list("{}", BODY_BYTES))),
        ("a text for a number", format!(r#""slots_free":"{text}""#)),
        ("what no poll has", format!(r#""x":{zeros}"#)),
        ("a list for a text", format!(r#""boot_id":{zeros}"#)),
        ("no JSON", format!(r#""running":["{text}"#)),
    ]
}

fn a_worker_that_says_everything_at_its_greatest_takes_no_memory() {
    scenario(async |cluster| {
        let worker = joined(cluster).await?;
        cluster
            .submit_spec(JobSpec { command: "true".to_owned(), download: vec!["**".to_owned()], ..JobSpec::default() })
            .await?;
        let intro = json!({"worker_id": "greatest", "boot_id": "b", "slots": SLOTS_MAX});
        ensure!(worker.call("POST", REGISTER, Some(intro)).await?.status == 200);
        for (what, part) in polls() {
            at_once(&worker, POLL, &format!(r#"{{"worker_id":"greatest","boot_id":"b","seq":1,{part}}}"#)).await?;
            check(cluster, what).await?;
        }
        for (what, body) in introductions() {
            at_once(&worker, REGISTER, &body).await?;
            check(cluster, what).await?;
        }
        lists(cluster, &worker).await?;
        unfinished(cluster, &worker).await?;
        results(cluster, &worker).await
    });
}

/// The worker, with a token of its own.
async fn joined(cluster: &Cluster) -> Result<Caller> {
    let line = cluster.c2d(&["invite", "--address", "127.0.0.1"]).await?.stdout;
    let code = line.trim().rsplit_once('@').and_then(|(code, _)| code.rsplit_once('.')).context("a line")?.0;
    let guest = Caller { server: cluster.addr(), source: IP.parse()?, token: Some(code.to_owned()) };
    let joined = guest.call("POST", "/api/join", Some(json!({"name": "g", "worker_id": "greatest"}))).await?;
    let token = joined.json["token"].as_str().with_context(|| format!("{joined:?}"))?.to_owned();
    Ok(Caller { token: Some(token), ..guest })
}

fn introductions() -> Vec<(&'static str, String)> {
    let bytes = 1_000_000;
    let hardware = |fields: &str| format!(r#"{{"worker_id":"greatest","boot_id":"b","hardware":{{{fields}}}}}"#);
    vec![
        ("a system's name", hardware(&format!(r#""os":"{}""#, long("R", bytes)))),
        ("disks", hardware(&format!(r#""disks":{}"#, list("{}", bytes)))),
        ("graphics cards", hardware(&format!(r#""gpus":{}"#, list(r#"{"name":"RRRRRRRR"}"#, bytes)))),
        ("a host name", format!(r#"{{"worker_id":"greatest","hostname":"{}"}}"#, long("R", bytes))),
        ("an id", format!(r#"{{"worker_id":"{}"}}"#, long("R", bytes))),
    ]
}

/// Sends the same several times at once. Whether c2d takes it is its own affair.
async fn at_once(worker: &Caller, path: &str, body: &str) -> Result<()> {
    let requests = (0..AT_ONCE).map(|_| {
        let (worker, path, body) = (worker.clone(), path.to_owned(), body.to_owned());
        tokio::spawn(async move {
            let request = Request { body: Some(body.as_bytes()), ..Request::new("POST", &path) };
            worker.send(&request).await.map(|answer| answer.status)
        })
    });
    let requests: Vec<_> = requests.collect();
    for request in requests {
        let status = request.await??;
        ensure!((200..500).contains(&status) || status == 503, "{status}");
    }
    Ok(())
}

/// Results that name long lists of next to nothing.
async fn lists(cluster: &Cluster, worker: &Caller) -> Result<()> {
    let listing = format!(r#"{{"problems":{}}}"#, list(r#""""#, 8_000_000));
    let blob = BlobId::of(listing.as_bytes());
    let put =
        Request { content_type: "application/octet-stream", body: Some(listing.as_bytes()), ..Request::new("PUT", "") };
    let path = format!("/api/blobs/{blob}");
    ensure!(worker.send(&Request { path: &path, ..put }).await?.status < 300, "the list was not taken");
    let result = json!({"attempt": "job-1.1", "outcome": {"kind": "lost"}, "listing": blob});
    let poll = json!({"worker_id": "greatest", "boot_id": "b", "seq": 1, "unsent": vec![result; 500]});
    at_once(worker, POLL, &poll.to_string()).await?;
    check(cluster, "lists").await
}

/// As many requests as one token has connections, each but for its last byte.
async fn unfinished(cluster: &Cluster, worker: &Caller) -> Result<()> {
    for bytes in [60_000_000, BODY_BYTES, 1_000_000, 200_000] {
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_OF_ONE_MAX {
            let mut stream = TcpStream::connect(worker.server).await?;
            let token = worker.token.as_deref().unwrap_or_default();
            let head = format!(
                "POST {POLL} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
            );
            let text = head + &long(" ", bytes - 1);
            open.push(tokio::spawn(async move {
                // What is refused is not read to its end.
                drop(timeout(SOON, stream.write_all(text.as_bytes())).await);
                stream
            }));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        check(cluster, &format!("{bytes} bytes but for the last")).await?;
        open.iter().for_each(tokio::task::JoinHandle::abort);
    }
    Ok(())
}

/// Many results, each with everything in it.
async fn results(cluster: &mut Cluster, worker: &Caller) -> Result<()> {
    let jobs = vec![json!({"command": "true", "download": ["**"]}); RESULTS];
    let pass = Pass::read(&cluster.data_dir().join(Role::Operator.file_name()))?;
    let operator = Caller { token: Some(pass.token.expose().to_owned()), ..worker.clone() };
    ensure!(operator.call("POST", "/api/jobs/submit-batch", Some(json!({"jobs": jobs}))).await?.status == 201);
    let before = database_bytes(cluster).await?;
    let output = json!({"head": Bytes64(vec![b'x'; 30_000]), "reason": long("R", 5_000)});
    let (mut unsent, mut seq, mut taken) = (json!([]), 2, 0);
    while taken < RESULTS {
        let poll = json!({
            "worker_id": "greatest", "boot_id": "b", "seq": seq, "slots_free": 1, "unsent": unsent, "wait_s": 0,
        });
        let answer = worker.call("POST", POLL, Some(poll)).await?;
        ensure!(answer.status == 200, "{answer:?}");
        seq += 1;
        taken += answer.json["ack"].as_array().map_or(0, Vec::len);
        let attempt = answer.json["assign"][0]["attempt"].clone();
        unsent = if attempt.is_null() { json!([]) } else { json!([everything(&attempt, &output, seq)]) };
    }
    check(cluster, "results with everything").await?;
    let after = database_bytes(cluster).await?;
    let limit = GROWTH_BYTES_MAX * RESULTS as u64 / 100;
    ensure!(after.saturating_sub(before) < limit, "the database grew from {before} to {after} bytes");
    // What was kept is read again.
    check(cluster, "a start after that").await
}

fn everything(attempt: &Value, output: &Value, seq: u64) -> Value {
    let outcome = match seq % 4 {
        0 => json!({"kind": "setup", "reason": long("R", 50_000)}),
        1 => json!({"kind": "dependency", "root": "job-1"}),
        2 => json!({"kind": "cancelled"}),
        _ => json!({"kind": "exit", "code": 1}),
    };
    json!({
        "attempt": attempt, "outcome": outcome, "stdout": output, "stderr": output,
        "problems": vec![long("P", 500); 150], "order": Bytes64(vec![1; 30_000]),
    })
}

/// How large the database of c2d is, which is started again.
async fn database_bytes(cluster: &mut Cluster) -> Result<u64> {
    let pid = cluster.c2d_pid()?;
    cluster.signal_c2d(Signal::TERM)?;
    eventually("the end of c2d", SOON, async || Ok((!is_alive(pid)).then_some(()))).await?;
    cluster.kill_c2d()?;
    let bytes = std::fs::metadata(cluster.data_dir().join("c2.db"))?.len();
    cluster.restart_c2d().await?;
    Ok(bytes)
}

/// c2d is small, and operators with a command, a console and a web of their own are served.
async fn check(cluster: &Cluster, what: &str) -> Result<()> {
    let peak = peak_bytes(cluster.c2d_pid()?)?;
    ensure!(peak < MEMORY_MAX, "{what}: c2d took {peak} bytes");
    let begun = c2_tests::now();
    let pass = Pass::read(&cluster.data_dir().join(Role::Operator.file_name()))?;
    let client = Client::new(&cluster.addr().to_string().parse()?, Some(pass), None)?;
    let mut events = client.events().await?;
    let first = timeout(prompt(), events.next()).await.with_context(|| format!("{what}: no snapshot"))??;
    ensure!(matches!(first, Some(Event::Snapshot(_))), "{what}: {first:?}");
    let listed = cluster.exec(&["list", "jobs --all", "log"]).await?;
    ensure!(listed.status == 0, "{what}: {listed:?}");
    let took = begun.elapsed();
    ensure!(took < 2 * prompt(), "{what}: an operator waited for {took:?}");
    Ok(())
}

/// Jobs of which a snapshot is made.
const SHOWN: usize = 20_000;
const VIEWERS: usize = 32;
/// What one that does not read may cost, with its connection.
const VIEWER_BYTES_MAX: u64 = 1024 * 1024;

fn viewers_that_do_not_read_take_no_memory() {
    scenario(async |cluster| {
        let token = cluster.token(Role::Operator)?.expose().to_owned();
        let operator = Caller { server: cluster.addr(), source: IP.parse()?, token: Some(token.clone()) };
        let jobs = vec![json!({"command": "true", "name": "n".repeat(100), "hold": true}); SHOWN];
        ensure!(operator.call("POST", "/api/jobs/submit-batch", Some(json!({"jobs": jobs}))).await?.status == 201);
        let pid = cluster.c2d_pid()?;
        let before = memory_bytes(pid)?;
        let mut viewers = Vec::new();
        for _ in 0..VIEWERS {
            let mut stream = TcpStream::connect(cluster.addr()).await?;
            let head = format!("GET /api/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            viewers.push(stream);
        }
        // As much as the kernel takes is sent to each.
        eventually("viewers that wait", 2 * SOON, async || {
            let before = processor_ms(pid)?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok((processor_ms(pid)? - before < 100).then_some(()))
        })
        .await?;
        let grown = memory_bytes(pid)?.saturating_sub(before);
        ensure!(grown < VIEWERS as u64 * VIEWER_BYTES_MAX, "c2d took {grown} bytes more");
        for stream in &viewers {
            stream.readable().await?;
        }
        let begun = c2_tests::now();
        eventually("an answer", SOON, async || {
            let listed = cluster.exec(&["list", "queue-status"]).await?;
            Ok((listed.status == 0).then_some(()))
        })
        .await?;
        let took = begun.elapsed();
        ensure!(took < 2 * prompt(), "an operator waited for {took:?}");
        Ok(())
    });
}
