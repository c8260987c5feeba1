//! A folder for what is not complete yet, beside its place. It goes at the end; that of a process that was killed
//! goes with the next one.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::UpkeepError;

pub(super) struct Parts {
    pub(super) dir: PathBuf,
    /// Held for as long as the folder is used.
    _lock: File,
}

impl Parts {
    /// Makes one whose name begins so, and ends with a number.
    pub(super) fn new(parent: &Path, begin: &OsStr) -> Result<Self, UpkeepError> {
        remove_abandoned(parent, begin);
        let mut name = begin.to_owned();
        name.push(std::process::id().to_string());
        let dir = parent.join(name);
        let make = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
            let lock = File::open(&dir)?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            // Another process may have taken it for abandoned before it was locked.
            fs::metadata(&dir).map(|_| lock)
        };
        let made = make().or_else(|_: io::Error| make());
        Ok(Self { _lock: made.map_err(UpkeepError::file(&dir))?, dir })
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.dir);
    }
}

/// The folder in which something is, also for a name alone.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what killed processes left: folders whose lock nobody holds.
fn remove_abandoned(parent: &Path, begin: &OsStr) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.as_bytes().strip_prefix(begin.as_bytes());
        let is_ours = number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit));
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if let Ok(folder) = File::open(entry.path())
            && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _gone = fs::remove_dir_all(entry.path());
        }
    }
}
