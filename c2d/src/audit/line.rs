//! What stands in a line, and in which file.

use std::net::IpAddr;

use axum::http::{Method, StatusCode};
use c2_shared::api::endpoint;
use serde::Serialize;

/// Characters of a path that are kept.
const PATH_CHARS: usize = 200;
/// What workers do all day.
const ROUTINE: [&str; 5] =
    ["/api/workers/get-work/", "/api/workers/live/", "/api/jobs/result/", "/api/jobs/check", "/api/schedules/check/"];
/// Files that are sent: of a job there may be a thousand.
const BLOBS: &str = "/api/blobs/";

/// Something that happened.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Line {
    /// In the form of RFC 3339.
    pub(crate) time: String,
    /// The role and the id of the token; none for somebody unknown.
    pub(crate) who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<IpAddr>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) method: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// What came into being, where the path does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<Made>,
    /// What happened, where it was no request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) what: Option<String>,
    /// How many of its kind this line stands for, if several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u64>,
}

/// What a request brought into being: its handler puts it beside the answer.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Made(pub(crate) String);

/// How a line is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something changed: a line of its own, for good.
    Change,
    /// Something changed, as often as somebody likes: one line an hour for each who does it.
    Repeated,
    /// Nothing changed: one line a minute for each who tries it, in a file of their own, so that what
    /// is refused never pushes out what was done.
    Refused,
}

impl Line {
    /// A request, with its path cut to a bound.
    pub(crate) fn request(method: &Method, path: &str, status: StatusCode) -> Self {
        Self {
            method: method.to_string(),
            path: path.chars().take(PATH_CHARS).collect(),
            status: Some(status.as_u16()),
            ..Self::default()
        }
    }
}

/// How a request is kept, if it is.
pub(crate) fn kind(method: &Method, path: &str, status: StatusCode) -> Option<Kind> {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let routine = ROUTINE.iter().any(|start| path.starts_with(start));
    let by_whom = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    if by_whom || (status.is_client_error() || status.is_server_error()) && changes && !routine {
        Some(Kind::Refused)
    } else if !changes || routine || path == endpoint::REGISTER.path {
        None
    } else if path.starts_with(BLOBS) {
        Some(Kind::Repeated)
    } else {
        Some(Kind::Change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_or_is_refused_is_kept() {
        let table = [
            ("POST", endpoint::SUBMIT.path, 201, Some(Kind::Change)),
            ("POST", endpoint::SUBMIT.path, 400, Some(Kind::Refused)),
            ("POST", endpoint::SUBMIT.path, 507, Some(Kind::Refused)),
            ("DELETE", "/api/workers/10.0.0.9", 200, Some(Kind::Change)),
            ("GET", endpoint::LIST_JOBS.path, 200, None),
            ("GET", endpoint::LIST_JOBS.path, 401, Some(Kind::Refused)),
            ("GET", "/", 429, Some(Kind::Refused)),
            ("GET", "/nothing", 404, None),
            ("POST", "/api/workers/get-work/10.0.0.9", 200, None),
            ("POST", "/api/workers/get-work/10.0.0.9", 403, Some(Kind::Refused)),
            ("POST", "/api/workers/get-work/10.0.0.9", 409, None),
            ("POST", endpoint::REGISTER.path, 200, None),
            ("POST", endpoint::REGISTER.path, 409, Some(Kind::Refused)),
            ("PUT", "/api/blobs/00", 200, Some(Kind::Repeated)),
            ("PUT", "/api/blobs/00", 507, Some(Kind::Refused)),
            ("POST", endpoint::JOIN.path, 201, Some(Kind::Change)),
        ];
        for (method, path, status, expected) in table {
            let (method, status) = (method.parse().unwrap(), StatusCode::from_u16(status).unwrap());
            assert_eq!(kind(&method, path, status), expected, "{method} {path} {status}");
        }
    }
}
