//! The ways in which a call to c2d fails.

use std::error::Error as _;
use std::io;

use crate::advice::Advice;
use crate::api::error::{ErrorBody, ErrorCode};
use crate::client::tls;
use crate::exit;
use crate::install;

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
    /// It is on another machine, and nothing is known by which to tell it from a stranger. Nothing
    /// was sent.
    #[error("nothing is known of the c2d at {server}, so no secret is sent there")]
    Untrusted {
        /// Where c2d was to be.
        server: String,
    },
    /// Somebody else answers in place of the c2d that is meant. No secret was sent.
    #[error("{server} is not the c2d that this token belongs to")]
    Stranger {
        /// Where c2d was looked for.
        server: String,
        /// What TLS said.
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
    /// What stands in the place of a name names nothing. Nothing was sent.
    #[error("{text:?} names nothing")]
    Nameless {
        /// What stands there.
        text: String,
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

impl Advice for ClientError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { source, .. } if is_no_own_address(source) => Some(
                "the address to speak from, --address or \"address\" in config.json, is not one of this machine: see \
                 `ip address`"
                    .to_owned(),
            ),
            Self::Unreachable { server, .. } if is_here(server) => Some(in_service().unwrap_or_else(|| {
                "start it with `c2d`, or everything on this machine with `c2-tui --local --keep`; for a c2d elsewhere, \
                 `c2d invite` there prints the line for `c2-agent join`, and with `--role operator` that for \
                 `c2-tui login`"
                    .to_owned()
            })),
            Self::Unreachable { .. } => {
                Some("check whether c2d runs there, and whether a firewall lets this machine through".to_owned())
            }
            Self::Untrusted { .. } => {
                Some("`c2d invite` on its machine prints a line for `c2-agent join` or `c2-tui login` here".to_owned())
            }
            Self::Stranger { .. } => Some(
                "if c2d got a new data folder, ask it for a new line with `c2d invite`; if not, another machine has \
                 its address"
                    .to_owned(),
            ),
            Self::Nameless { .. } => Some("give a name, an address or an id; is a variable empty?".to_owned()),
            Self::Timeout { .. } => Some("it may be busy; try again, and look at its log".to_owned()),
            Self::Refused { body, .. } => body.hint.clone(),
            Self::Protocol { .. } => Some("another program may use this port, or the versions differ".to_owned()),
        }
    }

    fn status(&self) -> u8 {
        match (self, self.code()) {
            (Self::Unreachable { .. } | Self::Timeout { .. }, _) => exit::UNREACHABLE,
            (Self::Untrusted { .. } | Self::Stranger { .. }, _) => exit::UNAUTHORIZED,
            (_, Some(ErrorCode::Unauthorized | ErrorCode::Forbidden)) => exit::UNAUTHORIZED,
            (Self::Refused { .. } | Self::Nameless { .. } | Self::Protocol { .. }, _) => exit::FAILED,
        }
    }
}

/// Whether the connection could not be made because this machine does not have the address to make it from.
fn is_no_own_address(error: &reqwest::Error) -> bool {
    let is_it = |error: &io::Error| error.kind() == io::ErrorKind::AddrNotAvailable;
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(is_it) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether an address is one of this machine's own.
fn is_here(server: &str) -> bool {
    ["127.", "localhost", "[::1]"].iter().any(|own| server.starts_with(own))
}

/// What to do where c2d is a service, which listens elsewhere or not at all.
fn in_service() -> Option<String> {
    let call = install::service_here()?;
    Some(format!(
        "c2d is a service of this machine, see `systemctl status c2d`; `{call} invite --role operator` prints the line for \
         `c2-tui login`, and without --role that for `c2-agent join`"
    ))
}

impl ClientError {
    pub(super) fn transport(server: &str, source: reqwest::Error) -> Self {
        let server = server.to_owned();
        if tls::is_stranger(&source) {
            return Self::Stranger { server, source };
        }
        // A connection that could not be made in time is unreachable rather than slow.
        if source.is_timeout() && !source.is_connect() {
            Self::Timeout { server, source }
        } else {
            Self::Unreachable { server, source }
        }
    }

    /// Whether a pass was refused, or c2d is not the one that it names.
    pub(super) fn is_about_pass(&self) -> bool {
        matches!(self, Self::Stranger { .. }) || self.code() == Some(ErrorCode::Unauthorized)
    }

    /// Whether nothing was done with a request, so that another address may get it.
    pub(super) fn was_not_taken(&self, is_get: bool) -> bool {
        match self {
            Self::Stranger { .. } => true,
            Self::Unreachable { source, .. } => is_get || source.is_connect(),
            Self::Timeout { .. } => is_get,
            _ => matches!(self.code(), Some(ErrorCode::Standby | ErrorCode::Unauthorized)),
        }
    }

    /// The kind of refusal, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { body, .. } => Some(body.code),
            Self::Nameless { .. } => Some(ErrorCode::InvalidInput),
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Stranger { .. }
            | Self::Timeout { .. }
            | Self::Protocol { .. } => None,
        }
    }
}
