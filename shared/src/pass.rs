//! A pass: a token together with the c2d that it is for, in one line that people copy and programs
//! keep in a file.
//!
//! `TOKEN`, `TOKEN.FINGERPRINT` or `TOKEN.FINGERPRINT@HOST:PORT`. The fingerprint tells the right
//! c2d from a stranger at its address before the token is sent; without one the token is only ever
//! shown on this machine.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::fingerprint::Fingerprint;
use crate::secret_file;
use crate::server_address::ServerAddress;
use crate::token::{Token, TokenError};

/// A token and where it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The secret.
    pub token: Token,
    /// What the c2d is known by; none for one that is only spoken to on this machine.
    pub fingerprint: Option<Fingerprint>,
    /// Where the c2d is, if the pass says so.
    pub server: Option<ServerAddress>,
}

impl Pass {
    /// The line itself, secret and all.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut line = self.token.expose().to_owned();
        if let Some(fingerprint) = &self.fingerprint {
            line.push_str(&format!(".{fingerprint}"));
        }
        if let Some(server) = &self.server {
            line.push_str(&format!("@{server}"));
        }
        line
    }

    /// Reads a pass that a person pasted, maybe with the command for which it was printed: the last word counts.
    ///
    /// # Errors
    /// When that is no pass.
    pub fn pasted(text: &str) -> Result<Self, TokenError> {
        text.split_whitespace().next_back().unwrap_or_default().parse()
    }

    /// Reads a pass from a file that nobody else can read.
    ///
    /// # Errors
    /// When the file is missing, open to others, or holds no pass.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        secret_file::read(path)?.trim().parse()
    }

    /// Writes the pass to a file with mode 0600, in place of what was there; whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TokenError> {
        Ok(secret_file::write(path, &format!("{}\n", self.expose()))?)
    }
}

impl fmt::Display for Pass {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "a {} pass for {server}", self.token.role()),
            None => write!(f, "a {} pass", self.token.role()),
        }
    }
}

impl From<Token> for Pass {
    fn from(token: Token) -> Self {
        Self { token, fingerprint: None, server: None }
    }
}

impl FromStr for Pass {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (secrets, server) = match text.split_once('@') {
            Some((secrets, server)) => (secrets, Some(server.parse().map_err(|_| TokenError::Malformed)?)),
            None => (text, None),
        };
        let (token, fingerprint) = match secrets.match_indices('.').nth(1) {
            Some((dot, _)) => {
                let fingerprint = secrets[dot + 1..].parse().map_err(|_| TokenError::Malformed)?;
                (&secrets[..dot], Some(fingerprint))
            }
            None => (secrets, None),
        };
        Ok(Self { token: token.parse()?, fingerprint, server })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Role;

    fn passes() -> Vec<Pass> {
        let token = Token::generate(Role::Join).unwrap();
        let fingerprint = Some(Fingerprint::of(b"authority"));
        let server = Some("10.0.0.6:30814".parse().unwrap());
        let whole = Pass { token, fingerprint, server };
        vec![whole.clone().token.into(), Pass { server: None, ..whole.clone() }, whole]
    }

    #[test]
    fn passes_round_trip_and_never_show() {
        for pass in passes() {
            assert_eq!(pass.expose().parse::<Pass>().unwrap(), pass);
            let secret = &pass.token.expose()[5..];
            assert!(!format!("{pass:?} {pass}").contains(secret));
        }
        let line = passes()[2].expose();
        for pasted in [&line, &format!("  {line}\r\n"), &format!("c2-agent join {line}")] {
            assert_eq!(Pass::pasted(pasted).unwrap(), line.parse().unwrap(), "{pasted:?}");
        }
        assert!(Pass::pasted("").is_err() && Pass::pasted(&format!("{line} --find")).is_err());
        assert!(line.chars().all(|c| c.is_ascii_alphanumeric() || "._-@:".contains(c)), "one word for a shell: {line}");
        for bad in ["", "c2o1", "c2j1.AAAA.BBBB", &line.replace('@', "."), &format!("{line}:7"), &line[1..]] {
            assert!(bad.parse::<Pass>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passes_lie_in_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker.token");
        for pass in passes() {
            pass.write(&path).unwrap();
            assert_eq!(Pass::read(&path).unwrap(), pass);
        }
    }
}
