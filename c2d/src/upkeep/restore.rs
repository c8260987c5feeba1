//! A copy put back in the place of the data folder, after it was found whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use c2_shared::blob::{BlobHasher, BlobId};

use super::history::log_name;
use super::{DATABASE, FILES, LOG, UpkeepError};
use crate::store;

/// How far job ids move on when nobody can say which ones were given after the backup: a worker
/// must never take a new job for an old one that it still knows.
const IDS_SKIPPED: u64 = 1_000_000;

/// A backup that was put back.
pub(super) struct Restored {
    /// Where what was there before is now.
    pub(super) aside: Vec<PathBuf>,
    /// The next job's number, if ids had to be skipped.
    pub(super) skipped_to: Option<u64>,
}

/// Puts a backup in the place of the data folder, and its log of ended jobs where the configuration
/// wants it. What was there stays beside it.
pub(super) fn restore(
    data_dir: &Path,
    config_file: Option<&Path>,
    from: &Path,
    now_s: u64,
) -> Result<Restored, UpkeepError> {
    let there = data_dir.symlink_metadata().is_ok();
    // Held until the end, so that no c2d begins meanwhile.
    let _lock = if there { Some(store::lock(data_dir)?) } else { None };
    let fresh = Fresh::beside(data_dir)?;
    let damaged = |why: String| UpkeepError::Damaged { path: from.to_owned(), why };
    let file = File::open(from).map_err(UpkeepError::file(from))?;
    unpack(file, &fresh.0).map_err(|error| damaged(error.to_string()))?;
    let database = fresh.0.join(DATABASE);
    if !database.is_file() {
        return Err(damaged("there is no database in it".to_owned()));
    }
    store::examine(&database).map_err(|error| damaged(error.to_string()))?;
    files(&fresh.0.join(FILES)).map_err(damaged)?;
    let last = store::last_job(&database)?;
    let known = if there { store::last_job(&data_dir.join(DATABASE)).ok() } else { None };
    let next = known.map_or(last + IDS_SKIPPED, |known| known.max(last));
    store::move_ids_on(&database, next)?;

    let log = Log::prepare(&fresh.0, data_dir, config_file)?;
    let mut aside = Vec::new();
    if there {
        aside.push(set_aside(data_dir, now_s)?);
    }
    if let Err(error) = fs::rename(&fresh.0, data_dir) {
        if let Some(aside) = aside.first() {
            fs::rename(aside, data_dir).map_err(UpkeepError::file(data_dir))?;
        }
        return Err(UpkeepError::file(data_dir)(error));
    }
    if let Some(log) = log {
        aside.extend(log.place(now_s)?);
    }
    let skipped_to = known.is_none().then_some(next + 1);
    Ok(Restored { aside, skipped_to })
}

/// A log of ended jobs whose place is outside the data folder, complete beside that place.
struct Log {
    new: Unplaced,
    place: PathBuf,
    /// Keeps another c2d from the log that is there.
    _lock: Option<File>,
}

impl Log {
    /// Brings the log of a backup to its place within the new folder, or beside its place elsewhere.
    fn prepare(fresh: &Path, data_dir: &Path, config_file: Option<&Path>) -> Result<Option<Self>, UpkeepError> {
        let unpacked = fresh.join(LOG);
        // A configuration that cannot be read can be fixed afterwards; the backup is no worse for it.
        let name = log_name(fresh, config_file).unwrap_or_else(|_| LOG.into());
        if !unpacked.is_file() || name == Path::new(LOG) {
            return Ok(None);
        }
        let inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        let place = if inside { fresh.join(&name) } else { data_dir.join(&name) };
        if let Some(folder) = place.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(UpkeepError::file(folder))?;
        }
        if inside {
            fs::rename(&unpacked, &place).map_err(UpkeepError::file(&place))?;
            return Ok(None);
        }
        let lock = if place.exists() { Some(store::lock_log(&place)?) } else { None };
        let new = Unplaced(sibling(&place, &format!("restoring-{}", std::process::id())));
        let copy = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new.0)?;
            io::copy(&mut File::open(&unpacked)?, &mut file)?;
            file.sync_all()?;
            fs::remove_file(&unpacked)
        };
        copy().map_err(UpkeepError::file(&new.0))?;
        Ok(Some(Self { new, place, _lock: lock }))
    }

    /// Gives it its name; answers where what was there is now.
    fn place(self, now_s: u64) -> Result<Option<PathBuf>, UpkeepError> {
        let aside = self.place.exists().then(|| set_aside(&self.place, now_s)).transpose()?;
        fs::rename(&self.new.0, &self.place).map_err(UpkeepError::file(&self.place))?;
        Ok(aside)
    }
}

/// A file that goes unless it gets its name.
struct Unplaced(PathBuf);

impl Drop for Unplaced {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

/// Renames what is there, without replacing what an earlier restore set aside.
fn set_aside(path: &Path, now_s: u64) -> Result<PathBuf, UpkeepError> {
    let name = |n: u32| sibling(path, &if n == 0 { format!("before-{now_s}") } else { format!("before-{now_s}.{n}") });
    let aside = (0..).map(name).find(|aside| aside.symlink_metadata().is_err()).unwrap_or_else(|| name(0));
    fs::rename(path, &aside).map_err(UpkeepError::file(&aside))?;
    Ok(aside)
}

/// Takes plain files with plain names, for their owner alone, and nothing else.
fn unpack(from: File, to: &Path) -> io::Result<()> {
    let refuse = |path: &Path| io::Error::other(format!("{path:?} does not belong in it"));
    let mut tar = tar::Archive::new(io::BufReader::new(from));
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let parts: Vec<Component<'_>> = path.components().collect();
        let plain = parts.iter().all(|part| matches!(part, Component::Normal(_)));
        let placed = parts.len() == 1 || parts.len() == 2 && path.starts_with(FILES);
        if !plain || !placed || !entry.header().entry_type().is_file() {
            return Err(refuse(&path));
        }
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
        io::copy(&mut entry, &mut file)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Each file of a job holds what its name says.
fn files(folder: &Path) -> Result<(), String> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.map_err(|error| error.to_string())?.path();
        if content(&path).map_err(|error| error.to_string())? != named(&path) {
            return Err(format!("{:?} does not hold what its name says", path.file_name().unwrap_or_default()));
        }
    }
    Ok(())
}

/// What a file holds.
pub(super) fn content(path: &Path) -> io::Result<Option<BlobId>> {
    let mut hasher = BlobHasher::default();
    hasher.read(&mut File::open(path)?)?;
    Ok(Some(hasher.finish()))
}

/// What a file should hold.
pub(super) fn named(path: &Path) -> Option<BlobId> {
    path.file_name()?.to_str()?.parse().ok()
}

fn sibling(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    path.with_file_name(name)
}

/// A folder that goes unless it gets its name.
struct Fresh(PathBuf);

impl Fresh {
    fn beside(data_dir: &Path) -> Result<Self, UpkeepError> {
        let dir = sibling(data_dir, &format!("restoring-{}", std::process::id()));
        if let Some(parent) = dir.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(UpkeepError::file(parent))?;
        }
        DirBuilder::new().mode(0o700).create(&dir).map_err(UpkeepError::file(&dir))?;
        Ok(Self(dir))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}
