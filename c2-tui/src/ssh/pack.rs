//! Files and folders of this machine as one stream, and such a stream as files: in the form of tar, which
//! machines at home have, too, where neither sftp nor scp is.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::command::CommandError;

/// What is to be sent, looked at before anything is.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    entries: Vec<Entry>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    /// Its name in the stream.
    name: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    Link,
    File,
}

impl Packing {
    /// Looks at everything, also in folders at whatever depth. A link that was named itself means what it
    /// leads to; one within a folder stays a link. Blocks.
    pub(crate) fn look(sources: Vec<(PathBuf, OsString)>) -> Result<Self, CommandError> {
        let mut packing = Self::default();
        for (path, name) in sources {
            let metadata = fs::metadata(&path).map_err(|e| unreadable(&path, &e))?;
            packing.add(path, name.into(), &metadata)?;
        }
        Ok(packing)
    }

    fn add(&mut self, path: PathBuf, name: PathBuf, metadata: &Metadata) -> Result<(), CommandError> {
        let kind = metadata.file_type();
        if kind.is_symlink() {
            self.entries.push(Entry { path, name, kind: Kind::Link });
        } else if kind.is_file() {
            drop(File::open(&path).map_err(|e| unreadable(&path, &e))?);
            self.files += 1;
            self.bytes += metadata.len();
            self.entries.push(Entry { path, name, kind: Kind::File });
        } else if kind.is_dir() {
            let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let mut entries = entries.map_err(|e| unreadable(&path, &e))?;
            entries.sort_by_key(fs::DirEntry::file_name);
            self.entries.push(Entry { path, name: name.clone(), kind: Kind::Folder });
            for entry in entries {
                let metadata = entry.metadata().map_err(|e| unreadable(&entry.path(), &e))?;
                self.add(entry.path(), name.join(entry.file_name()), &metadata)?;
            }
        } else {
            let message = format!("{:?} is neither a file nor a folder", path.display().to_string());
            return Err(CommandError::refused(message, "name the files one by one"));
        }
        Ok(())
    }

    /// Writes the stream. Blocks.
    pub(super) fn write(&self, to: impl Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(to);
        for entry in &self.entries {
            let told = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", entry.path.display()));
            entry.write(&mut archive).map_err(told)?;
        }
        archive.into_inner()?.flush()
    }
}

impl Entry {
    fn write(&self, archive: &mut tar::Builder<impl Write>) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        match self.kind {
            Kind::Folder => {
                header.set_metadata(&fs::metadata(&self.path)?);
                archive.append_data(&mut header, &self.name, io::empty())
            }
            Kind::Link => {
                header.set_metadata(&fs::symlink_metadata(&self.path)?);
                archive.append_link(&mut header, &self.name, fs::read_link(&self.path)?)
            }
            Kind::File => {
                let file = File::open(&self.path)?;
                let metadata = file.metadata()?;
                header.set_metadata(&metadata);
                // A file that grows meanwhile must not run into the next one.
                let mut content = file.take(metadata.len());
                archive.append_data(&mut header, &self.name, &mut content)?;
                if content.limit() > 0 {
                    return Err(io::Error::other("became shorter while it was sent"));
                }
                Ok(())
            }
        }
    }
}

/// Writes the files of a stream beneath a folder, and never outside of it or over one another. Blocks.
pub(super) fn unpack(from: impl Read, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut archive = tar::Archive::new(from);
    // There is a stream for each name, and each of them has an end of its own.
    archive.set_ignore_zeros(true);
    archive.set_overwrite(false);
    archive.unpack(folder)
}

/// How many files are in a folder, at whatever depth, and how many bytes in these. Blocks.
pub(super) fn count(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok((u64::from(metadata.is_file()), if metadata.is_file() { metadata.len() } else { 0 }));
    }
    let mut sum = (0, 0);
    for entry in fs::read_dir(path)? {
        let (files, bytes) = count(&entry?.path())?;
        sum = (sum.0 + files, sum.1 + bytes);
    }
    Ok(sum)
}

fn unreadable(path: &Path, error: &io::Error) -> CommandError {
    crate::command::files::unreadable(&path.display().to_string(), error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_folder_goes_through_the_stream_unchanged() {
        let place = tempfile::tempdir().unwrap();
        let from = place.path().join("from it's");
        fs::create_dir_all(from.join("a b/-c")).unwrap();
        fs::write(from.join("a b/-c/d:e"), "12345").unwrap();
        let script = from.join("run");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
        let long = "n".repeat(200);
        fs::write(from.join(&long), "").unwrap();
        symlink("a b", from.join("inner")).unwrap();
        symlink(&from, place.path().join("outer")).unwrap();

        let packing = Packing::look(vec![(place.path().join("outer"), "named".into())]).unwrap();
        assert_eq!((packing.files, packing.bytes), (3, 15));
        let mut stream = Vec::new();
        packing.write(&mut stream).unwrap();
        let to = place.path().join("to");
        unpack(stream.as_slice(), &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("named/a b/-c/d:e")).unwrap(), "12345");
        assert_eq!(fs::read_link(to.join("named/inner")).unwrap(), Path::new("a b"));
        assert_eq!(fs::metadata(to.join("named/run")).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(to.join("named").join(&long).exists());
        assert_eq!(count(&to).unwrap(), (3, 15));

        // Two streams one behind the other are read, but no file over another.
        assert!(unpack([stream.clone(), stream.clone()].concat().as_slice(), &to.join("twice")).is_err());
        assert!(unpack(&stream[..stream.len() / 2], &to.join("half")).is_err(), "a stream that breaks off");
        assert!(unpack(io::empty(), &to.join("nothing")).is_ok());
    }

    #[test]
    fn nothing_gets_out_of_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let mut archive = tar::Builder::new(Vec::new());
        let entry = |archive: &mut tar::Builder<Vec<u8>>, name: &str, kind, link: Option<&Path>| {
            let mut header = tar::Header::new_gnu();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(kind);
            header.set_size(if link.is_some() { 0 } else { 4 });
            header.set_mode(0o644);
            if let Some(link) = link {
                header.set_link_name(link).unwrap();
            }
            header.set_cksum();
            archive.append(&header, if link.is_some() { &b""[..] } else { b"evil" }).unwrap();
        };
        entry(&mut archive, "../up", tar::EntryType::Regular, None);
        entry(&mut archive, "way", tar::EntryType::Symlink, Some(place.path()));
        entry(&mut archive, "way/through", tar::EntryType::Regular, None);
        let stream = archive.into_inner().unwrap();
        let _refused = unpack(stream.as_slice(), &place.path().join("in"));
        for name in ["up", "through"] {
            assert!(!place.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_before_anything_is_sent() {
        let place = tempfile::tempdir().unwrap();
        let missing = place.path().join("missing");
        let error = Packing::look(vec![(missing, "missing".into())]).unwrap_err();
        assert!(error.message.contains("no such file"), "{error:?}");
        let socket = place.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = Packing::look(vec![(place.path().to_owned(), "x".into())]).unwrap_err();
        assert!(error.message.contains("neither a file nor a folder"), "{error:?}");
    }
}
