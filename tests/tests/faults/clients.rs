//! Clients that say too much, too slowly or nothing, over TLS as spoken by a client that is not
//! ours. c2d gives each of them up in time, and serves everybody else meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use c2_shared::api::endpoint;
use c2_shared::limits::{BODY_BYTES_MAX, BODY_IDLE_MS, HEAD_BYTES_MAX, HEAD_TIMEOUT_MS, TLS_NAME};
use c2_shared::token::Role;
use c2_tests::{Cluster, scenario};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

crate::waiting_tests![misbehave_and_others_are_served];

/// On a busy machine c2d may be late by this.
const LATE: Duration = Duration::from_secs(10);
/// For the head of a request, also of the next one on the same connection.
const HEAD_LIMIT: Duration = Duration::from_millis(HEAD_TIMEOUT_MS);
/// Between two bytes of a client that is slow on purpose.
const DRIBBLE: Duration = Duration::from_millis(500);
/// Slow clients at the same time.
const CROWD: usize = 40;

fn misbehave_and_others_are_served() {
    scenario(async |cluster| {
        let caller = Caller::new(cluster)?;
        let all = async {
            tokio::try_join!(
                caller.too_large(),
                caller.slow_heads(),
                caller.slow_bodies(),
                caller.silent(),
                caller.half_a_handshake(),
            )
        };
        tokio::select! {
            done = all => drop(done?),
            served = served(cluster) => served?,
        }
        Ok(())
    });
}

/// Looks again and again that somebody who behaves is answered promptly; ends only with an error.
async fn served(cluster: &Cluster) -> Result<()> {
    loop {
        let asked = async {
            match cluster.client().health().await {
                // Who shows no token gives way in a crowd, and comes again.
                Err(_) => cluster.client().health().await,
                fine => fine,
            }
        };
        timeout(LATE, asked).await.context("c2d serves nobody")??;
        sleep(DRIBBLE).await;
    }
}

struct Caller {
    tls: TlsConnector,
    server: SocketAddr,
    token: String,
}

impl Caller {
    /// Trusts what c2d's authority signed, and nothing else.
    fn new(cluster: &Cluster) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(cluster.data_dir().join("authority.pem"))?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let token = cluster.token(Role::Operator)?.expose().to_owned();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), server: cluster.addr(), token })
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.server).await?;
        Ok(self.tls.connect(ServerName::try_from(TLS_NAME)?, stream).await?)
    }

    /// The beginning of a request, without the end of its head.
    fn head(&self, method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n", self.server, self.token)
    }

    /// Says something whole and answers with all that comes back.
    async fn say(&self, text: &[u8]) -> Result<String> {
        let mut stream = self.connect().await?;
        // c2d may answer and go before it has heard all.
        drop(stream.write_all(text).await);
        drop(stream.flush().await);
        heard(&mut stream, HEAD_LIMIT + LATE).await
    }

    async fn too_large(&self) -> Result<()> {
        let good = self
            .say(format!("{}Connection: close\r\n\r\n", self.head("GET", endpoint::LIST_JOBS.path)).as_bytes())
            .await?;
        ensure!(good.starts_with("HTTP/1.1 200"), "a client that behaves: {good}");
        let long =
            format!("{}X-Long: {}\r\n\r\n", self.head("GET", endpoint::LIST_JOBS.path), "x".repeat(HEAD_BYTES_MAX));
        let many = format!("{}{}\r\n", self.head("GET", endpoint::LIST_JOBS.path), "X-Many: x\r\n".repeat(100));
        for head in [long, many] {
            let answer = self.say(head.as_bytes()).await?;
            ensure!(answer.starts_with("HTTP/1.1 431"), "a head that is too large: {answer:?}");
        }
        let body = format!("{{\"command\":\"{}\"}}", "x".repeat(12 * BODY_BYTES_MAX));
        let head = self.head("POST", endpoint::SUBMIT.path);
        let told = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let chunked = format!(
            "{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        for request in [told, chunked] {
            let answer = self.say(request.as_bytes()).await?;
            ensure!(answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"), "{answer:?}");
        }
        Ok(())
    }

    /// Heads that come byte after byte and never end.
    async fn slow_heads(&self) -> Result<()> {
        let mut crowd = Vec::new();
        for _ in 0..CROWD {
            crowd.push(self.connect().await?);
        }
        let begun = c2_tests::now();
        let allowed = HEAD_LIMIT + LATE;
        let head = self.head("GET", endpoint::LIST_JOBS.path) + "X-Slow: ";
        for stream in &mut crowd {
            stream.write_all(head.as_bytes()).await?;
        }
        while !crowd.is_empty() {
            ensure!(begun.elapsed() < allowed, "{} slow heads are still heard", crowd.len());
            sleep(DRIBBLE).await;
            let mut open = Vec::new();
            for mut stream in crowd {
                if stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {
                    open.push(stream);
                }
            }
            crowd = open;
        }
        ensure!(begun.elapsed() > Duration::from_millis(HEAD_TIMEOUT_MS / 2), "they were given up at once");
        Ok(())
    }

    /// A body of which a part comes, and then nothing.
    async fn slow_bodies(&self) -> Result<()> {
        let head = self.head("POST", endpoint::SUBMIT.path);
        let text = format!("{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"command\":");
        let mut stream = self.connect().await?;
        stream.write_all(text.as_bytes()).await?;
        let answer = heard(&mut stream, Duration::from_millis(BODY_IDLE_MS) + LATE).await?;
        ensure!(answer.starts_with("HTTP/1.1 400") && answer.contains("the body broke off"), "{answer:?}");
        Ok(())
    }

    /// Whoever connects and says nothing at all.
    async fn silent(&self) -> Result<()> {
        let mut plain = TcpStream::connect(self.server).await?;
        let mut secret = self.connect().await?;
        let allowed = HEAD_LIMIT + LATE;
        let (plain, secret) = tokio::join!(heard(&mut plain, allowed), heard(&mut secret, allowed));
        ensure!(plain?.is_empty() && secret?.is_empty(), "something was said to silence");
        Ok(())
    }

    /// The first bytes of a handshake, which says that more will come.
    async fn half_a_handshake(&self) -> Result<()> {
        let mut stream = TcpStream::connect(self.server).await?;
        stream.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await?;
        heard(&mut stream, HEAD_LIMIT + LATE).await?;
        Ok(())
    }
}

/// What comes until c2d closes the connection, which it must do in time.
async fn heard(stream: &mut (impl AsyncRead + Unpin), allowed: Duration) -> Result<String> {
    let mut raw = Vec::new();
    // Reset or closed: given up it is.
    let ended = timeout(allowed, stream.read_to_end(&mut raw)).await.is_ok();
    let text = String::from_utf8_lossy(&raw).into_owned();
    ensure!(ended, "the connection is still open; it said {text:?}");
    Ok(text)
}
