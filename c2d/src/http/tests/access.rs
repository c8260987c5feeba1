//! The gate and the roles: who gets through, to what, with which answer.

use c2_shared::api::route;
use c2_shared::limits::BODY_BYTES_MAX;
use c2_shared::token::Role;

use super::lab::Lab;

/// Who may look at things.
const READERS: &[Role] = &[Role::Operator, Role::Viewer];

/// Every route with the roles that may use it. A new route belongs here.
pub(super) const ROUTES: &[(&str, &str, &[Role])] = &[
    ("POST", route::REGISTER, &[Role::Worker]),
    ("POST", route::GET_WORK, &[Role::Worker]),
    ("POST", route::RESULT, &[Role::Worker]),
    ("GET", route::WORKERS, READERS),
    ("GET", route::WORKER, READERS),
    ("POST", route::GROUPS, &[Role::Operator]),
    ("DELETE", route::GROUP, &[Role::Operator]),
    ("POST", route::TAGS, &[Role::Operator]),
    ("GET", route::TAGS, READERS),
    ("POST", route::DETECT_TAGS, &[Role::Operator]),
    ("POST", route::DRAIN, &[Role::Operator]),
    ("POST", route::RESUME, &[Role::Operator]),
    ("DELETE", route::REMOVE_WORKER, &[Role::Operator]),
    ("GET", route::TARGET, READERS),
    ("POST", route::SUBMIT, &[Role::Operator]),
    ("POST", route::SUBMIT_WAIT, &[Role::Operator]),
    ("GET", route::QUEUE_STATUS, READERS),
    ("GET", route::JOBS, READERS),
    ("GET", route::JOB, READERS),
    ("POST", route::CANCEL, &[Role::Operator]),
    ("GET", route::LOG, READERS),
    ("GET", route::OUTPUT, READERS),
    ("GET", route::FILES, READERS),
    ("POST", route::CLEANUP, &[Role::Operator]),
    ("GET", route::FOLLOW, READERS),
    ("POST", route::LIVE, &[Role::Worker]),
    ("POST", route::SUBMIT_BATCH, &[Role::Operator]),
    ("POST", route::SUBMIT_BATCH_WAIT, &[Role::Operator]),
    ("POST", route::RETRY, &[Role::Operator]),
    ("POST", route::HOLD, &[Role::Operator]),
    ("POST", route::RELEASE, &[Role::Operator]),
    ("POST", route::PAUSE, &[Role::Operator]),
    ("POST", route::UNPAUSE, &[Role::Operator]),
    ("GET", route::WHY, READERS),
    ("GET", route::EVENTS, READERS),
    ("GET", route::METRICS, READERS),
    ("GET", route::PROMETHEUS, READERS),
    ("GET", route::BLOB, &[Role::Operator, Role::Viewer, Role::Worker]),
    ("PUT", route::BLOB, &[Role::Operator, Role::Worker]),
    ("POST", route::INVITE, &[Role::Operator]),
    ("POST", route::JOIN, &[Role::Join]),
    ("GET", route::TOKENS, &[Role::Operator]),
    ("DELETE", route::TOKEN, &[Role::Operator]),
    ("POST", route::ROTATE, &[Role::Operator]),
    // Neither holds a secret, and a browser has no token to show.
    ("GET", route::OPENAPI, &[]),
    ("GET", route::DOCS, &[]),
    ("GET", route::HEALTH, &[]),
];

/// A route with something in place of each of its names.
fn filled(path: &str) -> String {
    route::fill(&route::fill(path, "127.0.0.1"), "gpu")
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

#[tokio::test]
async fn each_route_serves_its_role_and_nobody_else() {
    let lab = Lab::new().await;
    let tokens = lab.tokens().await;
    for (method, path, owners) in ROUTES {
        let line = format!("{method} {}", filled(path));
        for (role, token) in &tokens {
            let allowed = owners.is_empty() || owners.contains(role);
            if allowed && [route::EVENTS, route::CLEANUP].contains(path) {
                continue; // its answer has no end, or waits for a report
            }
            let headers = format!("host: {}\r\nauthorization: Bearer {token}\r\n", lab.address);
            let answer = lab.raw(&line, &headers, "").await;
            assert_eq!(answer.status == 403, !allowed, "{role:?} {line}: {answer:?}");
        }
        let host = format!("host: {}\r\n", lab.address);
        let anonymous = lab.raw(&line, &host, "").await;
        assert_eq!(anonymous.status == 401, !owners.is_empty(), "anonymous {line}: {anonymous:?}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_one() {
    let lab = Lab::new().await;
    for (right, path, _) in ROUTES {
        let serves = |method: &&str| {
            let method = if *method == "HEAD" { "GET" } else { method };
            ROUTES.iter().any(|(known, other, _)| (known, other) == (&method, path))
        };
        let wrong = METHODS.into_iter().filter(|method| !serves(method));
        for method in wrong {
            for role in [Role::Operator, Role::Worker] {
                let line = format!("{method} {}", filled(path));
                let answer = lab.send(role, &line, "").await;
                assert_eq!(answer.status, 405, "{role:?} {line}: {answer:?}");
                let allow = answer.head.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap_or_default();
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
    let table = [
        ("POST /api/workers/register", r#"{"ip":"10.0.0.9"}"#),
        ("POST /api/workers/get-work/10.0.0.9", ""),
        ("POST /api/workers/get-work/10.0.0.9", "{}"),
    ];
    for (line, body) in table {
        assert_eq!(lab.worker(line, body).await.status, 409, "{line}");
    }
    assert_eq!(lab.worker("POST /api/workers/register", r#"{"ip":"127.0.0.1"}"#).await.status, 200);
    // The same address, written as IPv6.
    assert_eq!(lab.worker("POST /api/workers/get-work/::ffff:127.0.0.1", "").await.status, 200);
    assert_eq!(lab.operator("GET /api/workers/info/::ffff:127.0.0.1", "").await.json()["ip"], "127.0.0.1");
    lab.stop().await;
}
