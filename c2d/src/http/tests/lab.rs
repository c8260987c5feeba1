//! A whole c2d in the test's process, and a client that sends what it is told, byte for byte.

use std::net::SocketAddr;
use std::time::Duration;

use c2_shared::config::ServerConfig;
use c2_shared::pass::Pass;
use c2_shared::token::Role;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// How long an answer may be silent before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Lab {
    dir: TempDir,
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: tokio::task::JoinHandle<Result<(), crate::run::RunError>>,
}

/// An answer: status, headers as they came, body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The kind of refusal.
    pub(super) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}")).to_owned()
    }
}

impl Lab {
    pub(super) async fn new() -> Self {
        Self::on(TempDir::new().unwrap()).await
    }

    async fn on(dir: TempDir) -> Self {
        Self::with(dir, ServerConfig::default()).await
    }

    /// One with another configuration.
    pub(super) async fn as_configured(config: ServerConfig) -> Self {
        Self::with(TempDir::new().unwrap(), config).await
    }

    /// A file of its folder.
    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("c2d").join(name)
    }

    async fn with(dir: TempDir, config: ServerConfig) -> Self {
        let data = dir.path().join("c2d");
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = oneshot::channel();
        let config = ServerConfig { port: 0, ..config };
        let say = move |address| {
            ready.send(address).unwrap();
            Ok(())
        };
        let shutdown = async move { drop(stopped.await) };
        let server = tokio::spawn(crate::run::run(config, data, say, shutdown));
        Self { dir, address: address.await.unwrap(), stop: Some(stop), server }
    }

    pub(super) async fn stop(self) {
        drop(self.end().await);
    }

    /// Stops c2d and starts another on the same folder.
    pub(super) async fn restart(self) -> Self {
        Self::on(self.end().await).await
    }

    /// The same, with another configuration.
    pub(super) async fn restart_as(self, config: ServerConfig) -> Self {
        Self::with(self.end().await, config).await
    }

    /// The same, with a file of its folder changed while it is down.
    pub(super) async fn restart_with(self, file: &str, change: impl FnOnce(String) -> String) -> Self {
        let change = |dir: &std::path::Path| {
            let path = dir.join(file);
            std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
        };
        self.restart_after(change).await
    }

    /// The same, with something done to its folder while it is down.
    pub(super) async fn restart_after(self, change: impl FnOnce(&std::path::Path)) -> Self {
        let dir = self.end().await;
        change(&dir.path().join("c2d"));
        Self::on(dir).await
    }

    async fn end(mut self) -> TempDir {
        self.stop.take().unwrap().send(()).unwrap();
        self.server.await.unwrap().unwrap();
        self.dir
    }

    /// The data folder.
    pub(super) fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("c2d")
    }

    pub(super) fn token(&self, role: Role) -> String {
        Pass::read(&self.dir.path().join("c2d").join(role.file_name())).unwrap().token.expose().to_owned()
    }

    /// A token of each role, with an invitation that is not used up.
    pub(super) async fn tokens(&self) -> Vec<(Role, String)> {
        let invitation = self.invitation(r#"{"role": "viewer", "uses": 2}"#).await;
        let viewer = self.join(&invitation, "{}").await;
        let near = [Role::Operator, Role::Worker].map(|role| (role, self.token(role)));
        near.into_iter().chain([(Role::Viewer, viewer), (Role::Join, invitation)]).collect()
    }

    /// The token in an invitation.
    pub(super) async fn invitation(&self, request: &str) -> String {
        let answer = self.operator("POST /api/tokens/invite", request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let pass: Pass = answer.json()["line"].as_str().unwrap().parse().unwrap();
        pass.token.expose().to_owned()
    }

    /// The token for an invitation.
    pub(super) async fn join(&self, invitation: &str, request: &str) -> String {
        let json = "content-type: application/json\r\n";
        let headers = format!("host: {}\r\nauthorization: Bearer {invitation}\r\n{json}", self.address);
        let answer = self.raw("POST /api/join", &headers, request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// A request as an operator or worker would send it.
    pub(super) async fn send(&self, role: Role, line: &str, body: &str) -> Answer {
        self.raw(line, &self.headers(role, body), body).await
    }

    /// A request whose answer is read bit by bit.
    pub(super) async fn open(&self, role: Role, line: &str, body: &str) -> Open {
        Open { stream: self.ask(line, &self.headers(role, body), body).await, text: String::new() }
    }

    fn headers(&self, role: Role, body: &str) -> String {
        let token = self.token(role);
        let json = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        format!("host: {}\r\nauthorization: Bearer {token}\r\n{json}", self.address)
    }

    pub(super) async fn operator(&self, line: &str, body: &str) -> Answer {
        self.send(Role::Operator, line, body).await
    }

    pub(super) async fn worker(&self, line: &str, body: &str) -> Answer {
        self.send(Role::Worker, line, body).await
    }

    /// A request with exactly these headers, from 127.0.0.1.
    pub(super) async fn raw(&self, line: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.ask(line, headers, body).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.to_ascii_lowercase();
        let in_pieces = head.contains("transfer-encoding: chunked");
        let body = in_pieces.then(|| joined(body)).flatten().unwrap_or_else(|| body.to_owned());
        Answer { status, head, body }
    }

    async fn ask(&self, line: &str, headers: &str, body: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let length = body.len();
        let text = format!("{line} HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// An answer that goes on.
#[derive(Debug)]
pub(super) struct Open {
    stream: TcpStream,
    /// What came so far.
    pub(super) text: String,
}

impl Open {
    /// Reads until these words came.
    pub(super) async fn until(&mut self, words: &str) {
        while !self.text.contains(words) {
            assert!(self.more().await, "the answer ended without {words:?}: {}", self.text);
        }
    }

    /// Reads until the answer ends.
    pub(super) async fn end(mut self) -> String {
        while self.more().await {}
        self.text
    }

    async fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes)).await;
        let len = read.unwrap_or_else(|_| panic!("nothing more came after {:?}", self.text)).unwrap();
        self.text.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
        len > 0
    }
}

/// A body that came in pieces, each behind its length; nothing if the last one is missing.
fn joined(pieces: &str) -> Option<String> {
    let (mut rest, mut body) = (pieces, String::new());
    loop {
        let (length, piece) = rest.split_once("\r\n")?;
        match usize::from_str_radix(length, 16).ok()? {
            0 => return Some(body),
            length => {
                body.push_str(piece.get(..length)?);
                rest = piece.get(length + 2..)?;
            }
        }
    }
}
