//! Tokens: the secrets that prove an operator, a viewer, a worker, or an invitation.
//!
//! A token is 32 random bytes with a prefix that tells its role and lets secret scanners see it.
//! It never appears in `Debug` output or a URL; c2d keeps only its hash. How it is written down
//! together with the c2d that it belongs to stands in [`crate::pass`].

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::secret_file::SecretFileError;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything but the worker's own calls.
    Operator,
    /// What an operator may look at.
    Viewer,
    /// A worker's own calls and nothing else.
    Worker,
    /// To be exchanged for a token of another role, and nothing else.
    Join,
}

/// A secret of one role: a prefix like `c2o1.` and 43 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    role: Role,
    text: String,
}

/// Why a token or its file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The text is no token.
    #[error("this is not a token of C2")]
    Malformed,
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Viewer, Self::Worker, Self::Join];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Operator => "c2o1.",
            Self::Viewer => "c2v1.",
            Self::Worker => "c2w1.",
            Self::Join => "c2j1.",
        }
    }

    /// Its word in texts, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Worker => "worker",
            Self::Join => "join",
        }
    }

    /// Name of a file that holds a token of this role.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{self}.token")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Token {
    /// Makes a new token from the system's random source.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate(role: Role) -> Result<Self, TokenError> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|_| TokenError::Random)?;
        Ok(Self::of(role, secret))
    }

    /// The token with this secret.
    pub(crate) fn of(role: Role, secret: [u8; 32]) -> Self {
        Self { role, text: format!("{}{}", role.prefix(), URL_SAFE_NO_PAD.encode(secret)) }
    }

    /// What it allows.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The secret text itself, for the one header or file that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, ..)", self.role)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        for role in Role::ALL {
            if let Some(secret) = text.strip_prefix(role.prefix()) {
                let bytes = URL_SAFE_NO_PAD.decode(secret).map_err(|_| TokenError::Malformed)?;
                if bytes.len() == 32 {
                    return Ok(Self { role, text: text.to_owned() });
                }
            }
        }
        Err(TokenError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_never_show() {
        let token = Token::generate(Role::Operator).unwrap();
        assert_eq!(token.expose().parse::<Token>().unwrap(), token);
        assert_eq!(format!("{token:?}"), "Token(Operator, ..)");
        assert_ne!(token, Token::generate(Role::Operator).unwrap());
        for bad in ["", "c2o1.", "c2x1.AAAA", "c2o1.AAAA", &token.expose()[1..]] {
            assert!(bad.parse::<Token>().is_err(), "{bad:?}");
        }
    }
}
