//! c2d's folder: private, used by one c2d at a time, with some space in reserve.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use c2_shared::limits::{BALLAST_BYTES, FREE_BYTES_FLOOR};
use c2_shared::token::Role;
use rustix::fs::{FallocateFlags, FlockOperation};

use crate::store::{StoreError, Target};

/// How often a lock that somebody has is tried again, and after which pause.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The database in a folder, and within a copy of it.
pub const DATABASE: &str = "c2.db";
/// What it is called after it was moved.
pub(super) const MOVED: &str = "c2.db.moved";
/// What it is called until it is complete.
pub(super) const NEW: &str = "c2.db.new";
/// What is only in a folder that had a queue, or was about to get one: the first start makes the database before
/// all of these.
const TRACES: [&str; 5] = [NEW, MOVED, "authority.pem", "jobs.log", "audit.log"];
/// Says which database on a server a folder is about.
pub(super) const STORE: &str = "lock.store";

/// What a new folder may have: its configuration, and what a disk of its own has.
const FOR_C2D: [&str; 2] = ["config.json", "lost+found"];

/// A folder that this process has locked for as long as the value lives.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes it, or takes it over; nobody else may use it then.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(StoreError::file(dir))?;
        let meta = std::fs::metadata(dir).map_err(StoreError::file(dir))?;
        let (mode, owner, dir_of) = (meta.mode() & 0o777, meta.uid(), dir.to_owned());
        if owner != rustix::process::geteuid().as_raw() {
            return Err(StoreError::OfAnother { dir: dir_of, owner });
        }
        if mode & 0o077 != 0 {
            // Somebody made it for c2d; where secrets lie in it already, they may have been read.
            if dir.join(Role::Operator.file_name()).exists() {
                return Err(StoreError::Exposed { dir: dir_of, mode });
            }
            if !is_for_c2d(dir).map_err(StoreError::file(dir))? {
                return Err(StoreError::InUse { dir: dir_of });
            }
            std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(StoreError::file(dir))?;
        }
        let folder = Self { dir: dir.to_owned(), _lock: lock(dir)? };
        let _in_time = folder.take_ballast();
        Ok(folder)
    }

    /// Has the folder be about a database on a server.
    pub(super) fn mark(&self, target: &Target) -> Result<(), StoreError> {
        let (marker, new) = (self.dir.join(STORE), self.dir.join(format!("{STORE}.new")));
        let write = || -> io::Result<()> {
            let mut file = private().truncate(true).open(&new)?;
            io::Write::write_all(&mut file, format!("{target}\n").as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &marker)
        };
        write().map_err(StoreError::file(&marker))?;
        self.sync()
    }

    /// Has it be about itself again.
    pub(super) fn unmark(&self) -> Result<(), StoreError> {
        let marker = self.dir.join(STORE);
        match std::fs::remove_file(&marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::file(&marker)(error)),
            _ => self.sync(),
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes names of new files durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        sync_dir(&self.dir)
    }

    /// Sets space aside for the time when the disk is full; without it c2d works all the same.
    /// Answers whether it is there.
    pub(super) fn take_ballast(&self) -> bool {
        if free_bytes(&self.dir) < FREE_BYTES_FLOOR + BALLAST_BYTES {
            return false;
        }
        let take = || -> io::Result<()> {
            let file = private().open(self.ballast())?;
            if file.metadata()?.len() < BALLAST_BYTES {
                rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, BALLAST_BYTES)?;
            }
            Ok(())
        };
        take().inspect_err(|e| tracing::debug!("no ballast file: {e}")).is_ok()
    }

    /// Gives the space back; whether there was any.
    pub(super) fn drop_ballast(&self) -> bool {
        std::fs::remove_file(self.ballast()).is_ok()
    }

    fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }
}

/// Sees that a folder is about this store and no other, or new: a start with the wrong one, or without the one that
/// it had, would begin a second queue whose jobs have the numbers of the first. Changes nothing.
pub(super) fn belongs_to(dir: &Path, target: Option<&Target>) -> Result<(), StoreError> {
    let dir_of = || dir.to_owned();
    let Some(target) = target else {
        look_elsewhere(dir)?;
        let traces = if has_queue(dir) { Vec::new() } else { traces(dir) };
        return if traces.is_empty() { Ok(()) } else { Err(StoreError::NoQueue { dir: dir_of(), traces }) };
    };
    if has_queue(dir) {
        return Err(StoreError::OwnQueue { dir: dir_of() });
    }
    match store_of(dir) {
        Some(store) if store != target.to_string() => Err(StoreError::OtherStore { dir: dir_of(), store }),
        _ => Ok(()),
    }
}

/// Whether a folder has a database of its own. SQLite takes an empty file for a new one, and so a start that was
/// interrupted may leave it.
pub(super) fn has_queue(dir: &Path) -> bool {
    holds_something(&dir.join(DATABASE))
}

fn traces(dir: &Path) -> Vec<&'static str> {
    TRACES.into_iter().filter(|name| holds_something(&dir.join(name))).collect()
}

fn holds_something(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > 0)
}

/// Refuses a folder whose queue is in a database on a server.
pub fn look_elsewhere(dir: &Path) -> Result<(), StoreError> {
    match store_of(dir) {
        Some(store) => Err(StoreError::Elsewhere { dir: dir.to_owned(), store }),
        None => Ok(()),
    }
}

/// The database on a server that a folder is about.
pub(super) fn store_of(dir: &Path) -> Option<String> {
    std::fs::read_to_string(dir.join(STORE)).ok().map(|store| store.trim().to_owned())
}

/// Whether nothing is in a folder but what people put there for c2d before its first start.
fn is_for_c2d(dir: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(dir)? {
        if !FOR_C2D.iter().any(|name| entry.as_ref().is_ok_and(|entry| entry.file_name() == *name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Locks a folder until the file is dropped.
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let lock = private().open(&path).map_err(StoreError::file(&path))?;
    lock_file(&lock, dir)?;
    Ok(lock)
}

/// Locks a file until it is closed. `what` is what another c2d uses if it has the lock.
pub(super) fn lock_file(file: &File, what: &Path) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            // A process that is being started has all that its parent had open until it begins its own program, so a
            // lock may outlive who had it for a moment.
            Err(rustix::io::Errno::WOULDBLOCK) if tries < LOCK_TRIES => tries += 1,
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StoreError::Locked { dir: what.to_owned(), holder: holder(file) });
            }
            Err(e) => return Err(StoreError::File { path: what.to_owned(), source: e.into() }),
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}

/// The process that has the lock of a file, as far as the kernel shows it here.
fn holder(file: &File) -> Option<u32> {
    let place = format!(":{}", file.metadata().ok()?.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        // One in another container has no number here.
        [_, "FLOCK", _, _, pid, inode, ..] if inode.ends_with(&place) => pid.parse().ok().filter(|pid| *pid != 0),
        _ => None,
    })
}

/// Bytes that the disk under a path has left.
pub fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Opens files that nobody else can read, making them if they are missing.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Whether a file that is open was removed or replaced under its name.
pub(crate) fn is_moved(path: &Path, open: &File) -> bool {
    std::fs::metadata(path).map_or_else(|e| e.kind() == io::ErrorKind::NotFound, |named| !same_file(&named, open))
}

/// Whether a name means the file that is open.
pub(super) fn same_file(named: &Metadata, open: &File) -> bool {
    open.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Makes a folder, and one that was removed again, which others must not read.
pub(super) fn make(dir: &Path) -> io::Result<()> {
    if !dir.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    Ok(())
}

pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(StoreError::file(dir))
}
