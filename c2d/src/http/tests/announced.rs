//! Invitations that are announced: who proves what before a code is used, and how each of them ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use c2_shared::fingerprint::Fingerprint;
use c2_shared::join_code::JoinCode;
use c2_shared::limits::{ANNOUNCED_MAX, WRONG_CODES_MAX};
use c2_shared::token::{Role, Token};
use serde_json::Value;

use super::elsewhere::Elsewhere;
use super::lab::Lab;
use crate::services::announcer::Heard;

const LAPTOP: &str = "10.0.0.11";
const WORKER: &str = r#"{"worker_id": "w"}"#;

/// Counts how often it is heard at once.
struct Voice(Arc<AtomicUsize>);

impl Drop for Voice {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn c2d() -> (Elsewhere, Arc<AtomicUsize>) {
    let heard = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&heard);
    let speak = move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Voice(Arc::clone(&count))) as Heard)
    };
    (Elsewhere::speaking(Box::new(speak)), heard)
}

async fn invited(c2d: &Elsewhere, body: &str) -> JoinCode {
    let (status, invited) = c2d.send("10.0.0.6", "POST /api/tokens/invite", Some(&c2d.operator), body).await;
    assert_eq!(status, 201, "{invited}");
    let code: JoinCode = invited["code"].as_str().unwrap().parse().unwrap();
    assert!(invited["line"].as_str().unwrap().starts_with(code.invitation().expose()), "both are one invitation");
    code
}

async fn proofs(c2d: &Elsewhere) -> Vec<String> {
    let (status, said) = c2d.send(LAPTOP, "GET /api/join/proofs", None, "").await;
    assert_eq!(status, 200);
    serde_json::from_value(said["proofs"].clone()).unwrap()
}

/// Waits until nothing is proved and nothing is heard any more.
async fn is_over(c2d: &Elsewhere, heard: &AtomicUsize) {
    let over = async {
        while !proofs(c2d).await.is_empty() || heard.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), over).await.expect("it ends");
}

async fn join(c2d: &Elsewhere, token: &Token, body: &str) -> u16 {
    c2d.send(LAPTOP, "POST /api/join", Some(token), body).await.0
}

#[tokio::test]
async fn c2d_proves_that_it_knows_a_code_until_the_code_is_used_up() {
    let (c2d, heard) = c2d();
    assert_eq!((proofs(&c2d).await.len(), heard.load(Ordering::Relaxed)), (0, 0), "nothing is announced unasked");
    let code = invited(&c2d, r#"{"announce": true, "uses": 2}"#).await;
    let other = invited(&c2d, r#"{"announce": true}"#).await;
    assert_eq!(heard.load(Ordering::Relaxed), 1, "one c2d is heard once");
    let said = proofs(&c2d).await;
    for code in [&code, &other] {
        assert_eq!(said.iter().filter(|proof| code.is_proved(c2d.fingerprint, proof)).count(), 1);
        let strange = Fingerprint::of(b"another authority");
        assert!(!said.iter().any(|proof| code.is_proved(strange, proof)), "passed on they prove nothing");
    }
    let plain = c2d.ask(LAPTOP, "GET /api/join/proofs", None).await;
    assert_eq!(plain.1["proofs"], Value::Array(Vec::new()), "nothing is proved where no TLS says who speaks");
    assert_eq!(join(&c2d, &other.invitation(), WORKER).await, 201);
    assert_eq!(join(&c2d, &other.invitation(), WORKER).await, 401, "it is used up");
    for (worker, status) in [("a", 201), ("b", 201), ("c", 401)] {
        let body = format!(r#"{{"worker_id": "{worker}"}}"#);
        assert_eq!(join(&c2d, &code.invitation(), &body).await, status, "{worker}");
    }
    is_over(&c2d, &heard).await;
}

#[tokio::test]
async fn an_announcement_ends_with_its_invitation() {
    let (c2d, heard) = c2d();
    let code = invited(&c2d, r#"{"announce": true, "expires_s": 1}"#).await;
    is_over(&c2d, &heard).await;
    assert_eq!(join(&c2d, &code.invitation(), WORKER).await, 401);
    let code = invited(&c2d, r#"{"announce": true}"#).await;
    let (_, list) = c2d.send("10.0.0.6", "GET /api/tokens", Some(&c2d.operator), "").await;
    let mut ids = list["tokens"].as_array().unwrap().iter().filter(|token| token["role"] == "join");
    let id = ids.next_back().unwrap()["id"].as_str().unwrap().to_owned();
    c2d.send("10.0.0.6", &format!("DELETE /api/tokens/{id}"), Some(&c2d.operator), "").await;
    is_over(&c2d, &heard).await;
    assert_eq!(join(&c2d, &code.invitation(), WORKER).await, 401);
}

#[tokio::test]
async fn who_guesses_ends_what_is_announced_and_that_is_told() {
    let (c2d, heard) = c2d();
    let code = invited(&c2d, r#"{"announce": true}"#).await;
    for n in 1..=WRONG_CODES_MAX {
        assert!(heard.load(Ordering::Relaxed) == 1, "after {n} tries");
        let status = join(&c2d, &JoinCode::generate().unwrap().invitation(), WORKER).await;
        assert!([401, 429].contains(&status), "{status}");
    }
    is_over(&c2d, &heard).await;
    let status = join(&c2d, &code.invitation(), WORKER).await;
    assert!([401, 429].contains(&status), "the code is good no longer: {status}");
    let words = format!("was revoked: {WRONG_CODES_MAX} wrong codes came");
    while !c2d.audit().contains(&words) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!c2d.audit().contains(&code.expose()), "no code stands in a log");
    // The next one has all tries again.
    let next = invited(&c2d, r#"{"announce": true}"#).await;
    join(&c2d, &JoinCode::generate().unwrap().invitation(), WORKER).await;
    assert_eq!(join(&c2d, &next.invitation(), WORKER).await, 201);
}

#[tokio::test]
async fn the_oldest_of_too_many_are_found_no_longer_and_stay_good() {
    let (c2d, _heard) = c2d();
    let first = invited(&c2d, r#"{"announce": true}"#).await;
    for _ in 0..ANNOUNCED_MAX {
        invited(&c2d, r#"{"announce": true}"#).await;
    }
    let said = proofs(&c2d).await;
    assert_eq!(said.len(), ANNOUNCED_MAX);
    assert!(!said.iter().any(|proof| first.is_proved(c2d.fingerprint, proof)));
    assert_eq!(join(&c2d, &first.invitation(), WORKER).await, 201);
}

#[tokio::test]
async fn what_cannot_be_announced_is_refused_and_leaves_no_invitation() {
    let deaf = Elsewhere::speaking(Box::new(|| Err("no network".to_owned())));
    let (status, refusal) =
        deaf.send("10.0.0.6", "POST /api/tokens/invite", Some(&deaf.operator), r#"{"announce": true}"#).await;
    assert_eq!(status, 503, "{refusal}");
    assert_eq!(refusal["message"], "c2d cannot announce itself in its network: no network");
    let (_, list) = deaf.send("10.0.0.6", "GET /api/tokens", Some(&deaf.operator), "").await;
    assert!(!list["tokens"].as_array().unwrap().iter().any(|token| token["role"] == "join"), "{list}");

    let (c2d, heard) = c2d();
    for body in [r#"{"announce": true, "role": "viewer"}"#, r#"{"announce": true, "expires_s": 3601}"#] {
        let (status, _) = c2d.send("10.0.0.6", "POST /api/tokens/invite", Some(&c2d.operator), body).await;
        assert_eq!((status, heard.load(Ordering::Relaxed)), (400, 0), "{body}");
    }
    let lab = Lab::new().await;
    let answer = lab.send(Role::Operator, "POST /api/tokens/invite", r#"{"announce": true}"#).await;
    assert_eq!((answer.status, &answer.json()["field"]), (400, &Value::from("announce")), "{answer:?}");
    assert!(answer.body.contains("where other machines cannot find it"), "{answer:?}");
    let answer = lab.send(Role::Operator, "POST /api/tokens/invite", r#"{"expires_s": 34560000}"#).await;
    let said = answer.json();
    let said = (&said["message"], &said["hint"]);
    assert_eq!(said, (&"expires_s is 34560000 (400d)".into(), &"give at most 2592000 (30d)".into()), "{answer:?}");
    lab.stop().await;
}
