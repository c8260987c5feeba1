//! The folders in which jobs run: `<root>/<job id>/`, with their uploaded files.
//!
//! The root has a name that others can guess, so it is checked before it is used, and everything
//! below it is reached through descriptors without following links. Deleting is
//! [`crate::trash`]'s, finding what a job left [`crate::collect`]'s.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::Upload;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::fs::{FlockOperation, flock, statat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::cache::Cache;
use crate::trash::TRASH;

/// Tries to make a workspace; more than one is only needed while the same name is cleaned up.
const TRIES: u32 = 5;
/// How folders are opened.
pub(crate) const DIR_FLAGS: OFlags =
    OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::RDONLY).union(OFlags::CLOEXEC);
const PRIVATE_DIR: Mode = Mode::RWXU;
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The folder of all workspaces, opened and found safe.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    dir: OwnedFd,
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
pub enum RootError {
    /// It cannot be made or opened.
    #[error("cannot use the workspace root {path:?}")]
    Open {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a symbolic link or no folder.
    #[error("the workspace root {0:?} is not a folder of its own but a link or a file")]
    NoFolder(PathBuf),
    /// Somebody else made it.
    #[error("the workspace root {path:?} belongs to user {owner}, not to the user of this agent")]
    Foreign {
        /// Which folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others may enter it.
    #[error("the workspace root {path:?} is open to others (mode {mode:03o})")]
    Exposed {
        /// Which folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl RootError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Open { .. } => "choose another folder with --workspace-root".to_owned(),
            Self::NoFolder(path) | Self::Foreign { path, .. } => {
                format!("see who made it, then remove {} or choose another with --workspace-root", path.display())
            }
            Self::Exposed { path, .. } => format!("if it is yours, close it with: chmod 700 {}", path.display()),
        }
    }
}

impl Root {
    /// Opens the root, making it when it is missing.
    ///
    /// # Errors
    /// When it is a link, belongs to somebody else or is open to others; it is left as it is then.
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
        Ok(Self { path: path.to_owned(), dir })
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

    /// Opens and locks a workspace; nothing when somebody else has it, or took it away meanwhile.
    pub(crate) fn lock(&self, job: JobId) -> io::Result<Option<OwnedFd>> {
        let name = job.to_string();
        let dir = open_dir(self.dir(), &name)?;
        match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        let (locked, named) = (fstat(&dir)?, statat(&self.dir, &name, AtFlags::SYMLINK_NOFOLLOW)?);
        Ok(((locked.st_dev, locked.st_ino) == (named.st_dev, named.st_ino)).then_some(dir))
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

    /// Removes a workspace in which the job left nothing; any other stays for the operator.
    pub(crate) fn remove_if_empty(&self, job: JobId) {
        match unlinkat(&self.dir, job.to_string(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::NOENT) => {}
            Err(errno) => tracing::warn!("cannot remove the workspace of {job}: {errno}"),
        }
    }
}

/// Opens a folder of another, which is no link.
pub(crate) fn open_dir(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    Ok(openat(parent, name, DIR_FLAGS, Mode::empty())?)
}

fn place_one(workspace: BorrowedFd<'_>, upload: &Upload, cache: &Cache) -> io::Result<()> {
    let mut file = create_below(workspace, &upload.path, upload.mode)?;
    let Some(sha256) = &upload.sha256 else {
        return file.write_all(upload.content.as_ref().map_or(&[][..], |content| &content.0));
    };
    let mut content = cache.open(sha256.parse().map_err(io::Error::other)?)?;
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
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(&at, name, flags, PRIVATE_FILE)?);
    if let Some(mode) = mode {
        // Explicitly, because the umask would take away what was asked for.
        fchmod(&file, Mode::from_raw_mode(mode & 0o777))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use c2_shared::bytes64::Bytes64;

    use super::*;

    fn attempt(number: u32) -> AttemptId {
        AttemptId { job: JobId(7), number }
    }

    fn upload(path: &str, mode: Option<u32>) -> Upload {
        Upload { path: path.to_owned(), content: Some(Bytes64(b"content".to_vec())), mode, ..Upload::default() }
    }

    fn cache(dir: &tempfile::TempDir) -> Cache {
        Cache::open_dir(dir.path().join("blobs")).unwrap()
    }

    #[test]
    fn uploads_by_hash_come_from_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let mut root = Root::open(&dir.path().join("C2")).unwrap();
        let made = root.make(attempt(1)).unwrap();
        let blob = c2_shared::blob::BlobId::of(b"scene");
        let upload = Upload { path: "in/scene".to_owned(), sha256: Some(blob.to_string()), ..Upload::default() };
        let missing = root.place(attempt(1).job, std::slice::from_ref(&upload), &cache(&dir)).unwrap_err();
        assert!(missing.to_string().contains("in/scene"), "{missing}");
        std::fs::write(dir.path().join("blobs").join(blob.to_string()), "scene").unwrap();
        std::fs::remove_dir_all(root.path_of(attempt(1).job).join("in")).unwrap();
        root.place(attempt(1).job, &[upload], &cache(&dir)).unwrap();
        assert_eq!(std::fs::read(root.path_of(attempt(1).job).join("in/scene")).unwrap(), b"scene");
        assert!(root.lock(attempt(1).job).unwrap().is_none(), "its maker has the lock");
        drop(made);
        assert!(root.lock(attempt(1).job).unwrap().is_some());
    }

    #[test]
    fn unsafe_roots_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(Root::open(&at("new/C2")).is_ok());
        assert!(Root::open(&at("new/C2")).is_ok(), "it is its own the second time, too");
        symlink(at("new"), at("link")).unwrap();
        assert!(matches!(Root::open(&at("link")), Err(RootError::NoFolder(_))));
        std::fs::write(at("file"), "").unwrap();
        assert!(matches!(Root::open(&at("file")), Err(RootError::NoFolder(_))));
        std::fs::create_dir(at("open")).unwrap();
        std::fs::set_permissions(at("open"), std::fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(Root::open(&at("open")), Err(RootError::Exposed { mode: 0o750, .. })));
    }

    #[test]
    fn uploads_stay_inside_and_never_overwrite() {
        let dir = tempfile::tempdir().unwrap();
        let mut root = Root::open(&dir.path().join("C2")).unwrap();
        assert_eq!(root.make(attempt(1)).unwrap().trash, None);
        let job = attempt(1).job;
        let cache = cache(&dir);
        root.place(job, &[upload("a/b/c.txt", None), upload("run.sh", Some(0o4755))], &cache).unwrap();
        let mode = |name: &str| root.path_of(job).join(name).metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("a/b/c.txt"), mode("run.sh")), (0o600, 0o755), "no set-user-id either");

        symlink(dir.path(), root.path_of(job).join("out")).unwrap();
        symlink(dir.path().join("x"), root.path_of(job).join("y")).unwrap();
        for path in ["out/x", "y", "run.sh", "run.sh/x"] {
            assert!(root.place(job, &[upload(path, None)], &cache).is_err(), "{path}");
        }
        assert!(!dir.path().join("x").exists());
    }

    #[test]
    fn workspaces_of_earlier_attempts_are_moved_aside() {
        let dir = tempfile::tempdir().unwrap();
        let mut root = Root::open(&dir.path().join("C2")).unwrap();
        root.make(attempt(1)).unwrap();
        root.place(attempt(1).job, &[upload("old", None)], &cache(&dir)).unwrap();
        root.remove_if_empty(attempt(1).job);
        let trash = root.make(attempt(2)).unwrap().trash.unwrap();
        assert!(trash.join("old").exists());
        assert_eq!(root.path_of(attempt(2).job).read_dir().unwrap().count(), 0);
        crate::trash::empty(&dir.path().join("C2"));
        assert!(!trash.exists());
        root.remove_if_empty(attempt(2).job);
        assert!(!root.path_of(attempt(2).job).exists());
    }

    #[test]
    fn a_removed_root_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("C2");
        let mut root = Root::open(&path).unwrap();
        std::fs::remove_dir(&path).unwrap();
        root.make(attempt(1)).unwrap();
        assert!(root.path_of(attempt(1).job).is_dir());
    }
}
