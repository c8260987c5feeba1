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

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Caller {
    /// Sends a request, with a JSON body or with none at all.
    ///
    /// # Errors
    /// When the exchange fails or takes too long.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.server);
        if let Some(token) = &self.token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        match body {
            Some(body) => {
                let body = body.to_string();
                let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
                request.push_str(&head);
                request.push_str(&body);
            }
            None if method == "POST" => request.push_str("Content-Length: 0\r\n\r\n"),
            None => request.push_str("\r\n"),
        }
        let raw =
            tokio::time::timeout(LIMIT, self.exchange(request.as_bytes())).await.context("no answer in time")??;
        parse(&raw).with_context(|| format!("{method} {path} answered {:?}", String::from_utf8_lossy(&raw)))
    }

    async fn exchange(&self, request: &[u8]) -> Result<Vec<u8>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.source, 0))?;
        let mut stream = socket.connect(self.server).await?;
        stream.write_all(request).await?;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await?;
        Ok(raw)
    }
}

fn parse(raw: &[u8]) -> Result<Answer> {
    let text = std::str::from_utf8(raw)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no end of the head")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok(Answer { status, json: serde_json::from_str(body).unwrap_or(Value::Null) })
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
    }
}
