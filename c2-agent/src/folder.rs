//! How folders are opened and locked, and which names in the workspace root are no job's.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

/// Front of the names of spare workspaces, each the spare of one process and locked by it.
pub(crate) const SPARE: &str = ".spare-";
/// Front of the names under which workspaces wait for their deletion.
pub(crate) const TRASH: &str = ".trash-";
/// How folders are opened.
pub(crate) const DIR_FLAGS: OFlags =
    OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// Opens a folder of another, which is no link.
pub(crate) fn open_dir(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    Ok(openat(parent, name, DIR_FLAGS, Mode::empty())?)
}

/// Locks a folder for as long as it is open; says whether nobody else has done so.
pub(crate) fn try_lock(dir: &OwnedFd) -> io::Result<bool> {
    match flock(dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(e.into()),
    }
}
