//! What this user may not look at: it may well be there, so it is said to be closed and never taken for absent.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::advice::Advice;
use crate::home;

/// Whether something has this name, be it a link that leads nowhere.
///
/// # Errors
/// When that cannot be found out.
pub fn is_there(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        // Below a file there is nothing either: some users of services have /dev/null for a home folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sees that this user may read a file or folder, if it is there.
///
/// # Errors
/// With what is closed.
pub fn look(path: &Path) -> Result<(), Closed> {
    File::open(path).err().and_then(|error| Closed::by(path, &error)).map_or(Ok(()), Err)
}

/// A file or folder that the user of this program may not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} may not be read by this user")]
pub struct Closed {
    /// What is closed: what was looked for, or the folder on the way there.
    path: PathBuf,
    /// Whose it is.
    owner: Option<u32>,
}

impl Closed {
    /// What an error says to be closed, on the way to a path; none if it says something else.
    #[must_use]
    pub fn by(path: &Path, error: &io::Error) -> Option<Self> {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return None;
        }
        // Nothing is told of what lies in a closed folder.
        let told = path.ancestors().find_map(|part| Some((part, fs::metadata(part).ok()?.uid())));
        Some(match told {
            Some((part, owner)) => Self { path: part.to_owned(), owner: Some(owner) },
            None => Self { path: path.to_owned(), owner: None },
        })
    }
}

impl Advice for Closed {
    fn hint(&self) -> Option<String> {
        let own = own_id();
        let program = std::env::args_os().next().map(PathBuf::from);
        let program = program.as_deref().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("COMMAND");
        Some(match self.owner {
            Some(owner) if Some(owner) == own => format!("it is closed to its owner too: see `ls -ld {:?}`", self.path),
            Some(0) => format!("run this as its owner: sudo {program} .."),
            Some(owner) => {
                let name = home::variables(owner).into_iter().find(|(name, _)| *name == "USER");
                let name = name.map_or_else(|| format!("'#{owner}'"), |(_, name)| name.to_string_lossy().into_owned());
                format!("run this as its owner: sudo -u {name} {program} ..")
            }
            None => "run this as its owner, or name another".to_owned(),
        })
    }
}

/// The user of this process.
fn own_id() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|process| process.uid())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_is_not_there_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "").unwrap();
        symlink("nowhere", &link).unwrap();
        let table = [(&file, true), (&link, true), (&dir.path().join("none"), false), (&file.join("below"), false)];
        for (path, expected) in table {
            assert_eq!(is_there(path).unwrap(), expected, "{path:?}");
        }
        assert!(is_there(Path::new("with\0zero")).is_err());
        look(&file).unwrap();
        look(&dir.path().join("none")).unwrap();
    }

    #[test]
    fn what_is_closed_is_named_with_its_owner() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let path = Path::new("/proc/1/none/below");
        let closed = Closed { path: "/proc/1".into(), owner: Some(fs::metadata("/proc/1").unwrap().uid()) };
        assert_eq!(Closed::by(path, &denied), Some(closed));
        assert_eq!(Closed::by(path, &io::ErrorKind::NotFound.into()), None);
        let hint = |owner| Closed { path: "/x".into(), owner: Some(owner) }.hint().unwrap();
        let own = own_id().unwrap();
        assert!(hint(own).contains("closed to its owner"));
        assert!(hint(4_243).starts_with("run this as its owner: sudo -u '#4243' "), "{}", hint(4_243));
    }
}
