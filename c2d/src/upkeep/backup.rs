//! A copy of the data folder, made while c2d runs or while it does not.
//!
//! The database is copied by SQLite itself in one transaction and looked through afterwards. Files
//! of jobs never change once they have their name, so copying them later is the same as then; one
//! that goes meanwhile belonged to a job that c2d removed. Of the log of ended jobs those lines are
//! copied that belong to the copied database; the next start adds what it has beyond them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use c2_shared::blob::BlobId;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::history::log_name;
use super::parts::{Parts, parent};
use super::summed::Summed;
use super::{DATABASE, FILES, LOG, NOT_COPIED, PAUSE, SUMS, TRIES, UpkeepError};
use crate::store;

/// What the folder of a backup that is not complete is called, before a number.
const UNFINISHED: &str = ".c2-backup-";

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
    let log_path = data_dir.join(log_name(data_dir, config_file)?);
    may_become(to, force, data_dir, &[Some(log_path.as_path()), config_file])?;
    let log = Log::open(&log_path)?;
    let parts = Parts::new(parent(to), UNFINISHED.as_ref())?;
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

/// Sees that a name may become a backup: it is outside the data folder, and what it names may go.
fn may_become(to: &Path, force: bool, data_dir: &Path, in_use: &[Option<&Path>]) -> Result<(), UpkeepError> {
    // Folders that are missing would be made.
    let folder = parent(to).ancestors().find_map(|folder| parent(&folder.join("_")).canonicalize().ok());
    let is_inside = folder.zip(data_dir.canonicalize().ok()).is_some_and(|(folder, data)| folder.starts_with(data));
    if is_inside {
        return Err(UpkeepError::Inside(to.to_owned()));
    }
    let Ok(there) = to.symlink_metadata() else { return Ok(()) };
    let place = |meta: &fs::Metadata| (meta.dev(), meta.ino());
    let is_in_use =
        in_use.iter().flatten().any(|path| fs::metadata(path).is_ok_and(|own| place(&own) == place(&there)));
    match (there.is_file(), is_in_use, force) {
        (false, _, _) => Err(UpkeepError::NoFile(to.to_owned())),
        (true, true, _) => Err(UpkeepError::InUse(to.to_owned())),
        (true, false, false) => Err(UpkeepError::Exists(to.to_owned())),
        (true, false, true) => Ok(()),
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
        let mut sums = String::new();
        let mut sum = |id: BlobId, name: &Path| sums.push_str(&format!("{id}  {}\n", name.display()));
        let name = Path::new(DATABASE);
        sum(append(&mut tar, File::open(database)?, None, name)?, name);
        for entry in fs::read_dir(data_dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let left_out = [DATABASE, LOG, SUMS].iter().chain(&NOT_COPIED).any(|other| name == *other);
            if entry.file_type()?.is_file() && !left_out && entry.path() != log.path {
                let name = Path::new(&name);
                sum(append(&mut tar, File::open(entry.path())?, None, name)?, name);
            }
        }
        if let Some((file, _)) = log.file {
            sum(append(&mut tar, file, Some(log_bytes), Path::new(LOG))?, Path::new(LOG));
        }
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(sums.len() as u64);
        tar.append_data(&mut header, SUMS, sums.as_bytes())?;
        for entry in fs::read_dir(files).into_iter().flatten() {
            let entry = entry?;
            // Only a complete file has a plain name.
            if entry.path().extension().is_some() {
                continue;
            }
            match File::open(entry.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => drop(append(&mut tar, file?, None, &Path::new(FILES).join(entry.file_name()))?),
            }
        }
        let file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    write().map_err(UpkeepError::file(archive))
}

/// Puts as many bytes of a file into the archive as are meant, or as it has now: it may grow. Answers what they are.
fn append<W: io::Write>(
    tar: &mut tar::Builder<W>,
    mut file: File,
    bytes: Option<u64>,
    name: &Path,
) -> io::Result<BlobId> {
    let meta = file.metadata()?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata_in_mode(&meta, tar::HeaderMode::Deterministic);
    let bytes = bytes.unwrap_or(meta.len());
    header.set_size(bytes);
    file.rewind()?;
    let mut part = Summed::new(file.take(bytes));
    tar.append_data(&mut header, name, &mut part)?;
    if part.inner.limit() > 0 {
        return Err(io::Error::other(format!("{} became shorter while it was copied, try again", name.display())));
    }
    Ok(part.hasher.finish())
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
