//! Writes files beneath a folder, with names that somebody else chose.
//!
//! A name is checked before it is used, each folder on its way is opened without following a link,
//! and what is there already stays unless told otherwise. A file is written aside and gets its name
//! when it is whole; what broke off is gone on with.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::validate;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, fstat, linkat, mkdirat, openat, renameat, renameat_with,
    unlinkat,
};
use rustix::io::Errno;

const DIR: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);
const FOLDER_MODE: Mode = Mode::RWXU.union(Mode::RWXG).union(Mode::RWXO);
const FILE_MODE: Mode = Mode::from_bits_retain(0o666);

#[derive(Debug)]
pub(crate) struct SafeDir(OwnedFd);

/// A place beneath it for one file.
#[derive(Debug)]
pub(crate) struct Place {
    folder: OwnedFd,
    name: String,
    aside: String,
    executable: bool,
}

/// What is at a place already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Nothing,
    Same,
    Other,
}

impl SafeDir {
    /// Opens the folder that the operator named, making it when it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self(openat(CWD, path, DIR, Mode::empty())?))
    }

    /// Finds the place of a file, making the folders on its way.
    pub(crate) fn place(&self, path: &str, blob: BlobId, executable: bool) -> io::Result<Place> {
        validate::relative_path("path", path).map_err(io::Error::other)?;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut folder = openat(&self.0, ".", DIR, Mode::empty())?;
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            match mkdirat(&folder, part, FOLDER_MODE) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
            folder = openat(&folder, part, DIR | OFlags::NOFOLLOW, Mode::empty())
                .map_err(|_| io::Error::other(format!("{part:?} on its way is not a folder")))?;
        }
        Ok(Place { folder, name: name.to_owned(), aside: format!(".{:.16}.c2-part", blob.to_string()), executable })
    }
}

impl Place {
    /// Looks whether the file is there already. Reads it to know.
    pub(crate) fn present(&self, blob: BlobId) -> io::Result<Present> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mut file: File = match openat(&self.folder, &self.name, flags, Mode::empty()) {
            Ok(file) => file.into(),
            Err(Errno::NOENT) => return Ok(Present::Nothing),
            // A link, or a file that is closed to us: something of the operator's in any case.
            Err(_) => return Ok(Present::Other),
        };
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Ok(Present::Other);
        }
        let mut hasher = BlobHasher::default();
        hasher.read(&mut file)?;
        Ok(if hasher.finish() == blob { Present::Same } else { Present::Other })
    }

    /// Opens the file beside the place, with what came before.
    pub(crate) fn aside(&self) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        // The operator's own umask has the last word, as with any program.
        let mode = if self.executable { FILE_MODE | Mode::from_bits_retain(0o111) } else { FILE_MODE };
        let file = File::from(openat(&self.folder, &self.aside, flags, mode)?);
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::other(format!("{:?} is in the way", self.aside)));
        }
        Ok(file)
    }

    /// Gives the whole file its name; with `force` also where something else has it.
    pub(crate) fn keep(&self, force: bool) -> io::Result<()> {
        let (folder, aside, name) = (self.folder.as_fd(), &self.aside, &self.name);
        if force {
            return Ok(renameat(folder, aside, folder, name)?);
        }
        match renameat_with(folder, aside, folder, name, RenameFlags::NOREPLACE) {
            // Some file systems cannot promise it; a second name can be made on most of them.
            Err(Errno::INVAL | Errno::NOSYS) => {
                linkat(folder, aside, folder, name, AtFlags::empty())?;
                Ok(unlinkat(folder, aside, AtFlags::empty())?)
            }
            other => Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn write(folder: &SafeDir, path: &str, content: &str, force: bool) -> io::Result<()> {
        let place = folder.place(path, BlobId::of(content.as_bytes()), path == "run")?;
        place.aside()?.write_all(content.as_bytes())?;
        place.keep(force)
    }

    #[test]
    fn files_are_written_beneath_and_never_over() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SafeDir::open(&dir.path().join("new/out")).unwrap();
        let read = |path: &str| std::fs::read_to_string(dir.path().join("new/out").join(path)).unwrap();
        write(&folder, "a/b.txt", "one", false).unwrap();
        assert_eq!(write(&folder, "a/b.txt", "two", false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read("a/b.txt"), "one");
        write(&folder, "a/b.txt", "two", true).unwrap();
        assert_eq!(read("a/b.txt"), "two");
        write(&folder, "run", "x", false).unwrap();
        let mode = std::fs::metadata(dir.path().join("new/out/run")).unwrap().permissions().mode();
        assert_eq!(mode & 0o100, 0o100);
        let place = folder.place("a/b.txt", BlobId::of(b"two"), false).unwrap();
        assert_eq!(place.present(BlobId::of(b"two")).unwrap(), Present::Same);
        assert_eq!(place.present(BlobId::of(b"one")).unwrap(), Present::Other);
        let free = folder.place("a/c", BlobId::of(b""), false).unwrap();
        assert_eq!(free.present(BlobId::of(b"")).unwrap(), Present::Nothing);
    }

    #[test]
    fn hostile_names_and_links_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, out) = (dir.path().join("outside"), dir.path().join("out"));
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("file"), "kept").unwrap();
        let folder = SafeDir::open(&out).unwrap();
        symlink(&outside, out.join("link")).unwrap();
        symlink(outside.join("file"), out.join("name")).unwrap();
        for path in ["../x", "/etc/x", "a/../../x", "", ".", "a//b", "link/x", "name/x", "a\nb"] {
            assert!(write(&folder, path, "hostile", true).is_err(), "{path:?}");
        }
        let aside = format!(".{:.16}.c2-part", BlobId::of(b"hostile").to_string());
        symlink(outside.join("file"), out.join(&aside)).unwrap();
        assert!(write(&folder, "x", "hostile", true).is_err(), "a link where the file is written aside");
        std::fs::remove_file(out.join(aside)).unwrap();
        assert!(write(&folder, "name", "hostile", false).is_err());
        // With force the link itself goes, not what it leads to.
        write(&folder, "name", "hostile", true).unwrap();
        assert!(out.join("name").symlink_metadata().unwrap().is_file());
        assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), "kept");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    }
}
