//! `audit.log`: who did what, one JSON line for each request that changes something or is refused
//! for who sent it. The lines are chained.
//!
//! What workers report while they work is not in it; jobs have a log of their own.

use std::net::IpAddr;
use std::path::Path;

use axum::http::{Method, StatusCode};
use c2_shared::api::endpoint;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::hash_chain::HashChain;

/// The log within the data folder.
pub(crate) const FILE: &str = "audit.log";
/// A full log is kept as `audit.log.1`, in place of the one before.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Lines that may wait for the disk.
const LINES_LEN: usize = 256;
/// What workers do all day, and questions that change nothing.
const ROUTINE: [&str; 5] =
    ["/api/workers/get-work/", "/api/workers/live/", "/api/jobs/result/", "/api/blobs/", "/api/jobs/check"];

/// Writes the log; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    lines: mpsc::Sender<Line>,
}

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// In the form of RFC 3339.
    pub(crate) time: String,
    /// The role and the id of the token; none for somebody unknown.
    pub(crate) who: Option<String>,
    pub(crate) from: IpAddr,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    /// What came into being, where the path does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<Made>,
}

/// What a request brought into being: its handler puts it beside the answer.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Made(pub(crate) String);

impl Audit {
    /// Opens the log and starts the thread that writes it.
    pub(crate) fn open(dir: &Path) -> std::io::Result<Self> {
        let path = dir.join(FILE);
        let mut log = HashChain::open(&path, BYTES_MAX)?;
        let (lines, mut waiting) = mpsc::channel::<Line>(LINES_LEN);
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || {
            while let Some(line) = waiting.blocking_recv() {
                if let Err(error) = log.write(&line) {
                    tracing::error!("cannot write {path:?}: {error}; it is lost: {line:?}");
                }
            }
        })?;
        Ok(Self { lines })
    }

    /// Notes a request, if it is one for the log.
    pub(crate) async fn note(&self, line: Line) {
        // Only at the very end nobody takes it any more.
        drop(self.lines.send(line).await);
    }
}

/// Whether a request is one for the log.
pub(crate) fn counts(method: &Method, path: &str, status: StatusCode) -> bool {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let routine = ROUTINE.iter().any(|start| path.starts_with(start));
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    refused || (changes && !routine && !(path == endpoint::REGISTER.path && status.is_success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_or_is_refused_counts() {
        let table = [
            ("POST", endpoint::SUBMIT.path, 201, true),
            ("POST", endpoint::SUBMIT.path, 400, true),
            ("DELETE", "/api/workers/10.0.0.9", 200, true),
            ("GET", endpoint::LIST_JOBS.path, 200, false),
            ("GET", endpoint::LIST_JOBS.path, 401, true),
            ("POST", "/api/workers/get-work/10.0.0.9", 200, false),
            ("POST", "/api/workers/get-work/10.0.0.9", 403, true),
            ("POST", endpoint::REGISTER.path, 200, false),
            ("POST", endpoint::REGISTER.path, 409, true),
            ("POST", endpoint::JOIN.path, 201, true),
        ];
        for (method, path, status, expected) in table {
            let (method, status) = (method.parse().unwrap(), StatusCode::from_u16(status).unwrap());
            assert_eq!(counts(&method, path, status), expected, "{method} {path} {status}");
        }
    }

    #[test]
    fn lines_cannot_be_forged() {
        let line = Line {
            time: "1970-01-01T00:00:00Z".into(),
            who: None,
            from: IpAddr::from([10, 0, 0, 9]),
            method: "POST".into(),
            path: "/x\n{\"who\":\"operator\"}\u{1b}[2J".into(),
            status: 401,
            made: None,
        };
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join(FILE);
        HashChain::open(&path, BYTES_MAX).unwrap().write(&line).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains('\u{1b}'));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((read["from"].as_str(), read["status"].as_u64()), (Some("10.0.0.9"), Some(401)));
    }
}
