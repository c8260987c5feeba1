//! The description of the interface against the interface: nothing is missing, nothing is invented.

use std::collections::BTreeSet;

use c2_shared::api::endpoint::{self, Method};
use serde_json::{Value, json};

use super::lab::Lab;
use crate::http::docs::{DOCUMENT, JSON, examples};

/// Bytes of the document that nobody should have to read twice.
const BYTES_MAX: usize = 220_000;

/// The operations of the document, each with its method and path.
fn operations() -> Vec<(String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |one| (path, one)));
    operations.map(|(path, (method, operation))| (format!("{} {path}", method.to_uppercase()), operation)).collect()
}

/// What a reference leads to, or the value itself.
fn resolved(value: &'static Value) -> &'static Value {
    let target = value["$ref"].as_str().map(|path| DOCUMENT.pointer(path.trim_start_matches('#')));
    target.map_or(value, |target| target.unwrap())
}

#[test]
fn every_endpoint_is_described_and_nothing_else() {
    let described: BTreeSet<String> = operations().into_iter().map(|(line, _)| line).collect();
    let known = endpoint::ALL.iter().map(|one| format!("{} {}", one.method.as_str(), one.path)).collect();
    assert_eq!(described, known);
    for one in endpoint::ALL {
        let described = &DOCUMENT["paths"][one.path][one.method.as_str().to_lowercase()];
        let roles: Vec<&str> = one.roles.iter().map(|role| role.as_str()).collect();
        let security = described["security"].as_array().unwrap().iter();
        let shown: Vec<&String> = security.flat_map(|one| one.as_object().unwrap().keys()).collect();
        assert_eq!(shown, roles, "{}", one.name);
        assert_eq!(described["summary"], one.summary());
    }
}

#[test]
fn examples_are_of_their_types() {
    let mut examples = examples();
    for shape in endpoint::ALL.iter().flat_map(|one| one.shapes).flatten() {
        if let Some(example) = examples.remove(&*(shape.name)()) {
            let read = (shape.reads)(&example.to_string());
            assert!(read.is_ok(), "{example} is no {}: {read:?}", (shape.name)());
        }
    }
    assert!(examples.is_empty(), "of nothing that goes in or comes out: {examples:?}");
}

#[test]
fn the_document_is_small_and_says_nothing_twice() {
    assert!(JSON.len() <= BYTES_MAX, "{} bytes", JSON.len());
    let mut seen = BTreeSet::new();
    for (line, operation) in operations() {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let is_shared = answer["$ref"].is_string();
            assert!(is_shared || seen.insert(answer.to_string()) || status == "200", "{line} {status}: {answer}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["$ref"].is_string(), "{line}: {parameter}");
        }
    }
    let schemas = &DOCUMENT["components"]["schemas"];
    let base = json!({"$ref": "#/components/schemas/JobRow"});
    assert_eq!((&schemas["WaitResponse"]["allOf"][0], &schemas["LogEntry"]["allOf"][0]), (&base, &base));
    assert!(schemas["WaitResponse"]["allOf"][1]["properties"]["command"].is_null());
}

/// Generators of clients leave out, silently or with a warning, what lacks one of these.
#[test]
fn generators_find_what_they_need() {
    let mut ids = BTreeSet::new();
    for (line, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        let is_plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(is_plain && ids.insert(id), "{line}: {id:?}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{line}");
        for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let known = ["application/json", "application/octet-stream"].contains(&media.as_str());
            assert!(known && content["schema"].is_object(), "{line}: {media} {content}");
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let answer = resolved(answer);
            assert!(answer["description"].is_string(), "{line} {status}");
            for (media, content) in answer["content"].as_object().into_iter().flatten() {
                assert!(content["schema"].is_object(), "{line} {status} {media}: {content}");
            }
        }
        let named: BTreeSet<(&str, &str)> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (resolved(one)["in"].as_str().unwrap(), resolved(one)["name"].as_str().unwrap()))
            .collect();
        let in_path = endpoint::ALL.iter().find(|one| one.name.to_lowercase() == id).unwrap().names();
        for name in in_path {
            assert!(named.contains(&("path", name)), "{line}: {name}");
        }
    }
    assert!(!JSON.contains(r#""oneOf":[{"const""#) && !JSON.contains(r#""const":"blocked""#), "words are an enum");
    assert_eq!(DOCUMENT["components"]["schemas"]["Role"]["enum"], json!(["operator", "viewer", "worker", "join"]));
    let put = &DOCUMENT["paths"][endpoint::PUT_BLOB.path]["put"]["requestBody"];
    let bytes = json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}});
    assert_eq!((&put["required"], &put["content"]), (&json!(true), &bytes));
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
    for one in endpoint::ALL {
        assert!(page.body.contains(one.path) && page.body.contains("RTX 4090"), "{}", one.path);
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
fn refusals_are_complete() {
    for (line, operation) in operations() {
        let statuses: BTreeSet<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(["421", "403", "500"].iter().all(|status| statuses.contains(status)), "{line}: {statuses:?}");
    }
    let of = |one: &endpoint::Operation| &DOCUMENT["paths"][one.path][one.method.as_str().to_lowercase()]["responses"];
    for (one, status, name) in [
        (*endpoint::CLEANUP, "409", "ambiguous-or-conflict"),
        (*endpoint::JOIN, "503", "busy-or-standby-or-store_failed-or-wait"),
        (*endpoint::SUBMIT, "429", "queue_full-or-rate_limited"),
        (*endpoint::METRICS, "429", "rate_limited"),
    ] {
        assert_eq!(of(&one)[status]["$ref"], format!("#/components/responses/{name}"), "{}", one.name);
    }
    assert!(endpoint::ALL.iter().all(|one| one.method != Method::Put || of(one)["404"].is_null()));
}
