//! Files that hold secrets: readable by their owner alone, replaced whole or not at all.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::advice::Advice;
use crate::closed::Closed;

/// What a trial writes: more than any secret has.
const TRIAL_BYTES: usize = 1_024;

/// Why a file of secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read or written.
    #[error("cannot use {path:?}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read it, so its secret may be known already.
    #[error("{path:?} can be read by others (mode {mode:03o})")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Advice for SecretFileError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { path, source } if let Some(closed) = Closed::by(path, source) => return closed.hint(),
            Self::Io { .. } => "check that it exists and can be read, and that its disk has free space".to_owned(),
            Self::Exposed { path, .. } => format!("close it with: chmod 600 {}", path.display()),
        })
    }
}

impl SecretFileError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a file that nobody else can read.
///
/// # Errors
/// When it is missing or open to others.
pub fn read(path: &Path) -> Result<String, SecretFileError> {
    let io = |source| SecretFileError::Io { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(io)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretFileError::Exposed { path: path.to_owned(), mode });
    }
    std::fs::read_to_string(path).map_err(io)
}

/// Writes a file with mode 0600 in place of what was there.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, content: &str) -> Result<(), SecretFileError> {
    let written = write_beside(path, content.as_bytes()).and_then(|next| std::fs::rename(next, path));
    written.map_err(|source| SecretFileError::Io { path: path.to_owned(), source })
}

/// Checks that [`write()`] is likely to succeed, for what must not be lost once it is there.
///
/// # Errors
/// When it cannot be written.
pub fn check(path: &Path) -> Result<(), SecretFileError> {
    let tried = if path.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        write_beside(path, &[b' '; TRIAL_BYTES]).and_then(std::fs::remove_file)
    };
    tried.map_err(|source| SecretFileError::Io { path: path.to_owned(), source })
}

fn write_beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let next = path.with_extension("new");
    match std::fs::remove_file(&next) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_private_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        assert!(read(&path).unwrap_err().is_missing());
        for content in ["one", "another"] {
            write(&path, content).unwrap();
            assert_eq!(read(&path).unwrap(), content);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        check(&path).unwrap();
        assert_eq!(read(&path).unwrap(), "another", "a trial changes nothing");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        for unusable in [dir.path().to_owned(), dir.path().join("missing/secret")] {
            assert!(matches!(check(&unusable), Err(SecretFileError::Io { .. })), "{unusable:?}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path), Err(SecretFileError::Exposed { mode: 0o640, .. })));
    }
}
