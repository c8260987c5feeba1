//! The ways in which a call to c2d fails.

use crate::api::error::{ErrorBody, ErrorCode};

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or it broke. Whether c2d acted on the request is unknown.
    #[error("cannot reach c2d at {server}")]
    Unreachable {
        /// Where c2d was looked for.
        server: String,
        /// What the network said.
        source: reqwest::Error,
    },
    /// c2d took too long to answer.
    #[error("c2d at {server} did not answer in time")]
    Timeout {
        /// Where c2d was looked for.
        server: String,
        /// What the network said.
        source: reqwest::Error,
    },
    /// c2d refused the request; nothing was changed.
    #[error("{body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// c2d's words.
        body: Box<ErrorBody>,
    },
    /// Whatever answered does not speak as c2d does.
    #[error("{server} answered, but not as c2d does")]
    Protocol {
        /// Where c2d was looked for.
        server: String,
        /// What could not be read.
        source: serde_json::Error,
    },
}

impl ClientError {
    pub(super) fn transport(server: &str, source: reqwest::Error) -> Self {
        let server = server.to_owned();
        // A connection that could not be made in time is unreachable rather than slow.
        if source.is_timeout() && !source.is_connect() {
            Self::Timeout { server, source }
        } else {
            Self::Unreachable { server, source }
        }
    }

    /// The kind of refusal, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { body, .. } => Some(body.code),
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Protocol { .. } => None,
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => {
                Some("start it with `c2d`, or everything on this machine with `c2-tui --local`".to_owned())
            }
            Self::Timeout { .. } => Some("it may be busy; try again, and look at its log".to_owned()),
            Self::Refused { body, .. } => body.hint.clone(),
            Self::Protocol { .. } => Some("another program may use this port, or the versions differ".to_owned()),
        }
    }
}
