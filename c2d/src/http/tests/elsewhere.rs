//! The gate for callers on other machines, whose addresses no connection of a test can have: the
//! same router, called without a socket.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use c2_shared::api::tokens::{InviteRequest, JoinRequest};
use c2_shared::blob::BlobId;
use c2_shared::fingerprint::Fingerprint;
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::access::{self, Access};
use crate::audit::Audit;
use crate::authority::Authority;
use crate::clock::Clock;
use crate::http::connection::Connection;
use crate::http::{App, router};
use crate::rotation::Rotation;
use crate::services::announcer::{Announcer, Speak};
use crate::services::live_output::LiveOutput;
use crate::services::messenger::{Messenger, Outside};
use crate::services::programs::Upgrades;
use crate::services::waker::Waker;
use crate::services::worker_requests::CleanupRequests;
use crate::{engine, store};

const SERVER: &str = "10.0.0.6:30814";
/// More failures than are answered one by one.
const MANY: usize = 20;

pub(super) struct Elsewhere {
    router: Router,
    access: Access,
    clock: Clock,
    pub(super) operator: Token,
    pub(super) fingerprint: Fingerprint,
    dir: TempDir,
    _stop: watch::Sender<bool>,
}

impl Elsewhere {
    fn new() -> Self {
        Self::speaking(Box::new(|| Ok(Box::new(()))))
    }

    /// One that is heard in its network by this.
    pub(super) fn speaking(speak: Speak) -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("c2d");
        let opened = store::open(store::Config {
            engine: store::Engine::Sqlite,
            jobs_log: data.join("jobs.log"),
            workers_json: data.join("workers.json"),
            keep: c2_shared::config::ServerConfig::default().retention(),
            dir: data.clone(),
        })
        .unwrap();
        let authority = Authority::open(&data).unwrap();
        let fingerprint = authority.fingerprint;
        let (access, clock) = (access::start(&data, fingerprint).unwrap(), Clock::start(0));
        let (stop, stopping) = watch::channel(false);
        let health = opened.writer.health();
        let (engine, _task) = engine::start(opened.saved, 50, opened.writer, clock, std::future::pending());
        let (history, blobs) = (opened.history, opened.blobs);
        let outside = Outside { commands: Default::default(), mail_server: String::new(), own_port: 0, clock };
        let desk = (engine.clone(), history.clone(), blobs.clone());
        let waker = Waker::start(engine.wakes(), clock);
        let audit = Audit::open(&data, clock, None, Box::new(|_| true)).unwrap().0;
        let app = App {
            announcer: Announcer::start(speak, access.clone(), audit.clone(), stopping.clone()),
            leadership: store::Leadership::default(),
            messenger: Messenger::start(desk, outside, clock, stopping.clone()),
            engine,
            health,
            history,
            blobs,
            cleanup_requests: CleanupRequests::start(0),
            upgrades: Upgrades::start(0, &data),
            live_output: LiveOutput::start(),
            waker,
            access: access.clone(),
            rotation: Rotation::new(&data, authority, None),
            throttle: std::sync::Arc::default(),
            doors: Default::default(),
            large_bodies: Default::default(),
            output_keep_bytes: 1 << 20,
            audit,
            names: std::sync::Arc::default(),
            address: SERVER.parse().unwrap(),
            clock,
            counters: std::sync::Arc::default(),
            stopping,
        };
        let operator = Pass::read(&data.join(Role::Operator.file_name())).unwrap().token;
        Self { router: router(app).unwrap(), access, clock, operator, fingerprint, dir, _stop: stop }
    }

    /// A token that was given out, and an invitation that is left.
    async fn joined(&self, role: Role) -> (Token, Token) {
        let now = self.clock.now();
        let invite = InviteRequest { role, uses: 2, ..InviteRequest::default() };
        let invitation = self.access.invite(invite, now).await.unwrap();
        let by = self.access.holder(invitation.expose(), false, now).unwrap().id.to_string();
        let request = JoinRequest { worker_id: Some("w".to_owned()), ..JoinRequest::default() };
        (self.access.join(by, request, now).await.unwrap(), invitation)
    }

    /// The log of what was done.
    pub(super) fn audit(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("c2d").join("audit.log")).unwrap_or_default()
    }

    /// The status and the body of the answer to a request from this address.
    pub(super) async fn ask(&self, from: &str, line: &str, authorization: Option<&str>) -> (u16, Value) {
        let peer = SocketAddr::new(from.parse::<IpAddr>().unwrap(), 40_000);
        self.ask_on(Connection::new(peer, SERVER.parse().unwrap()), line, authorization, "").await
    }

    /// The same to one over TLS, with a body.
    pub(super) async fn send(&self, from: &str, line: &str, token: Option<&Token>, body: &str) -> (u16, Value) {
        let peer = SocketAddr::new(from.parse::<IpAddr>().unwrap(), 40_000);
        let connection = Connection::new(peer, SERVER.parse().unwrap()).proved_by(self.fingerprint);
        let authorization = token.map(|token| format!("Bearer {}", token.expose()));
        self.ask_on(connection, line, authorization.as_deref(), body).await
    }

    async fn ask_on(
        &self,
        connection: Connection,
        line: &str,
        authorization: Option<&str>,
        body: &str,
    ) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", SERVER);
        if let Some(text) = authorization {
            request = request.header("authorization", text);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.extension(connection).body(Body::from(body.to_owned())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn show(&self, from: &str, line: &str, token: &Token) -> u16 {
        self.ask(from, line, Some(&format!("Bearer {}", token.expose()))).await.0
    }
}

#[tokio::test]
async fn a_good_token_passes_whatever_others_at_its_address_try() {
    let c2d = Elsewhere::new();
    let (worker, invitation) = c2d.joined(Role::Worker).await;
    let (viewer, _) = c2d.joined(Role::Viewer).await;
    let strange = Token::generate(Role::Worker).unwrap();
    let blob = format!("GET /api/blobs/{}", BlobId::of(b"x"));
    for from in ["10.0.0.11", "fe80::11", "::ffff:10.0.0.12"] {
        for n in 0..MANY {
            let authorization = (n % 2 == 0).then(|| format!("Bearer {}", strange.expose()));
            let (status, body) = c2d.ask(from, "GET /api/metrics", authorization.as_deref()).await;
            let expected = if n < 10 { (401, "unauthorized") } else { (429, "rate_limited") };
            assert_eq!((status, body["code"].as_str()), (expected.0, Some(expected.1)), "{from} {n}: {body}");
            // Requests with a good token neither count nor end the count.
            assert_eq!(c2d.show(from, &blob, &worker).await, 404, "{from} {n}: there is no such blob");
        }
        assert_eq!(c2d.show(from, "GET /api/workers/list", &viewer).await, 200, "{from}");
        assert_eq!(c2d.show(from, "POST /api/join", &invitation).await, 400, "{from}: it has no body");
        assert_eq!(c2d.ask(from, "GET /healthz", None).await.0, 200, "{from}");
    }
}

#[tokio::test]
async fn what_needs_no_token_is_no_failure() {
    let c2d = Elsewhere::new();
    for _ in 0..MANY {
        assert_eq!(c2d.ask("10.0.0.11", "GET /healthz", None).await.0, 200);
    }
    assert_eq!(c2d.ask("10.0.0.11", "GET /api/metrics", None).await.0, 401);
}

#[tokio::test]
async fn programs_on_the_machine_of_c2d_are_not_slowed_down() {
    let c2d = Elsewhere::new();
    for _ in 0..MANY {
        assert_eq!(c2d.ask("127.0.0.1", "GET /api/metrics", None).await.0, 401);
    }
    assert_eq!(c2d.show("127.0.0.1", "GET /api/metrics", &c2d.operator).await, 200);
    assert_eq!(c2d.show("10.0.0.6", "GET /api/metrics", &c2d.operator).await, 200);
    assert_eq!(c2d.show("10.0.0.11", "GET /api/metrics", &c2d.operator).await, 401);
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_with_the_token() {
    let c2d = Elsewhere::new();
    let near = "good on c2d's own machine alone";
    let own = Token::generate;
    let (operator, viewer, worker) =
        (own(Role::Operator).unwrap(), own(Role::Viewer).unwrap(), own(Role::Worker).unwrap());
    let invitation = own(Role::Join).unwrap();
    let table = [
        ("10.0.0.11", &c2d.operator, near, "`c2d invite --role operator` where c2d runs, and give it to: c2-tui login"),
        ("10.0.0.11", &operator, "not known here", "revoked or replaced, or another c2d gave it; get a line with"),
        ("10.0.0.11", &viewer, "not known here", "`c2d invite --role viewer`"),
        ("10.0.0.11", &worker, "not known here", "give it to: c2-agent join"),
        ("10.0.0.11", &invitation, "not known here", "get a new line where c2d runs with: c2d invite"),
        ("127.0.0.1", &operator, "not known here", "operator.token in c2d's data folder"),
        ("127.0.0.1", &worker, "not known here", "give it to: c2-agent join"),
    ];
    for (from, token, message, hint) in table {
        let (status, body) = c2d.ask(from, "GET /api/metrics", Some(&format!("Bearer {}", token.expose()))).await;
        let said = |key: &str, words| body[key].as_str().unwrap().contains(words);
        assert!(status == 401 && said("message", message) && said("hint", hint), "{from} {token:?}: {body}");
    }
}

#[tokio::test]
async fn the_word_before_the_token_is_read_in_any_case() {
    let c2d = Elsewhere::new();
    let token = c2d.operator.expose();
    let table = [
        ("Bearer {}", 200),
        ("bearer {}", 200),
        ("BEARER  {} ", 200),
        ("{}", 401),
        ("Bearer", 401),
        ("Bearer{}", 401),
        ("Basic {}", 401),
        ("", 401),
    ];
    for (form, status) in table {
        let answer = c2d.ask("127.0.0.1", "GET /api/metrics", Some(&form.replace("{}", token))).await;
        assert_eq!(answer.0, status, "{form:?}: {answer:?}");
    }
}
