//! Who may do what: the tokens of this c2d, of which only hashes are kept in memory.
//!
//! The first start makes one token for operators and one for workers and leaves each in a file that
//! only the same user can read; programs of that user on the same machine find them there.

use std::path::Path;

use c2_shared::token::{Role, Token, TokenError};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Hashes of the tokens that are valid.
#[derive(Clone, Debug)]
pub struct Access {
    tokens: Vec<(Role, [u8; 32])>,
}

impl Access {
    /// Reads the token files of a folder, making those that are missing.
    ///
    /// # Errors
    /// When a file cannot be read or written, or can be read by others.
    pub fn open(dir: &Path) -> Result<Self, TokenError> {
        let mut tokens = Vec::new();
        for role in [Role::Operator, Role::Worker] {
            let path = dir.join(role.file_name());
            if !path.exists() {
                Token::generate(role)?.write_new(&path)?;
            }
            let token = Token::read(&path)?;
            if token.role() != role {
                return Err(TokenError::Malformed);
            }
            tokens.push((role, hash(token.expose())));
        }
        Ok(Self { tokens })
    }

    /// The role of whoever shows this text. Takes the same time for every text of a length.
    #[must_use]
    pub fn role_of(&self, text: &str) -> Option<Role> {
        let shown = hash(text);
        let matching = self.tokens.iter().map(|(role, known)| (*role, bool::from(known.ct_eq(&shown))));
        matching.fold(None, |found, (role, matches)| if matches { Some(role) } else { found })
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn tokens_are_made_once_and_tell_their_role() {
        let dir = tempfile::TempDir::new().unwrap();
        let first = Access::open(dir.path()).unwrap();
        let again = Access::open(dir.path()).unwrap();
        for role in [Role::Operator, Role::Worker] {
            let path = dir.path().join(role.file_name());
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let token = Token::read(&path).unwrap();
            assert_eq!((first.role_of(token.expose()), again.role_of(token.expose())), (Some(role), Some(role)));
        }
        assert_eq!(first.role_of("c2o1.AAAA"), None);
    }

    #[test]
    fn a_token_that_others_can_read_is_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        Access::open(dir.path()).unwrap();
        let path = dir.path().join(Role::Worker.file_name());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Access::open(dir.path()), Err(TokenError::Exposed { mode: 0o640, .. })));
    }
}
