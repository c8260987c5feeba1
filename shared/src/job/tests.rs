//! How specifications, conditions and outcomes are read and written.

use super::*;

#[test]
fn dependencies_round_trip() {
    for text in ["job-1", "any:job-1", "notok:job-7", "build", "any:build"] {
        let Ok(dependency) = text.parse::<Dependency>();
        assert_eq!(dependency.to_string(), text);
    }
    let Ok(explicit) = "ok:job-3".parse::<Dependency>();
    assert_eq!(explicit.to_string(), "job-3");
}

#[test]
fn a_plain_spec_is_short_on_the_wire() {
    let spec = JobSpec { command: "true".to_owned(), ..JobSpec::default() };
    assert_eq!(serde_json::to_string(&spec).unwrap(), r#"{"command":"true"}"#);
}

#[test]
fn only_a_sha256_names_a_blob() {
    for (hash, fine) in [("a".repeat(64), true), ("A".repeat(64), false), ("a".repeat(63), false)] {
        let upload = serde_json::from_str::<Upload>(&format!(r#"{{"path":"a","sha256":"{hash}"}}"#));
        assert_eq!(upload.is_ok(), fine, "{hash}: {upload:?}");
    }
}

#[test]
fn exit_statuses() {
    let table = [
        (Outcome::Exit { code: 3 }, 3),
        (Outcome::Signal { signal: 9 }, 137),
        (Outcome::Timeout, 124),
        (Outcome::Cancelled, 125),
        (Outcome::Lost, 125),
    ];
    for (outcome, status) in table {
        assert_eq!(outcome.exit_status(), status, "{outcome}");
    }
}
