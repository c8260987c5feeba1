//! Accepting connections, with limits on how many there are and on how slowly they may begin.
//!
//! One port speaks TLS and plain HTTP: the first byte tells which. Plain HTTP is for this machine
//! alone; whoever else tries it is told so, and nothing of what he sent is looked at.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{DATE, EXPECT};
use c2_shared::fingerprint::Fingerprint;
use c2_shared::limits::{BODY_IDLE_MS, HEAD_BYTES_MAX, HEAD_TIMEOUT_MS, STRANGER_NEW_MS, WRITE_IDLE_MS};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;
use tower_http::timeout::TimeoutBody;

use crate::clock::Clock;
use crate::http::connection::Connection;
use crate::http::doors::{Doors, Seat};
use crate::http::socket::Socket;
use crate::http::timed::Timed;
use crate::http::unread::Drained;
use crate::http::{App, Unserved, router};
use crate::rotation::Rotation;

/// After c2d was asked to go down, open requests have so long to end.
const GOODBYE: Duration = Duration::from_secs(5);
/// After a failed accept (no file descriptors, most likely) it is tried again after so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long somebody who was told to speak TLS may go on with what he was saying.
const LINGER: Duration = Duration::from_secs(1);
/// How long a connection may take to begin.
const BEGINNING: Duration = Duration::from_millis(HEAD_TIMEOUT_MS);
/// How long a connection has to show a token before it is one of a few.
const NEW: Duration = Duration::from_millis(STRANGER_NEW_MS);
/// How long an answer may wait to be read.
const WRITE_IDLE: Duration = Duration::from_millis(WRITE_IDLE_MS);
/// How long the body of a request may stand still.
const BODY_IDLE: Duration = Duration::from_millis(BODY_IDLE_MS);
/// With this byte every TLS connection begins, and no HTTP one.
const TLS_HANDSHAKE: u8 = 0x16;
/// What somebody elsewhere is told who does not speak TLS.
const TLS_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
    {\"code\":\"invalid_input\",\"message\":\"from other machines this port speaks TLS only\",\
    \"hint\":\"ask for a line with: c2d invite\"}\n";

/// Serves connections until `stopping` turns true, then lets open requests end.
pub(crate) async fn serve(
    listener: TcpListener,
    socket: Option<Socket>,
    app: App,
    stopping: watch::Receiver<bool>,
) -> Result<(), Unserved> {
    let entrance = Entrance {
        rotation: app.rotation.clone(),
        doors: app.doors.clone(),
        clock: app.clock,
        router: router(app)?,
        stopping,
    };
    let stopping = entrance.stopping.clone();
    accept(listener, socket, entrance, stopping).await;
    Ok(())
}

/// Serves connections by a router that refuses, while another c2d leads.
pub(crate) async fn serve_standby(
    listener: TcpListener,
    rotation: Rotation,
    clock: Clock,
    router: Router,
    stopping: watch::Receiver<bool>,
) {
    let entrance = Entrance { rotation, doors: Doors::default(), clock, router, stopping: stopping.clone() };
    accept(listener, None, entrance, stopping).await;
}

async fn accept(
    listener: TcpListener,
    socket: Option<Socket>,
    entrance: Entrance,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = next(&listener, socket.as_ref()) => match accepted {
                Ok(accepted) => {
                    // Without a seat it is closed at once.
                    if let Some(seat) = entrance.doors.enter(accepted.peer().ip(), entrance.clock.now().mono) {
                        drop(connections.spawn(entrance.clone().serve_one(accepted, Arc::new(seat))));
                    }
                }
                Err(e) => {
                    tracing::warn!("cannot accept a connection: {e}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => if let Err(e) = ended {
                tracing::error!("a connection broke off: {e}");
            },
            () = stopped(&mut stopping) => break,
        }
    }
    drop((listener, socket, entrance));
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(GOODBYE, all).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
    }
}

/// The next connection, by whichever way it comes.
async fn next(listener: &TcpListener, socket: Option<&Socket>) -> std::io::Result<Accepted> {
    let near = async {
        match socket {
            Some(socket) => socket.accept().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        accepted = listener.accept() => accepted.map(|(stream, peer)| Accepted::Port(stream, peer)),
        accepted = near => accepted.map(Accepted::Socket),
    }
}

/// A connection that was accepted.
enum Accepted {
    Port(TcpStream, SocketAddr),
    /// By the socket in c2d's folder.
    Socket(UnixStream),
}

impl Accepted {
    fn peer(&self) -> SocketAddr {
        match self {
            Self::Port(_, peer) => *peer,
            Self::Socket(_) => Connection::near().peer_address(),
        }
    }
}

/// Resolves when c2d goes down, also when the one that would say so is gone.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stopping| *stopping).await);
}

/// What each connection needs.
#[derive(Clone)]
struct Entrance {
    rotation: Rotation,
    doors: Doors,
    clock: Clock,
    router: Router,
    stopping: watch::Receiver<bool>,
}

impl Entrance {
    /// Serves a connection until it ends, or must go for the sake of others.
    async fn serve_one(self, accepted: Accepted, seat: Arc<Seat>) {
        let (clock, peer) = (self.clock, accepted.peer());
        let settles = async {
            tokio::time::sleep(NEW).await;
            seat.settle(clock.now().mono);
            std::future::pending::<()>().await;
        };
        let result = tokio::select! {
            result = self.speak(accepted, Arc::clone(&seat)) => result,
            () = seat.must_go() => Err("it went for a newer one".to_owned()),
            () = settles => Ok(()),
        };
        if let Err(e) = result {
            // Mostly clients that went away in the middle of something.
            tracing::debug!("a connection from {peer} ended badly: {e}");
        }
    }

    async fn speak(self, accepted: Accepted, seat: Arc<Seat>) -> Result<(), String> {
        match accepted {
            Accepted::Port(stream, peer) => self.speak_at_port(stream, peer, seat).await,
            Accepted::Socket(stream) => {
                let stream = Timed::new(stream, WRITE_IDLE);
                self.converse(stream, Connection::near(), seat).await.map_err(|e| e.to_string())
            }
        }
    }

    async fn speak_at_port(mut self, stream: TcpStream, peer: SocketAddr, seat: Arc<Seat>) -> Result<(), String> {
        let begun = async {
            stream.set_nodelay(true)?;
            let ends = Connection::new(peer, stream.local_addr()?);
            let mut first = [0];
            let len = stream.peek(&mut first).await?;
            Ok::<_, std::io::Error>((ends, first[..len].first().copied()))
        };
        let begun = tokio::select! {
            begun = timeout(BEGINNING, begun) => begun,
            () = stopped(&mut self.stopping) => return Ok(()),
        };
        let timed = |stream| Timed::new(stream, WRITE_IDLE);
        match begun {
            Ok(Ok((ends, Some(TLS_HANDSHAKE)))) => match timeout(BEGINNING, self.prove(timed(stream))).await {
                Ok(Ok((stream, authority))) => {
                    let ends = ends.proved_by(authority);
                    self.converse(stream, ends, seat).await.map_err(|e| e.to_string())
                }
                Ok(Err(e)) => Err(e.to_string()),
                Err(_) => Err("no TLS handshake in time".to_owned()),
            },
            Ok(Ok((ends, Some(_)))) if ends.is_near() => {
                self.converse(timed(stream), ends, seat).await.map_err(|e| e.to_string())
            }
            Ok(Ok((_, Some(_)))) => {
                let what = format!("{} does not speak TLS, which the answer says", peer.ip());
                self.doors.log(peer.ip(), &what, self.clock.now().mono);
                tell_to_speak_tls(stream).await.map_err(|e| e.to_string())
            }
            Ok(Ok((_, None))) => Ok(()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("it never began to speak".to_owned()),
        }
    }

    /// Proves that this is c2d, by the authority that the other side knows.
    async fn prove<S>(&self, stream: S) -> std::io::Result<(TlsStream<S>, Fingerprint)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let (config, authority) = self.rotation.proof(&begun.client_hello());
        Ok((begun.into_stream(config).await?, authority))
    }

    async fn converse(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        ends: Connection,
        seat: Arc<Seat>,
    ) -> hyper::Result<()> {
        let (router, clock) = (self.router, self.clock);
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ends);
            request.extensions_mut().insert(Arc::clone(&seat));
            let waits_to_be_asked = request.headers().contains_key(EXPECT);
            let body = |body| Body::new(TimeoutBody::new(BODY_IDLE, Drained::new(body, waits_to_be_asked)));
            let request: Request = request.map(body);
            let answer = router.clone().oneshot(request);
            async move {
                let mut answer = answer.await?;
                // The one that hyper would write stands still while the clock is behind where it was once.
                answer.headers_mut().extend(date(clock.now().wall_ms).map(|date| (DATE, date)));
                Ok::<_, Infallible>(answer)
            }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(BEGINNING).max_buf_size(HEAD_BYTES_MAX).max_headers(64);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            result = &mut connection => result,
            () = stopped(&mut self.stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }
}

/// A time as a header has it.
fn date(wall_ms: u64) -> Option<HeaderValue> {
    let time = Timestamp::from_millisecond(i64::try_from(wall_ms).ok()?).ok()?;
    HeaderValue::try_from(DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()?).ok()
}

/// Tells it and takes what still comes, for a while and up to a bound, only to throw it away: a
/// connection that is closed over unread bytes is reset, and the answer may be lost with it.
async fn tell_to_speak_tls(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(TLS_ONLY).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(HEAD_BYTES_MAX as u64);
    // A client that continues longer than that does not listen.
    drop(timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_clock() {
        let table = [(0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT")];
        for (wall_ms, expected) in table {
            assert_eq!(date(wall_ms).unwrap(), expected);
        }
        assert_eq!(date(u64::MAX), None);
    }
}
