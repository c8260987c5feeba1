//! Why a command gave no outcome: one message, perhaps a hint, and a kind for the exit status.

use c2_shared::advice::{Advice as _, with_causes};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::client::ClientError;
use c2_shared::closed::Closed;
use c2_shared::config::ConfigError;
use c2_shared::exit;
use c2_shared::validate::Invalid;

/// A command that could not be understood or was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CommandError {
    /// What is wrong: lower case, no full stop, the value quoted.
    pub(crate) message: String,
    /// Its parts, where there are several, in the order in which to look at them.
    pub(crate) details: Vec<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    pub(crate) kind: Kind,
    /// c2d's own word for it, where c2d refused.
    pub(crate) code: Option<ErrorCode>,
}

/// Kinds of failure, as far as the caller must tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The line is not one of the console's commands.
    Usage,
    /// c2d refused it, or it failed.
    Refused,
    /// There is no c2d to be reached.
    Unreachable,
    /// c2d does not accept the token, or there is none to be used.
    Unauthorized,
    Interrupted,
}

impl Kind {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Interrupted => "interrupted",
        }
    }
}

impl CommandError {
    /// An error without a hint.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { message: message.into(), details: Vec::new(), hint: None, kind, code: None }
    }

    /// A line that cannot be understood.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message).hint(hint)
    }

    /// Something that was refused or failed.
    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message).hint(hint)
    }

    /// A file or folder that this user may not read.
    pub(crate) fn closed(closed: &Closed) -> Self {
        Self::refused(closed.to_string(), closed.hint().unwrap_or_default())
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ErrorBody> for CommandError {
    fn from(ErrorBody { code, message, hint, .. }: ErrorBody) -> Self {
        Self { hint, code: Some(code), ..Self::new(Kind::Refused, message) }
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        let code = error.code();
        let kind = match error.status() {
            exit::UNREACHABLE => Kind::Unreachable,
            exit::UNAUTHORIZED => Kind::Unauthorized,
            _ => Kind::Refused,
        };
        Self { message: error.to_string(), details: Vec::new(), hint: error.hint(), kind, code }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self { hint: error.hint(), ..Self::new(Kind::Usage, with_causes(&error)) }
    }
}

impl From<Invalid> for CommandError {
    fn from(invalid: Invalid) -> Self {
        Self::refused(invalid.message, invalid.hint)
    }
}
