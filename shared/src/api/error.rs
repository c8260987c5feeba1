//! The one shape of every refusal: `{"code", "message", "hint", "field"}`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::REFUSAL_BYTES_MAX;
use crate::plain::bounded;

/// What c2d answers with any status of 400 and above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorBody {
    /// The kind, stable for programs.
    pub code: ErrorCode,
    /// What is wrong, for people: lower case, no full stop, the value quoted.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The field of the request that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the request cannot be understood or breaks a rule.
    InvalidInput,
    /// 401: no token, or one that is not known.
    Unauthorized,
    /// 403: the token's role does not allow this, or the request came from a web page.
    Forbidden,
    /// 404: never existed.
    NotFound,
    /// 405: the path exists, with other methods.
    MethodNotAllowed,
    /// 409: contradicts the present state.
    Conflict,
    /// 409: the word means several workers.
    Ambiguous,
    /// 409: another machine uses the same worker's identity, and is at work.
    Clone,
    /// 409: the attempt was replaced by a newer one.
    Fenced,
    /// 410: existed and was removed by retention.
    Gone,
    /// 413: the body is too large.
    TooLarge,
    /// 415: the body is no JSON.
    UnsupportedMediaType,
    /// 421: the `Host` header is none of this c2d's names.
    Misdirected,
    /// 429: the queue is full.
    QueueFull,
    /// 429: too many requests without a known token came from this address.
    RateLimited,
    /// 500: a defect of c2d.
    Internal,
    /// 503: the disk of c2d failed; whether the request was recorded shows when c2d is back.
    StoreFailed,
    /// 503: too busy, or shutting down; try again.
    Busy,
    /// 503: another run or machine with this worker's identity may still be at work; try again.
    Wait,
    /// 503: this c2d stands by, or leads no longer; another one answers.
    Standby,
    /// 507: the disk is full.
    DiskFull,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidInput => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::Ambiguous | Self::Clone | Self::Fenced => 409,
            Self::Gone => 410,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Misdirected => 421,
            Self::QueueFull | Self::RateLimited => 429,
            Self::Internal | Self::Unknown => 500,
            Self::StoreFailed | Self::Busy | Self::Wait | Self::Standby => 503,
            Self::DiskFull => 507,
        }
    }
}

impl ErrorBody {
    /// A refusal with a hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let told = |text| bounded(text, REFUSAL_BYTES_MAX);
        Self { code, message: told(message.into()), hint: Some(told(hint.into())), field: None }
    }

    /// The same, naming the field of the request that is meant.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(bounded(field.into(), REFUSAL_BYTES_MAX));
        self
    }
}

impl From<crate::validate::Invalid> for ErrorBody {
    fn from(invalid: crate::validate::Invalid) -> Self {
        Self::new(ErrorCode::InvalidInput, invalid.message, invalid.hint).in_field(invalid.field)
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ErrorBody {}
