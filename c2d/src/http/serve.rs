//! Accepting connections, with limits on how many there are and on how slowly they may begin.
//!
//! One port speaks TLS and plain HTTP: the first byte tells which. Plain HTTP is for this machine
//! alone; whoever else tries it is told so, and nothing of what he sent is looked at.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use c2_shared::limits::{BODY_IDLE_MS, CONNECTIONS_MAX, CONNECTIONS_OF_ONE_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT_MS};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use tower_http::timeout::TimeoutBody;

use crate::http::connection::Connection;

/// After c2d was asked to go down, open requests have so long to end.
const GOODBYE: Duration = Duration::from_secs(5);
/// After a failed accept (no file descriptors, most likely) it is tried again after so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long somebody who was told to speak TLS may go on with what he was saying.
const LINGER: Duration = Duration::from_secs(1);
/// How long a connection may take to begin.
const BEGINNING: Duration = Duration::from_millis(HEAD_TIMEOUT_MS);
/// How long the body of a request may stand still.
const BODY_IDLE: Duration = Duration::from_millis(BODY_IDLE_MS);
/// With this byte every TLS connection begins, and no HTTP one.
const TLS_HANDSHAKE: u8 = 0x16;
/// What somebody elsewhere is told who does not speak TLS.
const TLS_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
    {\"code\":\"invalid_input\",\"message\":\"from other machines this port speaks TLS only\",\
    \"hint\":\"ask for a line with: c2d invite\"}\n";

/// Serves connections until `stopping` turns true, then lets open requests end.
pub async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, router: Router, mut stopping: watch::Receiver<bool>) {
    let acceptor = TlsAcceptor::from(tls);
    let mut connections = JoinSet::new();
    // Connections of each other machine; one alone cannot use up all.
    let mut open: HashMap<IpAddr, usize> = HashMap::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, peer)) => {
                    let count = open.entry(peer.ip()).or_default();
                    if *count < CONNECTIONS_OF_ONE_MAX || peer.ip().is_loopback() {
                        *count += 1;
                        let served = serve_one(stream, peer, acceptor.clone(), router.clone(), stopping.clone());
                        drop(connections.spawn(async move { served.await; peer.ip() }));
                    } else {
                        tracing::debug!("{peer} has too many connections");
                    }
                }
                Err(e) => {
                    tracing::warn!("cannot accept a connection: {e}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => match ended {
                Ok(ip) => close(&mut open, ip),
                Err(e) => tracing::error!("a connection broke off: {e}"),
            },
            () = stopped(&mut stopping) => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(GOODBYE, all).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

fn close(open: &mut HashMap<IpAddr, usize>, ip: IpAddr) {
    if let Some(count) = open.get_mut(&ip) {
        *count -= 1;
        if *count == 0 {
            open.remove(&ip);
        }
    }
}

/// Resolves when c2d goes down, also when whoever would say so is gone.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let begun = async {
        stream.set_nodelay(true)?;
        let ends = Connection::new(peer, stream.local_addr()?);
        let mut first = [0];
        let len = stream.peek(&mut first).await?;
        Ok::<_, std::io::Error>((ends, first[..len].first().copied()))
    };
    let begun = tokio::select! {
        begun = timeout(BEGINNING, begun) => begun,
        () = stopped(&mut stopping) => return,
    };
    let result = match begun {
        Ok(Ok((ends, Some(TLS_HANDSHAKE)))) => match timeout(BEGINNING, tls.accept(stream)).await {
            Ok(Ok(stream)) => converse(stream, ends, router, stopping).await.map_err(|e| e.to_string()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("no TLS handshake in time".to_owned()),
        },
        Ok(Ok((ends, Some(_)))) if ends.is_near() => {
            converse(stream, ends, router, stopping).await.map_err(|e| e.to_string())
        }
        Ok(Ok((_, Some(_)))) => {
            tracing::info!("{peer} does not speak TLS and is told so");
            tell_to_speak_tls(stream).await.map_err(|e| e.to_string())
        }
        Ok(Ok((_, None))) => Ok(()),
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => Err("it never began to speak".to_owned()),
    };
    if let Err(e) = result {
        // Mostly clients that went away in the middle of something.
        tracing::debug!("a connection from {peer} ended badly: {e}");
    }
}

/// Tells it and takes what still comes, for a while and up to a bound, only to throw it away: a
/// connection that is closed over unread bytes is reset, and the answer may be lost with it.
async fn tell_to_speak_tls(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(TLS_ONLY).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(HEAD_BYTES_MAX as u64);
    // Whoever goes on longer than that does not listen.
    drop(timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await);
    Ok(())
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    ends: Connection,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ends);
        let request: Request = request.map(|body| Body::new(TimeoutBody::new(BODY_IDLE, body)));
        router.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(BEGINNING).max_buf_size(HEAD_BYTES_MAX).max_headers(64);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        result = &mut connection => result,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}
