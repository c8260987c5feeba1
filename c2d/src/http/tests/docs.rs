//! The description of the interface against the interface: nothing is missing, nothing is invented.

use std::collections::BTreeSet;

use serde_json::Value;

use super::access::ROUTES;
use super::lab::Lab;
use crate::http::docs::{Operation, operations};

/// The names and paths of `route.rs`, which is where everybody looks first.
fn constants() -> Vec<(String, String)> {
    let source = include_str!("../../../../shared/src/api/route.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = \""));
    constants.map(|(name, path)| (name.to_owned(), path.trim_end_matches("\";").to_owned())).collect()
}

/// The routes of `router.rs`, as method and name of the constant.
fn routed() -> BTreeSet<(String, String)> {
    let source: String = include_str!("../router.rs").split_whitespace().collect();
    let routes = source.split(".route(route::").skip(1).filter_map(|part| part.split_once(','));
    let mut routed = BTreeSet::new();
    for (name, handlers) in routes {
        let handlers = handlers.split(".route(").next().unwrap_or_default();
        for method in ["get", "post", "put", "delete"] {
            let first = handlers.starts_with(&format!("{method}("));
            if first || handlers.contains(&format!(").{method}(")) {
                routed.insert((method.to_owned(), name.to_owned()));
            }
        }
    }
    routed
}

fn documented() -> BTreeSet<(String, String)> {
    operations().iter().map(|operation| (operation.method.to_owned(), operation.route.name.to_owned())).collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<String> = documented().into_iter().map(|(_, name)| name).collect();
    let known: BTreeSet<String> = constants().into_iter().map(|(name, _)| name).collect();
    assert_eq!(described, known);
    assert_eq!(documented(), routed());
}

#[test]
fn roles_are_described_as_they_are_enforced() {
    let described: BTreeSet<String> =
        operations().iter().map(|o| format!("{} {} {:?}", o.method.to_uppercase(), o.route.path, o.roles)).collect();
    for (method, path, roles) in ROUTES {
        let line = format!("{method} {path} {roles:?}");
        assert!(described.contains(&line), "{line} is not described so");
    }
}

#[tokio::test]
async fn anybody_may_read_both_and_the_gate_still_stands() {
    let lab = Lab::new().await;
    let host = format!("host: {}\r\n", lab.address);
    let json = lab.raw("GET /openapi.json", &host, "").await;
    assert_eq!(json.status, 200);
    assert!(json.head.contains("content-type: application/json"), "{}", json.head);
    check_references(&json.json(), &json.json());
    let page = lab.raw("GET /docs", &host, "").await;
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-security-policy: default-src 'none'"), "{}", page.head);
    for operation in operations() {
        assert!(page.body.contains(operation.route.path), "{}", operation.route.path);
    }
    for never in ["<script", "http://", "https://", "src=", "@import", "[`"] {
        assert!(!page.body.contains(never), "{never:?} in the page");
    }
    for path in ["/openapi.json", "/docs"] {
        let strange = lab.raw(&format!("GET {path}"), "host: evil.example\r\n", "").await;
        let page = lab.raw(&format!("GET {path}"), &format!("{host}origin: http://localhost\r\n"), "").await;
        assert_eq!((strange.status, page.status), (421, 403), "{path}");
    }
    lab.stop().await;
}

/// Each reference leads to something, and no text still has the form of Rust's documentation.
fn check_references(value: &Value, document: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                let target = document.pointer(reference.trim_start_matches('#'));
                assert!(target.is_some(), "{reference} leads nowhere");
            }
            object.values().for_each(|value| check_references(value, document));
        }
        Value::Array(list) => list.iter().for_each(|value| check_references(value, document)),
        Value::String(text) => assert!(!text.contains("[`") && !text.contains("::"), "{text}"),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn answers_and_refusals_are_complete() {
    for operation in operations() {
        let Operation { method, route, .. } = &operation;
        let statuses: BTreeSet<u16> = operation.all_refusals().iter().map(|code| code.status()).collect();
        assert!(statuses.contains(&421) && statuses.contains(&403) && statuses.contains(&500), "{method} {route:?}");
        assert!(!operation.summary.is_empty() && !operation.summary.ends_with('.'), "{method} {route:?}");
    }
}
