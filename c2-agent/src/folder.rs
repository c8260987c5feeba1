//! How folders are opened and locked, and which names in the workspace root are no job's.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, chmodat, fchmod, flock, fstat, openat};
use rustix::io::Errno;

/// Front of the names of spare workspaces, each the spare of one process and locked by it.
pub(crate) const SPARE: &str = ".spare-";
/// Front of the names under which workspaces wait for their deletion.
pub(crate) const TRASH: &str = ".trash-";
/// Front of the names of the folders through which attempts elsewhere are followed.
pub(crate) const VIA: &str = ".via-";
/// How folders are opened.
pub(crate) const DIR_FLAGS: OFlags =
    OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// Looks for a lock to be free before it counts as taken.
const LOCK_TRIES: u32 = 10;
/// Between two of them.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Opens a folder of another, which is no link.
pub(crate) fn open_dir(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    Ok(openat(parent, name, DIR_FLAGS, Mode::empty())?)
}

/// Opens a folder of a job, also one that the job closed to itself: it lies in a folder of ours, so nobody
/// else has put it there.
pub(crate) fn open_own_dir(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let dir = match open_dir(parent, name) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            chmodat(parent, name, Mode::RWXU, AtFlags::empty())?;
            open_dir(parent, name)?
        }
        other => other?,
    };
    let_in(dir.as_fd())?;
    Ok(dir)
}

/// Makes sure that an open folder can be read and emptied.
pub(crate) fn let_in(dir: BorrowedFd<'_>) -> io::Result<()> {
    if !Mode::from_raw_mode(fstat(dir)?.st_mode).contains(Mode::RWXU) {
        fchmod(dir, Mode::RWXU)?;
    }
    Ok(())
}

/// Locks a file or folder for as long as it is open; says whether nobody else has done so.
pub(crate) fn try_lock(file: impl AsFd) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// The same, and waits a moment if somebody has: an agent that just ended may still be on its way out.
pub(crate) fn lock_soon(file: impl AsFd) -> io::Result<bool> {
    for _ in 0..LOCK_TRIES {
        if try_lock(&file)? {
            return Ok(true);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    Ok(false)
}
