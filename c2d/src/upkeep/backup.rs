//! A copy of the data folder, made while c2d runs or while it does not.
//!
//! The database is copied by SQLite itself in one transaction and looked through afterwards. Files
//! of jobs never change once they have their name, so copying them later is the same as then; one
//! that goes meanwhile belonged to a job that c2d removed. Of the log of ended jobs those lines are
//! copied that belong to the copied database; the next start adds what it has beyond them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};

use super::history::log_name;
use super::{DATABASE, FILES, LOG, NOT_COPIED, PAUSE, TRIES, UpkeepError};
use crate::store;

/// What the folder of a backup that is not complete is called, before a number.
const PARTS: &str = ".c2-backup-";

/// Copies the data folder into one file for its owner's eyes only; answers its size in bytes.
pub(super) fn backup(data_dir: &Path, config_file: Option<&Path>, to: &Path, force: bool) -> Result<u64, UpkeepError> {
    if !data_dir.join(DATABASE).is_file() {
        return Err(UpkeepError::NoFolder(data_dir.to_owned()));
    }
    backup_by(data_dir, config_file, to, force, |parts| {
        store::copy(&data_dir.join(DATABASE), &parts.join(DATABASE))?;
        Ok(data_dir.join(FILES))
    })
}

/// The same with a database that is copied in another way: into a folder, with an answer where the files of jobs
/// are then.
pub(super) fn backup_by(
    data_dir: &Path,
    config_file: Option<&Path>,
    to: &Path,
    force: bool,
    copy: impl FnOnce(&Path) -> Result<PathBuf, UpkeepError>,
) -> Result<u64, UpkeepError> {
    if !force && to.symlink_metadata().is_ok() {
        return Err(UpkeepError::Exists(to.to_owned()));
    }
    let log = Log::open(&data_dir.join(log_name(data_dir, config_file)?))?;
    let parts = Parts::beside(to)?;
    let (database, archive) = (parts.join(DATABASE), parts.join("archive"));
    let files = copy(&parts.dir)?;
    store::examine(&database)?;
    let bytes = write(data_dir, &database, &files, log, &archive)?;
    let flags = if force { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
    match renameat_with(CWD, &archive, CWD, to, flags) {
        Ok(()) => Ok(bytes),
        Err(rustix::io::Errno::EXIST) => Err(UpkeepError::Exists(to.to_owned())),
        Err(error) => Err(UpkeepError::file(to)(error.into())),
    }
}

/// The log of ended jobs, opened before the database is copied.
struct Log {
    path: PathBuf,
    /// It, and how many bytes of it every later copy of the database knows; none if there is no log.
    file: Option<(File, u64)>,
}

impl Log {
    fn open(path: &Path) -> Result<Self, UpkeepError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), file: None });
            }
            Err(error) => return Err(UpkeepError::file(path)(error)),
        };
        let mut whole = 0;
        for piece in store::pieces(&file, 0).map_err(UpkeepError::file(path))? {
            let piece = piece.map_err(UpkeepError::file(path))?;
            if piece.line.is_some() && piece.is_closed {
                whole = piece.end;
            }
        }
        Ok(Self { path: path.to_owned(), file: Some((file, whole)) })
    }

    /// How many bytes belong to a copy of the database.
    fn bytes(&self, database: &Path) -> Result<u64, UpkeepError> {
        let Some((file, whole)) = &self.file else { return Ok(0) };
        let last = store::ended(database)?.last_key_value().map_or(0, |(seq, _)| *seq);
        let begins_after = store::log_begins_after(database)?;
        let mut bytes = 0;
        for _ in 0..TRIES {
            let (seq, end) = store::last_logged(database, file, &self.path)?;
            bytes = end.max(*whole);
            if seq.max(begins_after) >= last {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(bytes)
    }
}

fn write(data_dir: &Path, database: &Path, files: &Path, log: Log, archive: &Path) -> Result<u64, UpkeepError> {
    let log_bytes = log.bytes(database)?;
    let write = || -> io::Result<u64> {
        let mut tar = tar::Builder::new(io::BufWriter::new(private(archive)?));
        append(&mut tar, File::open(database)?, None, Path::new(DATABASE))?;
        for entry in fs::read_dir(data_dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let left_out = [DATABASE, LOG].iter().chain(&NOT_COPIED).any(|other| name == *other);
            if entry.file_type()?.is_file() && !left_out && entry.path() != log.path {
                append(&mut tar, File::open(entry.path())?, None, Path::new(&name))?;
            }
        }
        if let Some((file, _)) = log.file {
            append(&mut tar, file, Some(log_bytes), Path::new(LOG))?;
        }
        for entry in fs::read_dir(files).into_iter().flatten() {
            let entry = entry?;
            // Only a complete file has a plain name.
            if entry.path().extension().is_some() {
                continue;
            }
            match File::open(entry.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => append(&mut tar, file?, None, &Path::new(FILES).join(entry.file_name()))?,
            }
        }
        let file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    write().map_err(UpkeepError::file(archive))
}

/// Puts as many bytes of a file into the archive as are meant, or as it has now: it may grow.
fn append<W: io::Write>(tar: &mut tar::Builder<W>, mut file: File, bytes: Option<u64>, name: &Path) -> io::Result<()> {
    let meta = file.metadata()?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata_in_mode(&meta, tar::HeaderMode::Deterministic);
    let bytes = bytes.unwrap_or(meta.len());
    header.set_size(bytes);
    file.rewind()?;
    let mut part = file.take(bytes);
    tar.append_data(&mut header, name, &mut part)?;
    if part.limit() > 0 {
        return Err(io::Error::other(format!("{} became shorter while it was copied, try again", name.display())));
    }
    Ok(())
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A folder beside the backup for what is not complete yet. It goes at the end; that of a backup that
/// was killed goes with the next one.
struct Parts {
    dir: PathBuf,
    /// Held for as long as the folder is used.
    _lock: File,
}

impl Parts {
    fn beside(to: &Path) -> Result<Self, UpkeepError> {
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_abandoned(parent);
        let dir = parent.join(format!("{PARTS}{}", std::process::id()));
        let make = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
            let lock = File::open(&dir)?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            // Another backup may have taken it for abandoned before it was locked.
            fs::metadata(&dir).map(|_| lock)
        };
        let made = make().or_else(|_: io::Error| make());
        Ok(Self { _lock: made.map_err(UpkeepError::file(&dir))?, dir })
    }

    fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.dir);
    }
}

/// Removes what killed backups left: folders whose lock nobody holds.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PARTS);
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_ours || !is_dir {
            continue;
        }
        if let Ok(folder) = File::open(entry.path())
            && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _gone = fs::remove_dir_all(entry.path());
        }
    }
}
