//! A copy of the data folder, made while c2d runs or while it does not.
//!
//! The database is copied by SQLite itself in one transaction and looked through afterwards. Files
//! of jobs never change once they have their name, so copying them later is the same as then; one
//! that goes meanwhile belonged to a job that c2d removed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{DATABASE, FILES, NOT_COPIED, UpkeepError};
use crate::store;

/// Copies the data folder into one file for its owner's eyes only; answers its size in bytes.
///
/// # Errors
/// When there is such a file and it is not to be replaced, or something cannot be read or written.
/// Nothing is left behind then.
pub(super) fn backup(data_dir: &Path, to: &Path, force: bool) -> Result<u64, UpkeepError> {
    if !data_dir.join(DATABASE).is_file() {
        return Err(UpkeepError::NoFolder(data_dir.to_owned()));
    }
    if !force && to.symlink_metadata().is_ok() {
        return Err(UpkeepError::Exists(to.to_owned()));
    }
    let database = Unfinished::beside(to, "db");
    let archive = Unfinished::beside(to, "part");
    store::copy(&data_dir.join(DATABASE), &database.0)?;
    store::examine(&database.0)?;
    let bytes = write(data_dir, &database.0, &archive.0).map_err(UpkeepError::file(&archive.0))?;
    let flags = if force { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
    match renameat_with(CWD, &archive.0, CWD, to, flags) {
        Ok(()) => Ok(bytes),
        Err(rustix::io::Errno::EXIST) => Err(UpkeepError::Exists(to.to_owned())),
        Err(error) => Err(UpkeepError::file(to)(error.into())),
    }
}

fn write(data_dir: &Path, database: &Path, archive: &Path) -> io::Result<u64> {
    let file = private(archive)?;
    let mut tar = tar::Builder::new(io::BufWriter::new(file));
    tar.mode(tar::HeaderMode::Deterministic);
    tar.append_path_with_name(database, DATABASE)?;
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && name != DATABASE && !NOT_COPIED.iter().any(|other| name == *other) {
            tar.append_path_with_name(entry.path(), &name)?;
        }
    }
    for entry in fs::read_dir(data_dir.join(FILES)).into_iter().flatten() {
        let entry = entry?;
        // Only a complete file has a plain name.
        if entry.path().extension().is_some() {
            continue;
        }
        match tar.append_path_with_name(entry.path(), Path::new(FILES).join(entry.file_name())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    let file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A file that goes unless it gets its name.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(to: &Path, kind: &str) -> Self {
        let mut name = to.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.{kind}", std::process::id()));
        Self(to.with_file_name(name))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}
