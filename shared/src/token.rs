//! Tokens: the secrets that prove an operator or a worker, and the files that keep them.
//!
//! A token is 32 random bytes with a prefix that tells its role and lets secret scanners see it.
//! It never appears in `Debug` output, an argument list or a URL; c2d keeps only its hash.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything but the worker's own calls.
    Operator,
    /// A worker's own calls and nothing else.
    Worker,
}

/// A secret of one role: `c2o1.` or `c2w1.` and 43 characters of base64url.
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
    /// The file cannot be read or written.
    #[error("cannot use the token file {path:?}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others can read the file, so its token may be known already.
    #[error("the token file {path:?} can be read by others (mode {mode:03o})")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random,
}

impl Role {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Operator => "c2o1.",
            Self::Worker => "c2w1.",
        }
    }

    /// Name of the file in c2d's folder that holds the first token of this role.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Operator => "operator.token",
            Self::Worker => "worker.token",
        }
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
        Ok(Self { role, text: format!("{}{}", role.prefix(), URL_SAFE_NO_PAD.encode(secret)) })
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

    /// Reads a token from a file that nobody else can read.
    ///
    /// # Errors
    /// When the file is missing, open to others, or holds no token.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let file = |source| TokenError::File { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(file)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed { path: path.to_owned(), mode });
        }
        std::fs::read_to_string(path).map_err(file)?.trim().parse()
    }

    /// Writes the token to a new file with mode 0600.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<(), TokenError> {
        let write = || {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            writeln!(file, "{}", self.text)?;
            file.sync_all()
        };
        write().map_err(|source| TokenError::File { path: path.to_owned(), source })
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
        for role in [Role::Operator, Role::Worker] {
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
