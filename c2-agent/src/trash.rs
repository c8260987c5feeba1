//! Workspaces that are of no use any more: moved aside under a name of their own, then deleted.
//!
//! Deleting goes by descriptors and follows no link. Folders are not descended into but moved up
//! beside each other, so that no depth of nesting can exhaust anything. Nothing is deleted that
//! lies on another file system.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, Stat, chmodat, fstat, renameat, statat, unlinkat};
use rustix::io::Errno;

use crate::folder::{DIR_FLAGS, SPARE, TRASH, open_own_dir, try_lock};

/// Names read from a folder before they are deleted.
const NAMES_AT_ONCE: usize = 4_096;
/// Size of the blocks in which the system counts.
const BLOCK_BYTES: u64 = 512;

/// Deletes what was moved aside and never deleted, as after a crash, and spares whose process died.
pub(crate) fn empty(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if name.as_encoded_bytes().starts_with(TRASH.as_bytes()) {
            delete_path(&path);
        } else if name.as_encoded_bytes().starts_with(SPARE.as_bytes()) && !is_locked(&path) {
            // It is empty, or it is no spare and stays.
            drop(std::fs::remove_dir(&path));
        }
    }
}

fn is_locked(dir: &Path) -> bool {
    let opened = rustix::fs::openat(CWD, dir, DIR_FLAGS, Mode::empty());
    opened.is_ok_and(|dir| matches!(try_lock(&dir), Ok(false)))
}

/// Deletes a folder that was moved aside.
pub(crate) fn delete_path(trash: &Path) {
    let (Some(root), Some(name)) = (trash.parent(), trash.file_name().and_then(|name| name.to_str())) else { return };
    let opened = rustix::fs::openat(CWD, root, DIR_FLAGS, Mode::empty());
    if let Err(error) = opened.map_err(io::Error::from).and_then(|root| delete(root.as_fd(), name).map(drop)) {
        tracing::warn!("cannot delete {}: {error}", trash.display());
    }
}

/// Deletes a folder of `root`; answers the bytes of disk that this freed. What is gone already is
/// no error.
pub(crate) fn delete(root: BorrowedFd<'_>, trash: &str) -> io::Result<u64> {
    let device = fstat(root)?.st_dev;
    let mut folders = vec![trash.to_owned()];
    let (mut freed, mut moved) = (0, 0);
    while let Some(folder) = folders.pop() {
        let dir = match enter(root, &folder) {
            Ok(Some(dir)) => dir,
            Ok(None) => continue,
            // No folder at all, so it goes by itself.
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                gone(unlinkat(root, &folder, AtFlags::empty()))?;
                continue;
            }
            Err(e) => return Err(e),
        };
        loop {
            let names = some_names(&dir)?;
            if names.is_empty() {
                break;
            }
            for name in names {
                let stat = match statat(&dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => stat,
                    Err(Errno::NOENT) => continue,
                    Err(e) => return Err(e.into()),
                };
                if stat.st_dev != device {
                    return Err(io::Error::other(format!("something is mounted at {name:?}")));
                }
                if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                    gone(unlinkat(&dir, &name, AtFlags::empty()))?;
                    freed += bytes(&stat);
                } else if !gone_if_empty(&dir, &name)? {
                    folders.push(move_up(&dir, &name, root, (trash, &mut moved))?);
                }
            }
        }
        drop(dir);
        gone(unlinkat(root, &folder, AtFlags::REMOVEDIR))?;
    }
    Ok(freed)
}

/// Opens a folder and makes sure that it can be emptied; nothing when it is gone.
fn enter(root: BorrowedFd<'_>, name: &str) -> io::Result<Option<OwnedFd>> {
    match open_own_dir(root, name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn some_names(dir: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            names.push(name);
        }
        if names.len() == NAMES_AT_ONCE {
            break;
        }
    }
    Ok(names)
}

fn gone_if_empty(dir: &OwnedFd, name: &CString) -> io::Result<bool> {
    match unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Moves a folder out of another, beside the trash that it belongs to; answers its new name.
fn move_up(
    dir: &OwnedFd,
    name: &CString,
    root: BorrowedFd<'_>,
    (trash, moved): (&str, &mut u64),
) -> io::Result<String> {
    loop {
        *moved += 1;
        let aside = format!("{trash}+{moved}");
        match renameat(dir, name, root, &aside) {
            Ok(()) => return Ok(aside),
            // Left from a deletion that broke off.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
            // Its parent stands in it, so it must be writable to be moved.
            Err(Errno::ACCESS) if !writable(dir, name)? => chmodat(dir, name, Mode::RWXU, AtFlags::empty())?,
            Err(e) => return Err(e.into()),
        }
    }
}

fn writable(dir: &OwnedFd, name: &CString) -> io::Result<bool> {
    Ok(Mode::from_raw_mode(statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode).contains(Mode::RWXU))
}

fn gone(removed: rustix::io::Result<()>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// What a file's removal frees: nothing while it has other names.
fn bytes(stat: &Stat) -> u64 {
    if stat.st_nlink > 1 { 0 } else { u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK_BYTES }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn everything_inside_goes_and_nothing_outside() {
        let dir = tempfile::tempdir().unwrap();
        let trash = dir.path().join(".trash-job-1.1");
        let mut deep = trash.clone();
        for _ in 0..300 {
            deep.push("d");
        }
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("file"), vec![1; 100_000]).unwrap();
        std::fs::create_dir(dir.path().join("other")).unwrap();
        std::fs::write(dir.path().join("other/kept"), "kept").unwrap();
        symlink(dir.path().join("other"), trash.join("link")).unwrap();
        std::fs::create_dir(trash.join("closed")).unwrap();
        std::fs::write(trash.join("closed/file"), "x").unwrap();
        std::fs::set_permissions(trash.join("closed"), std::fs::Permissions::from_mode(0o000)).unwrap();
        let root = File::open(dir.path()).unwrap();
        let freed = delete(root.as_fd(), ".trash-job-1.1").unwrap();
        assert!(freed >= 100_000, "{freed}");
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other"]);
        assert!(dir.path().join("other/kept").exists());
        assert_eq!(delete(root.as_fd(), ".trash-job-1.1").unwrap(), 0, "it is gone already");
        symlink(dir.path().join("other"), &trash).unwrap();
        std::fs::write(dir.path().join(".trash-job-2.1"), "a file").unwrap();
        empty(dir.path());
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other"]);
        assert!(dir.path().join("other/kept").exists());
    }
}
