//! Blobs and files through the interface: streamed, resumed, verified, and named only when there.

use c2_shared::api::endpoint;
use c2_shared::blob::BlobId;
use c2_shared::token::Role;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::lab::{Answer, Lab};

fn path(content: &str) -> String {
    endpoint::GET_BLOB.at(&BlobId::of(content.as_bytes()))
}

impl Lab {
    /// A request about a blob, with whatever stands after the token.
    async fn blob(&self, role: Role, line: &str, more: &str, body: &str) -> Answer {
        let headers = format!("host: {}\r\nauthorization: Bearer {}\r\n{more}", self.address, self.token(role));
        self.raw(line, &headers, body).await
    }

    async fn put(&self, role: Role, query: &str, content: &str, body: &str) -> Answer {
        let line = format!("PUT {}{query}", path(content));
        self.blob(role, &line, "content-type: application/octet-stream\r\n", body).await
    }

    /// What c2d has of a content, and whether that is all.
    async fn has(&self, role: Role, content: &str) -> (u64, bool) {
        let answer = self.blob(role, &format!("HEAD {}", path(content)), "", "").await;
        let offset = answer.head.lines().find_map(|line| line.strip_prefix("upload-offset: "));
        assert_eq!(answer.body, "");
        (offset.unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap(), answer.status == 200)
    }

    /// Sends the beginning of a body and breaks off; returns when c2d noticed.
    async fn break_off(&self, content: &str, sent: &str) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "PUT {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/octet-stream\r\ncontent-length: {}\r\n\r\n{sent}",
            path(content),
            self.token(Role::Worker),
            content.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream);
        for _ in 0..1_000 {
            if self.has(Role::Worker, content).await.0 == sent.len() as u64 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("c2d did not keep what it got");
    }
}

#[tokio::test]
async fn blobs_go_in_and_out_for_everybody_with_a_token() {
    let lab = Lab::new().await;
    for (role, content) in [(Role::Operator, "from an operator"), (Role::Worker, "from a worker"), (Role::Worker, "")] {
        assert_eq!(lab.has(role, content).await, (0, false));
        let put = lab.put(role, "", content, content).await;
        assert_eq!((put.status, &put.json()["complete"]), (200, &json!(true)), "{put:?}");
        assert_eq!(lab.has(role, content).await, (content.len() as u64, true));
        let again = lab.put(role, "", content, content).await;
        assert_eq!((again.status, &again.json()["size"]), (200, &json!(content.len())), "{again:?}");
        for reader in [Role::Operator, role] {
            let got = lab.blob(reader, &format!("GET {}", path(content)), "", "").await;
            assert_eq!((got.status, got.body.as_str()), (200, content));
        }
    }
    let part = lab.blob(Role::Worker, &format!("GET {}", path("from a worker")), "range: bytes=5-6\r\n", "").await;
    assert_eq!((part.status, part.body.as_str()), (206, "a "));
    assert!(part.head.contains("content-range: bytes 5-6/13"), "{part:?}");
    let anonymous = lab.raw(&format!("GET {}", path("")), "host: localhost\r\n", "").await;
    assert_eq!(anonymous.status, 401);
    for method in ["POST", "DELETE", "OPTIONS"] {
        assert_eq!(lab.operator(&format!("{method} {}", path("")), "").await.status, 405, "{method}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_worker_sees_its_own_and_what_its_jobs_need_and_cannot_find_out_about_others() {
    let lab = Lab::new().await;
    let mut workers = Vec::new();
    for name in ["mine", "other"] {
        let invitation = lab.invitation(r#"{"role": "worker"}"#).await;
        workers.push(lab.join(&invitation, &json!({"name": name, "worker_id": name}).to_string()).await);
    }
    let ask = async |token: &str, line: &str, more: &str, body: &str| {
        let headers = format!("host: {}\r\nauthorization: Bearer {token}\r\n{more}", lab.address);
        lab.raw(line, &headers, body).await
    };
    let json = "content-type: application/json\r\n";
    lab.put(Role::Operator, "", "input", "input").await;
    let long = "x".repeat(60_000);
    let spec = json!({"command": long, "upload": [{"path": "in", "sha256": BlobId::of(b"input")}]});
    assert_eq!(lab.operator("POST /api/jobs/submit", &spec.to_string()).await.status, 201);
    for token in &workers {
        assert_eq!(ask(token, &format!("GET {}", path("input")), "", "").await.status, 404, "before it has the job");
    }
    let intro = json!({"worker_id": "mine", "boot_id": "b", "slots": 1}).to_string();
    let told = format!("{json}c2-protocol: 2\r\n");
    assert_eq!(ask(&workers[0], "POST /api/workers/register", json, &intro).await.status, 200);
    let poll = json!({
        "worker_id": "mine", "boot_id": "b", "session": "s", "seq": 1, "slots_free": 1, "running": [], "unsent": [],
        "wait_s": 0,
    });
    let poll = poll.to_string();
    let given = ask(&workers[0], "POST /api/workers/get-work/127.0.0.1", &told, &poll).await.json();
    let spec = given["assign"][0]["spec_sha256"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned();
    for needed in [path("input"), format!("/api/blobs/{spec}")] {
        assert_eq!(ask(&workers[0], &format!("GET {needed}"), "", "").await.status, 200, "{needed}");
        for method in ["GET", "HEAD"] {
            let others = ask(&workers[1], &format!("{method} {needed}"), "", "").await;
            assert_eq!(others.status, 404, "{others:?}");
            assert!(others.head.contains("upload-offset: 0"), "as if it were not here: {others:?}");
        }
    }
    // Who has a content may see it; to guess its hash is not enough.
    let bytes = "content-type: application/octet-stream\r\n";
    let guessed = ask(&workers[1], &format!("PUT {}", path("input")), bytes, "guess").await;
    assert_eq!((guessed.status, guessed.code().as_str()), (400, "invalid_input"));
    assert_eq!(ask(&workers[1], &format!("PUT {}", path("input")), bytes, "input").await.status, 200);
    assert_eq!(ask(&workers[1], &format!("GET {}", path("input")), "", "").await.body, "input");
    lab.stop().await;
}

#[tokio::test]
async fn what_broke_off_goes_on_where_it_was_also_after_a_restart() {
    let lab = Lab::new().await;
    let content = "0123456789";
    lab.break_off(content, "0123").await;
    let lab = lab.restart().await;
    assert_eq!(lab.has(Role::Worker, content).await, (4, false));
    let absent = lab.blob(Role::Worker, &format!("GET {}", path(content)), "", "").await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "not_found"));
    let elsewhere = lab.put(Role::Worker, "?offset=3", content, "3456789").await;
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (409, "conflict"));
    assert_eq!(lab.put(Role::Worker, "?offset=4&size=10", content, "456789").await.status, 200);
    assert_eq!(lab.blob(Role::Worker, &format!("GET {}", path(content)), "", "").await.body, content);
    lab.stop().await;
}

#[tokio::test]
async fn content_that_is_not_what_its_name_says_is_refused() {
    let lab = Lab::new().await;
    let wrong = lab.put(Role::Worker, "", "right", "wrong").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "invalid_input"));
    assert_eq!(lab.has(Role::Worker, "right").await, (0, false), "nothing of it is left");
    let huge = lab.put(Role::Worker, "?size=99999999999999", "right", "right").await;
    assert_eq!((huge.status, huge.code().as_str()), (413, "too_large"));
    for name in ["abc", "..%2Fc2.db", &BlobId::of(b"").to_string().to_uppercase()] {
        let answer = lab.blob(Role::Worker, &format!("GET /api/blobs/{name}"), "", "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_input"), "{name}");
    }
    let untyped = lab.blob(Role::Worker, &format!("PUT {}", path("right")), "", "right").await;
    assert_eq!((untyped.status, untyped.code().as_str()), (415, "unsupported_media_type"));
    lab.stop().await;
}

#[tokio::test]
async fn a_job_names_only_blobs_that_are_there() {
    let lab = Lab::new().await;
    let hash = BlobId::of(b"scene").to_string();
    let submit = json!({"command": "true", "upload": [{"path": "input.blend", "sha256": hash}]}).to_string();
    let refused = lab.operator("POST /api/jobs/submit", &submit).await;
    assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("upload")), "{refused:?}");
    assert!(refused.body.contains(&hash), "{refused:?}");
    lab.put(Role::Operator, "", "scene", "scene").await;
    assert_eq!(lab.operator("POST /api/jobs/submit", &submit).await.status, 201);
    lab.stop().await;
}

#[tokio::test]
async fn files_of_a_result_are_listed_and_what_is_wrong_with_them_is_said() {
    let lab = Lab::new().await;
    lab.operator("POST /api/jobs/submit", r#"{"command":"true","download":["*", "out/*", ".*/.*/etc/*"]}"#).await;
    assert_eq!(lab.operator("GET /api/jobs/files/job-1", "").await.status, 409, "it has not ended");
    lab.worker("POST /api/workers/register", "").await;
    lab.worker("POST /api/workers/get-work/127.0.0.1", r#"{"session":"s","seq":1,"slots_free":1}"#).await;
    lab.put(Role::Worker, "", "png", "png").await;
    let file = |path: &str, content: &str| json!({"path": path, "size": content.len(), "sha256": BlobId::of(content.as_bytes()), "mode": 0o4755});
    let files = [
        file("out/b.png", "png"),
        file(".local/bin/ls", "png"),
        file("../../etc/passwd", "png"),
        file("lost", "never sent"),
        file(".bash_profile", "png"),
        file("a", "png"),
    ];
    let result = json!({"attempt": "job-1.1", "outcome": {"kind": "exit", "code": 0}, "files": files, "problems": ["link: \u{1b}[2J"]});
    let poll = json!({"session": "s", "seq": 2, "unsent": [result]}).to_string();
    let answer = lab.worker("POST /api/workers/get-work/127.0.0.1", &poll).await;
    assert_eq!(answer.json()["ack"], json!(["job-1.1"]), "{answer:?}");

    let lab = lab.restart().await;
    let listed = lab.operator("GET /api/jobs/files/job-1?content=true", "").await.json();
    let expected =
        |path| json!({"path": path, "size": 3, "sha256": BlobId::of(b"png"), "mode": 0o755, "content": "cG5n"});
    assert_eq!(listed["files"], json!([expected("a"), expected("out/b.png")]));
    assert_eq!(
        listed["problems"],
        json!([
            "not asked for: .local/bin/ls",
            "not asked for: .bash_profile",
            "\"../../etc/passwd\": this is not a path below the workspace",
            "\"lost\": its content did not get here",
            "link: [2J"
        ])
    );
    assert_eq!(listed["attempt"], 1);
    let plain = lab.operator("GET /api/jobs/files/job-1", "").await.json();
    assert_eq!(plain["files"][0]["content"], json!(null));
    assert_eq!(lab.operator("GET /api/jobs/files/job-9", "").await.status, 404);
    lab.stop().await;
}

#[tokio::test]
async fn a_cleaning_waits_for_the_workers_report() {
    let lab = Lab::new().await;
    let cleanup = "POST /api/workers/cleanup/127.0.0.1";
    let unknown = lab.operator(cleanup, "").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "not_found"));
    lab.worker("POST /api/workers/register", "").await;
    let polls = async {
        let parked = r#"{"session":"s","seq":1,"wait_s":60}"#;
        let told = lab.worker("POST /api/workers/get-work/127.0.0.1", parked).await.json();
        assert_eq!(told["directives"][0]["kind"], "cleanup", "{told}");
        let cleaned = json!({"removed": ["job-1"], "kept": [{"name": "job-2", "reason": "busy"}], "freed_bytes": 7});
        let report = json!({"id": told["directives"][0]["id"], "cleaned": cleaned});
        let poll = json!({"session": "s", "seq": 2, "cleaned": [report]}).to_string();
        assert_eq!(lab.worker("POST /api/workers/get-work/127.0.0.1", &poll).await.json()["directives"], json!([]));
        cleaned
    };
    let (answer, mut cleaned) = tokio::join!(lab.operator(cleanup, ""), polls);
    (cleaned["ip"], cleaned["worker_id"]) = (json!("127.0.0.1"), json!("addr:127.0.0.1"));
    assert_eq!((answer.status, answer.json()), (200, cleaned));
    let lab = lab.restart().await;
    let offline = lab.operator(cleanup, "").await;
    assert_eq!((offline.status, offline.code().as_str()), (409, "conflict"));
    assert!(offline.body.contains("offline"), "{offline:?}");
    lab.stop().await;
}

#[tokio::test]
async fn of_what_no_job_uses_each_token_has_its_share_and_gc_removes_it() {
    let lab = Lab::new().await;
    // So much that nobody wants to send it here: a file of which nothing is on the disk.
    let (blob, size) = (BlobId::of(b"large").to_string(), 7 << 30);
    let sender = &BlobId::of(lab.token(Role::Worker).as_bytes()).to_string()[..8];
    let files = lab.folder().join("files");
    let large = std::fs::File::create_new(files.join(&blob)).unwrap();
    large.set_len(size).unwrap();
    let hours = std::time::Duration::from_secs(2 * 3_600);
    large.set_modified(large.metadata().unwrap().modified().unwrap() - hours).unwrap();
    std::fs::File::create_new(files.join(format!("{blob}.{sender}.sent"))).unwrap();
    let lab = lab.restart().await;
    let much = format!("?size={}", 3_u64 << 29);
    let refused = lab.put(Role::Worker, &much, "small", "small").await;
    assert_eq!((refused.status, refused.code().as_str()), (507, "disk_full"));
    assert!(refused.body.contains("7516192768 bytes in 1 files that no job uses"), "{refused:?}");
    assert_eq!(lab.put(Role::Worker, "", "small", "small").await.status, 200, "as long as it fits");
    assert_eq!(lab.put(Role::Operator, &much, "other", "other").await.status, 200, "another token");
    assert_eq!(lab.worker("POST /api/blobs/gc", "").await.status, 403);
    let gone = lab.operator("POST /api/blobs/gc", "").await.json();
    assert_eq!(gone, json!({"removed": 1, "freed_bytes": size}), "those of the last minute stay");
    assert_eq!(lab.put(Role::Worker, &much, "more", "more").await.status, 200);
    lab.stop().await;
}
