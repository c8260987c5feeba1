//! HTTP as a program without our client would speak it: one request on one connection.
//!
//! Written out by hand, so that a mistake in the typed client cannot hide one in c2d, and so that
//! a request can be as plain, or as wrong, as a test needs it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// Longest time for one exchange.
const LIMIT: Duration = Duration::from_secs(20);

/// A caller: where it calls, from which address, with which token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// c2d.
    pub server: SocketAddr,
    /// The address from which the connection comes.
    pub source: IpAddr,
    /// The text of the token, if it has one.
    pub token: Option<String>,
}

/// A request, as right or as wrong as a test needs it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The `Host`; c2d's address unless a test says otherwise.
    pub host: Option<&'a str>,
    /// The page from which it comes, if it is a browser's.
    pub origin: Option<&'a str>,
    /// What the answer is to be, if not what it is by itself.
    pub accept: Option<&'a str>,
    /// What the body is said to be.
    pub content_type: &'a str,
    /// The body, if there is one.
    pub body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// A request with no body.
    #[must_use]
    pub const fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, host: None, origin: None, accept: None, content_type: "application/json", body: None }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as JSON; null when it is none.
    pub json: Value,
    /// The body as it came.
    pub text: String,
}

impl Caller {
    /// Sends a request, with a JSON body or with none at all.
    ///
    /// # Errors
    /// When the exchange fails or takes too long.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let body = body.map(|body| body.to_string());
        self.send(&Request { body: body.as_ref().map(String::as_bytes), ..Request::new(method, path) }).await
    }

    /// Sends a request. Of a stream of events the first ones are enough.
    ///
    /// # Errors
    /// When the exchange fails or takes too long.
    pub async fn send(&self, request: &Request<'_>) -> Result<Answer> {
        let raw = tokio::time::timeout(LIMIT, self.exchange(&self.written(request))).await;
        let raw = raw.with_context(|| format!("{request:?} was not answered in time"))??;
        parse(&raw).with_context(|| format!("{request:?} was answered with {:?}", String::from_utf8_lossy(&raw)))
    }

    fn written(&self, request: &Request<'_>) -> Vec<u8> {
        let Request { method, path, .. } = request;
        let host = request.host.map_or_else(|| self.server.to_string(), str::to_owned);
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        if let Some(token) = &self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        if let Some(origin) = request.origin {
            head.push_str(&format!("Origin: {origin}\r\n"));
        }
        if let Some(accept) = request.accept {
            head.push_str(&format!("Accept: {accept}\r\n"));
        }
        match request.body {
            Some(body) => head.push_str(&format!(
                "Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
                request.content_type,
                body.len()
            )),
            None if matches!(*method, "POST" | "PUT") => head.push_str("Content-Length: 0\r\n\r\n"),
            None => head.push_str("\r\n"),
        }
        [head.as_bytes(), request.body.unwrap_or_default()].concat()
    }

    async fn exchange(&self, request: &[u8]) -> Result<Vec<u8>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.source, 0))?;
        let mut stream = socket.connect(self.server).await?;
        // A body that c2d does not want is refused before it has come whole.
        let sent = stream.write_all(request).await;
        let mut raw = Vec::new();
        while !is_enough(&raw) {
            match stream.read_buf(&mut raw).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) if sent.is_err() && !raw.is_empty() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(raw)
    }
}

/// Whether this is the beginning of a stream of events with at least one of them.
fn is_enough(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    let parts = text.split_once("\r\n\r\n");
    parts.is_some_and(|(head, body)| head.contains("text/event-stream") && body.contains("\n\n"))
}

fn parse(raw: &[u8]) -> Result<Answer> {
    let text = std::str::from_utf8(raw)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no end of the head")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let in_pieces = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let text = in_pieces.then(|| joined(body)).flatten().unwrap_or_else(|| body.to_owned());
    Ok(Answer { status, json: serde_json::from_str(&text).unwrap_or(Value::Null), text })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer = parse(b"HTTP/1.1 404 Not Found\r\ncontent-length: 14\r\n\r\n{\"code\":\"nix\"}").unwrap();
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json["code"], "nix");
        assert_eq!(parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().json, Value::Null);
        assert!(parse(b"garbage").is_err());
        let pieces =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\nA\r\n,2,3,4,5,6\r\n1\r\n]\r\n0\r\n\r\n";
        assert_eq!(parse(pieces).unwrap().text, "[1,2,3,4,5,6]");
        let cut = "2\r\n[1\r\nA\r\n,2";
        assert_eq!(joined(cut), None);
    }
}
