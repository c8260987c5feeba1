//! The gate and the roles: who gets through, to what, with which answer.

use c2_shared::api::endpoint::{self, Method, Operation};
use c2_shared::limits::BODY_BYTES_MAX;
use c2_shared::token::Role;

use super::lab::Lab;
use crate::http::docs::DOCUMENT;

/// An endpoint's path with something in place of each of its names.
fn filled(one: &Operation) -> String {
    one.filled(|name| if name == "group" { "gpu".to_owned() } else { "127.0.0.1".to_owned() })
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

#[tokio::test]
async fn each_endpoint_serves_its_roles_and_nobody_else() {
    let lab = Lab::new().await;
    let tokens = lab.tokens().await;
    for one in endpoint::ALL {
        let line = format!("{} {}", one.method.as_str(), filled(one));
        for (role, token) in &tokens {
            let allowed = one.roles.is_empty() || one.roles.contains(role);
            if allowed && [endpoint::EVENTS.name, endpoint::CLEANUP.name].contains(&one.name) {
                continue; // its answer has no end, or waits for a report
            }
            let headers = format!("host: {}\r\nauthorization: Bearer {token}\r\n", lab.address);
            let answer = lab.raw(&line, &headers, "").await;
            assert_eq!(answer.status == 403, !allowed, "{role:?} {line}: {answer:?}");
        }
        let host = format!("host: {}\r\n", lab.address);
        let anonymous = lab.raw(&line, &host, "").await;
        assert_eq!(anonymous.status == 401, !one.roles.is_empty(), "anonymous {line}: {anonymous:?}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_body_that_nothing_reads_is_refused() {
    let lab = Lab::new().await;
    let mut refused = 0;
    for one in endpoint::ALL {
        if !DOCUMENT["paths"][one.path][one.method.as_str().to_lowercase()]["requestBody"].is_null() {
            continue;
        }
        let line = format!("{} {}", one.method.as_str(), filled(one));
        let role = if one.roles.contains(&Role::Operator) { Role::Operator } else { Role::Worker };
        for body in [r#"{"job_ids": ["job-1"]}"#, "[1]", "what=else"] {
            let answer = lab.send(role, &line, body).await;
            assert_eq!(answer.status, 400, "{line} {body}: {answer:?}");
            assert_eq!(answer.json()["message"], "this request takes no body", "{line}");
        }
        refused += 1;
    }
    assert!(refused > 30, "{refused}");
    for body in ["", "{}", "null", " {} "] {
        assert_eq!(lab.send(Role::Operator, "GET /api/jobs/queue-status", body).await.status, 200, "{body:?}");
    }
    let asked = lab.send(Role::Operator, "GET /api/jobs/queue-status?group=gpu", "").await;
    assert_eq!((asked.status, &asked.json()["message"]), (400, &"this request takes no query".into()));
    lab.stop().await;
}

/// What the list says of roles is checked above; that it says the right thing, here.
#[test]
fn roles_are_given_with_care() {
    for one in endpoint::ALL {
        let expected: &[Role] = match (one.method, one.path) {
            (_, "/openapi.json" | "/docs" | "/healthz" | "/api/join/proofs") => &[],
            (_, "/api/join") => &[Role::Join],
            (Method::Get, "/api/tokens") => &[Role::Operator],
            (Method::Get, "/api/blobs/{sha256}") => &[Role::Operator, Role::Viewer, Role::Worker],
            (Method::Put, "/api/blobs/{sha256}") => &[Role::Operator, Role::Worker],
            (_, "/api/workers/register" | "/api/workers/get-work/{ip}" | "/api/workers/live/{ip}") => &[Role::Worker],
            (_, "/api/jobs/result/{job_id}" | "/api/workers/old-workspaces") => &[Role::Worker],
            (_, "/api/workers/agent/{architecture}") => &[Role::Worker],
            // Whoever may look changes nothing.
            (Method::Get, _) => &[Role::Operator, Role::Viewer],
            (Method::Post | Method::Put | Method::Delete, _) => &[Role::Operator],
        };
        assert_eq!(one.roles, expected, "{} {}", one.method.as_str(), one.path);
    }
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_one() {
    let lab = Lab::new().await;
    for one in endpoint::ALL {
        let serves = |method: &&str| {
            let method = if *method == "HEAD" { "GET" } else { method };
            endpoint::ALL.iter().any(|known| (known.method.as_str(), known.path) == (method, one.path))
        };
        let wrong = METHODS.into_iter().filter(|method| !serves(method));
        for method in wrong {
            for role in [Role::Operator, Role::Worker] {
                let line = format!("{method} {}", filled(one));
                let answer = lab.send(role, &line, "").await;
                assert_eq!(answer.status, 405, "{role:?} {line}: {answer:?}");
                let allow = answer.head.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap_or_default();
                let right = one.method.as_str();
                assert!(allow.split(',').any(|m| m.eq_ignore_ascii_case(right)), "{line}: {answer:?}");
            }
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn the_gate_guards_every_method_and_unknown_paths() {
    let lab = Lab::new().await;
    let host = format!("host: {}\r\n", lab.address);
    for path in ["/api/jobs/list", "/", "/no/such/path", "/api/../healthz", "/healthz/x"] {
        for method in METHODS {
            let answer = lab.raw(&format!("{method} {path}"), &host, "").await;
            assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn only_our_own_names_and_no_web_pages() {
    let lab = Lab::new().await;
    let (port, token) = (lab.address.port(), lab.token(Role::Operator));
    let table = [
        (format!("host: 127.0.0.1:{port}\r\n"), 200),
        ("host: localhost\r\n".to_owned(), 200),
        (format!("host: LOCALHOST:{port}\r\n"), 200),
        (format!("host: [::1]:{port}\r\n"), 200),
        ("host: localhost:1\r\n".to_owned(), 421),
        (format!("host: localhost:+{port}\r\n"), 421),
        (format!("host: localhost:0{port}\r\n"), 421),
        ("host: evil.example\r\n".to_owned(), 421),
        ("host: localhost.evil.example\r\n".to_owned(), 421),
        ("host: 127.0.0.1.evil.example\r\n".to_owned(), 421),
        ("host: localhost\r\nhost: localhost\r\n".to_owned(), 421),
        (String::new(), 421),
        ("host: localhost\r\norigin: http://localhost\r\n".to_owned(), 403),
        ("host: localhost\r\norigin: null\r\n".to_owned(), 403),
        ("host: localhost\r\nsec-fetch-site: cross-site\r\n".to_owned(), 403),
        ("host: localhost\r\nsec-fetch-site: same-origin\r\n".to_owned(), 403),
        ("host: localhost\r\nsec-fetch-site: none\r\n".to_owned(), 200),
        ("host: localhost\r\nsec-fetch-site: none\r\nsec-fetch-site: cross-site\r\n".to_owned(), 403),
    ];
    for (headers, status) in table {
        let answer = lab.raw("GET /api/jobs/list", &format!("{headers}authorization: Bearer {token}\r\n"), "").await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
        assert!(!answer.head.contains("access-control"), "{answer:?}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn unusable_requests_are_told_why() {
    let lab = Lab::new().await;
    let submit = "POST /api/jobs/submit";
    let big = format!("{{\"command\":\"{}\"}}", "x".repeat(200 * 1024));
    let table = [
        (submit, "", 400, "invalid_input", "JSON body"),
        (submit, "{", 400, "invalid_input", "EOF"),
        (submit, "{\"command\":\" \"}", 400, "invalid_input", "empty"),
        (submit, "{\"comand\":\"x\"}", 400, "invalid_input", "did you mean \\\"command\\\"?"),
        (submit, "{\"command\":\"x\",\"group\":\"gpu\"}", 400, "invalid_input", "unknown group"),
        (submit, "{\"command\":\"x\",\"depends\":[\"job-9\"]}", 404, "not_found", "unknown job job-9"),
        (submit, &big, 400, "invalid_input", "bytes"),
        ("GET /api/jobs/info/job-9", "", 404, "not_found", "unknown job job-9"),
        ("GET /api/jobs/info/9", "", 400, "invalid_input", "ids look like job-12"),
        ("GET /api/jobs/info/%ff", "", 400, "invalid_input", "path"),
        ("GET /api/jobs/list?limt=3", "", 400, "invalid_input", "did you mean \\\"limit\\\"?"),
        ("GET /api/jobs/list?state=runing", "", 400, "invalid_input", "did you mean \\\"running\\\"?"),
        ("GET /api/jobs/log?lines=x", "", 400, "invalid_input", "digit"),
        ("GET /api/workers/info/10.0.0.9", "", 404, "not_found", "c2-agent"),
        ("POST /api/jobs/cancel/job-9", "", 404, "not_found", "unknown job"),
        ("PUT /api/jobs/list", "", 405, "method_not_allowed", "PUT"),
        ("GET /api/jobs", "", 404, "not_found", "no such path"),
    ];
    for (line, body, status, code, words) in table {
        let answer = lab.operator(line, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{line} {body:.60}: {answer:?}");
        assert!(answer.body.contains(words), "{line}: {words:?} in {answer:?}");
        assert!(answer.json()["hint"].is_string(), "{line}: no hint in {answer:?}");
    }
    // One byte too many, all of which c2d must read to know: so the answer is not lost to a reset.
    let too_large = lab.worker("POST /api/workers/register", &"x".repeat(BODY_BYTES_MAX + 1)).await;
    assert_eq!((too_large.status, too_large.code().as_str()), (413, "too_large"));
    let token = lab.token(Role::Operator);
    let headers = format!("host: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: text/plain\r\n");
    assert_eq!(lab.raw(submit, &headers, "{\"command\":\"x\"}").await.status, 415);
    let wrong = "host: localhost\r\nauthorization: Bearer c2o1.AAAA\r\n";
    assert_eq!(lab.raw("GET /api/jobs/list", wrong, "").await.status, 401);
    lab.stop().await;
}

#[tokio::test]
async fn a_worker_speaks_for_itself_only() {
    let lab = Lab::new().await;
    let invitation = lab.invitation(r#"{"uses": 2}"#).await;
    let one = lab.join(&invitation, r#"{"worker_id": "one"}"#).await;
    lab.join(&invitation, r#"{"worker_id": "two"}"#).await;
    let json = "content-type: application/json\r\n";
    let headers = |token: &str| format!("host: {}\r\nauthorization: Bearer {token}\r\n{json}", lab.address);
    let (own, near) = (headers(&one), headers(&lab.token(Role::Worker)));
    let register = "POST /api/workers/register";
    // The id of another's token, whoever says it and wherever it says to be.
    for (headers, body) in [(&own, r#"{"worker_id":"two"}"#), (&near, r#"{"worker_id":"two"}"#)] {
        for line in [register, "POST /api/workers/get-work/10.0.0.9"] {
            let refused = lab.raw(line, headers, body).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{line} {body}");
        }
    }
    // Ids that would name somebody by an address, or nobody.
    for said in ["addr:10.0.0.9", "10.0.0.9", " ", "a\nb"] {
        let body = serde_json::json!({"worker_id": said}).to_string();
        assert_eq!(lab.raw(register, &near, &body).await.status, 400, "{said:?}");
        assert_eq!(lab.raw(register, &own, &body).await.status, 403, "{said:?}");
    }
    // What an address claims does not count: it is the worker of its token, at the address of its connection.
    for (headers, body, id) in [
        (&own, r#"{"ip":"10.0.0.9"}"#, "one"),
        (&near, r#"{"ip":"10.0.0.9"}"#, "addr:127.0.0.1"),
        (&near, r#"{"worker_id":"side-by-side"}"#, "side-by-side"),
    ] {
        assert_eq!(lab.raw(register, headers, body).await.json()["ip"], "127.0.0.1");
        let info = lab.operator(&format!("GET /api/workers/info/{id}"), "").await;
        assert_eq!((info.json()["ip"].as_str(), info.json()["worker_id"].as_str()), (Some("127.0.0.1"), Some(id)));
        assert_eq!(lab.raw("POST /api/workers/get-work/10.0.0.9", headers, "").await.status, 200);
    }
    let several = lab.operator("GET /api/workers/info/::ffff:127.0.0.1", "").await;
    assert_eq!((several.status, several.code().as_str()), (409, "ambiguous"));
    lab.stop().await;
}

#[tokio::test]
async fn an_introduction_in_part_is_answered_and_counts_for_nothing() {
    let lab = Lab::new().await;
    let headers = |protocol: &str| {
        let token = lab.token(Role::Worker);
        format!(
            "host: {}\r\nauthorization: Bearer {token}\r\n{protocol}content-type: application/json\r\n",
            lab.address
        )
    };
    let (old, new) = (headers(""), headers("c2-protocol: 2\r\n"));
    let register = "POST /api/workers/register";
    let brief = r#"{"worker_id":"w","boot_id":"b"}"#;
    assert_eq!(lab.raw(register, &new, brief).await.json()["protocol"], 2);
    assert_eq!(lab.operator("GET /api/workers/info/w", "").await.status, 404, "it says the rest now");
    let full = r#"{"worker_id":"w","boot_id":"b","session":"4-n","machine":"m","folder":"f"}"#;
    let said = lab.raw(register, &new, full).await.json();
    assert_eq!((said["protocol"].as_u64(), said.get("start")), (Some(2), None));
    let copy = r#"{"worker_id":"w","boot_id":"b","session":"9-o","machine":"other","folder":"f"}"#;
    let refused = lab.raw(register, &new, copy).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "wait"));
    let said = lab.raw(register, &old, r#"{"worker_id":"v","boot_id":"b"}"#).await.json();
    assert!(said.get("protocol").is_none(), "an agent of 0.1.0 refuses a word that it does not know: {said}");
    assert_eq!(lab.operator("GET /api/workers/info/v", "").await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn an_identity_is_handed_over_when_its_worker_is_gone() {
    let lab = Lab::new().await;
    let first = lab.join(&lab.invitation("{}").await, r#"{"worker_id": "w"}"#).await;
    let json = "content-type: application/json\r\n";
    let headers =
        |token: &str, more: &str| format!("host: {}\r\nauthorization: Bearer {token}\r\n{more}{json}", lab.address);
    assert_eq!(lab.raw("POST /api/workers/register", &headers(&first, ""), "{}").await.status, 200);
    let nobody = lab.operator("POST /api/tokens/invite", r#"{"as": "nobody"}"#).await;
    assert_eq!(nobody.status, 404);
    let viewer = lab.operator("POST /api/tokens/invite", r#"{"as": "w", "role": "viewer"}"#).await;
    assert_eq!(viewer.status, 400);
    let invitation = lab.invitation(r#"{"as": "w"}"#).await;
    let known = lab.operator("GET /api/tokens", "").await.body;
    let request = r#"{"worker_id": "mine"}"#;
    let table = [("", 400, "invalid_input"), ("c2-protocol: 2\r\n", 503, "wait")];
    for (protocol, status, code) in table {
        let refused = lab.raw("POST /api/join", &headers(&invitation, protocol), request).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{refused:?}");
        assert_eq!(lab.operator("GET /api/tokens", "").await.body, known, "a refused try spends nothing");
    }
    let at_work = r#"{"worker_id": "mine", "keeps_id": true}"#;
    let refused = lab.raw("POST /api/join", &headers(&invitation, "c2-protocol: 2\r\n"), at_work).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"), "{refused:?}");
    assert_eq!(lab.operator("GET /api/tokens", "").await.body, known, "a refused try spends nothing");
    assert_eq!(lab.raw("POST /api/workers/register", &headers(&first, ""), "{}").await.status, 200);
    lab.stop().await;
}
