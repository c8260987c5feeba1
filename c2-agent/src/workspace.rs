//! The folders in which jobs run: `<root>/<job id>/`, with their uploaded files.
//!
//! The root has a name that others can guess, so it is checked before it is used, and everything
//! below it is reached through descriptors without following links. Deleting is
//! [`crate::trash`]'s, finding what a job left [`crate::collect`]'s.
//!
//! Making a folder and removing it costs a file system more than starting a shell does. So one in
//! which a job left nothing, and which is as it was made, gets the name of a spare and then that of
//! the next job.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use c2_shared::advice::Advice;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Upload;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, Stat, fchmod, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::fs::{RenameFlags, flistxattr, renameat_with, statat};
use rustix::io::Errno;
use rustix::process::{geteuid, getpid};

use crate::cache::Cache;
use crate::folder::{DIR_FLAGS, SPARE, TRASH, lock_soon, open_dir, open_own_dir, try_lock};
use crate::supervise::proc;

/// Folders that grew by many files stay large, so larger ones than this are not used again.
const SPARE_BYTES_MAX: i64 = 4_096;
/// Tries to make a workspace; more than one is only needed while the same name is cleaned up.
const TRIES: u32 = 5;
/// A name of which nothing is left when the job begins.
const STDIN: &str = "stdin";
const PRIVATE_DIR: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The folder of all workspaces, opened and found safe.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    dir: OwnedFd,
    /// An empty workspace for the next job, open and locked. Its name may be gone at any time, as
    /// cleaners of `/tmp` do.
    spare: Option<OwnedFd>,
}

/// A workspace that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// The workspace, locked for as long as this is open, so that nobody cleans it away.
    pub(crate) lock: OwnedFd,
    /// Where the workspace of an earlier attempt went, to be deleted when there is time.
    pub(crate) trash: Option<PathBuf>,
}

/// Why the workspace root cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootError {
    #[error("cannot use the workspace root {path:?}")]
    Open { path: PathBuf, source: io::Error },
    #[error("the workspace root {0:?} is not a folder of its own but a link or a file")]
    NoFolder(PathBuf),
    #[error("the workspace root {path:?} belongs to user {owner}, not to the user of this agent")]
    Foreign { path: PathBuf, owner: u32 },
    #[error("the workspace root {path:?} is open to others (mode {mode:03o})")]
    Exposed { path: PathBuf, mode: u32 },
    #[error("another agent{by} has its workspaces in {path:?}")]
    InUse { path: PathBuf, by: String },
}

impl Advice for RootError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Open { .. } => "choose another folder with --workspace-root".to_owned(),
            Self::InUse { path, .. } => {
                let own = format!("{}-second", path.display());
                format!("stop it first, or give this one folders of its own, like --workspace-root {own}")
            }
            // Any other folder may be there for something else.
            Self::NoFolder(path) | Self::Foreign { path, .. } if is_usual(path) => {
                format!("see who made it, then remove {} or choose another with --workspace-root", path.display())
            }
            Self::Exposed { path, .. } if is_usual(path) || has_nothing(path) => {
                format!("if it is yours, close it with: chmod 700 {}", path.display())
            }
            Self::NoFolder(path) | Self::Foreign { path, .. } | Self::Exposed { path, .. } => {
                let own = path.parent().unwrap_or(path).join("C2");
                format!("give it a folder that does not exist yet, like --workspace-root {}", own.display())
            }
        })
    }
}

fn has_nothing(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether a folder is one that agents make by themselves: `/tmp/C2`, or `/tmp/C2-UID`.
fn is_usual(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == "C2" || name.strip_prefix("C2-").is_some_and(|uid| uid.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Root {
    /// Opens the root, making it when it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, RootError> {
        let failed = |errno: Errno| RootError::Open { path: path.to_owned(), source: errno.into() };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| RootError::Open { path: path.to_owned(), source })?;
        }
        match mkdirat(CWD, path, PRIVATE_DIR) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let dir = match openat(CWD, path, DIR_FLAGS, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(RootError::NoFolder(path.to_owned())),
            Err(errno) => return Err(failed(errno)),
        };
        let stat = fstat(&dir).map_err(failed)?;
        if stat.st_uid != geteuid().as_raw() {
            return Err(RootError::Foreign { path: path.to_owned(), owner: stat.st_uid });
        }
        let mode = Mode::from_raw_mode(stat.st_mode);
        if mode.intersects(Mode::RWXG | Mode::RWXO) {
            return Err(RootError::Exposed { path: path.to_owned(), mode: mode.bits() });
        }
        Ok(Self { path: path.to_owned(), dir, spare: None })
    }

    /// Takes the folder for this agent, for as long as it stays open: what another cleans up there may be needed
    /// by this one. Where folders cannot be locked it is taken as it is.
    pub(crate) fn taken(self) -> Result<Self, RootError> {
        // Cleaners of /tmp lock what they look through, for a moment too.
        if lock_soon(&self.dir).unwrap_or(true) {
            return Ok(self);
        }
        let by = fstat(&self.dir).ok().and_then(|stat| proc::locking(stat.st_ino));
        let by = by.map(|pid| format!(", process {},", pid.as_raw_nonzero())).unwrap_or_default();
        Err(RootError::InUse { path: self.path.clone(), by })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a job's workspace is, for its environment.
    pub(crate) fn path_of(&self, job: JobId) -> PathBuf {
        self.path.join(job.to_string())
    }

    /// The same place by way of the root's descriptor, for a child that changes into it before its
    /// descriptors are closed: nobody can put another folder into the way.
    pub(crate) fn path_by_descriptor(&self, job: JobId) -> PathBuf {
        format!("/proc/self/fd/{}/{job}", self.dir.as_raw_fd()).into()
    }

    /// The folder itself.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Makes and locks the workspace of an attempt. One that an earlier attempt of the same job
    /// left is moved aside.
    pub(crate) fn make(&mut self, attempt: AttemptId) -> io::Result<Made> {
        let name = attempt.job.to_string();
        if let Some(lock) = self.take_spare(&name) {
            return Ok(Made { lock, trash: None });
        }
        let mut trash = None;
        for _ in 0..TRIES {
            trash = self.make_dir(attempt, &name)?.or(trash);
            match self.lock(attempt.job) {
                Ok(Some(lock)) => return Ok(Made { lock, trash }),
                // A cleaning got it first, as it saw no lock yet.
                Ok(None) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::other(format!("{name} is cleaned up again and again")))
    }

    /// Opens and locks a workspace, also one that its job closed to itself; nothing when somebody else has
    /// it, or took it away meanwhile.
    pub(crate) fn lock(&self, job: JobId) -> io::Result<Option<OwnedFd>> {
        let name = job.to_string();
        let dir = open_own_dir(self.dir(), &name)?;
        Ok((try_lock(&dir)? && self.is_named(&dir, &name)?).then_some(dir))
    }

    fn is_named(&self, dir: &OwnedFd, name: &str) -> io::Result<bool> {
        let (open, named) = (fstat(dir)?, statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW)?);
        Ok((open.st_dev, open.st_ino) == (named.st_dev, named.st_ino))
    }

    /// Gives the spare workspace a job's name, unless that is taken.
    fn take_spare(&mut self, name: &str) -> Option<OwnedFd> {
        let spare = self.spare.take()?;
        match renameat_with(&self.dir, spare_name(), &self.dir, name, RenameFlags::NOREPLACE) {
            Ok(()) => matches!(self.is_named(&spare, name), Ok(true)).then_some(spare),
            Err(Errno::EXIST) => {
                self.spare = Some(spare);
                None
            }
            Err(_) => None,
        }
    }

    fn make_dir(&mut self, attempt: AttemptId, name: &str) -> io::Result<Option<PathBuf>> {
        let mut made = mkdirat(&self.dir, name, PRIVATE_DIR);
        if made == Err(Errno::NOENT) {
            // The whole root was removed while we held it open, as cleaners of /tmp do.
            *self = Self::open(&self.path).map_err(io::Error::other)?;
            made = mkdirat(&self.dir, name, PRIVATE_DIR);
        }
        if made != Err(Errno::EXIST) {
            made?;
            return Ok(None);
        }
        let trash = format!("{TRASH}{attempt}");
        renameat(&self.dir, name, &self.dir, &trash)?;
        mkdirat(&self.dir, name, PRIVATE_DIR)?;
        Ok(Some(self.path.join(trash)))
    }

    /// Writes uploaded files into a new workspace. Those that are named by hash are in `cache`.
    pub(crate) fn place(&self, job: JobId, uploads: &[Upload], cache: &Cache) -> io::Result<()> {
        let workspace = open_dir(self.dir.as_fd(), &job.to_string())?;
        for upload in uploads {
            place_one(workspace.as_fd(), upload, cache)
                .map_err(|e| io::Error::new(e.kind(), format!("cannot write {:?}: {e}", upload.path)))?;
        }
        Ok(())
    }

    /// A copy of a file, in a workspace that is still empty, where the copy has no name.
    pub(crate) fn copy_of(&self, job: JobId, content: &mut File) -> io::Result<File> {
        let workspace = open_dir(self.dir.as_fd(), &job.to_string())?;
        let mut file = create_below(workspace.as_fd(), STDIN, None)?;
        unlinkat(&workspace, STDIN, AtFlags::empty())?;
        io::copy(content, &mut file)?;
        Ok(file)
    }

    /// Takes away a workspace in which the job left nothing; any other stays for the operator.
    /// `lock` is what [`Root::make`] answered for it, if it did.
    pub(crate) fn clear(&mut self, job: JobId, lock: Option<OwnedFd>) {
        let name = job.to_string();
        let is_it = |lock: &OwnedFd| matches!(self.is_named(lock, &name), Ok(true));
        if let Some(lock) = lock.filter(|lock| self.spare.is_none() && is_as_made(lock) && is_it(lock)) {
            let moved = renameat_with(&self.dir, &name, &self.dir, spare_name(), RenameFlags::NOREPLACE);
            if moved.is_ok() {
                self.spare = Some(lock);
                return;
            }
        }
        match unlinkat(&self.dir, &name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::NOENT) => {}
            Err(errno) => tracing::warn!("cannot remove the workspace of {job}: {errno}"),
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if self.spare.is_some() {
            // Whatever keeps it there: the next start of the agent removes spares that nobody locks.
            let _kept = unlinkat(&self.dir, spare_name(), AtFlags::REMOVEDIR);
        }
    }
}

fn spare_name() -> String {
    format!("{SPARE}{}", getpid().as_raw_nonzero())
}

/// Whether nothing is in a workspace and nothing about it was changed, so that the next job cannot
/// tell it from a new one.
fn is_as_made(dir: &OwnedFd) -> bool {
    let plain = |stat: Stat| {
        Mode::from_raw_mode(stat.st_mode) == PRIVATE_DIR
            && stat.st_uid == geteuid().as_raw()
            && stat.st_size <= SPARE_BYTES_MAX
    };
    fstat(dir).is_ok_and(plain) && flistxattr(dir, &mut [0; 1]) == Ok(0) && is_empty(dir)
}

fn is_empty(dir: &OwnedFd) -> bool {
    let Ok(mut entries) = Dir::read_from(dir) else { return false };
    entries.all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b"..")))
}

fn place_one(workspace: BorrowedFd<'_>, upload: &Upload, cache: &Cache) -> io::Result<()> {
    let mut file = create_below(workspace, &upload.path, upload.mode)?;
    let Some(blob) = upload.sha256 else {
        return file.write_all(upload.content.as_ref().map_or(&[][..], |content| &content.0));
    };
    let mut content = cache.open(blob)?;
    io::copy(&mut content, &mut file).map(drop)
}

/// Makes a new file below `dir`, making the folders on its way. `path` has plain components only
/// ([`c2_shared::validate::relative_path`]), and each is opened without following a link.
fn create_below(dir: BorrowedFd<'_>, path: &str, mode: Option<u32>) -> io::Result<File> {
    let (folders, name) = path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
    let mut at = dir.try_clone_to_owned()?;
    for folder in folders.into_iter().flat_map(|folders| folders.split('/')) {
        match mkdirat(&at, folder, PRIVATE_DIR) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        at = open_dir(at.as_fd(), folder)?;
    }
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(&at, name, flags, PRIVATE_FILE)?);
    if let Some(mode) = mode {
        // Explicitly, because the umask would take away what was asked for.
        fchmod(&file, Mode::from_raw_mode(mode & 0o777))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
