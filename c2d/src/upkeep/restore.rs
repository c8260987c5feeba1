//! A copy put back in the place of the data folder, after it was found whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use c2_shared::blob::{BlobHasher, BlobId};

use super::{DATABASE, FILES, UpkeepError};
use crate::store;

/// How far job ids move on when nobody can say which ones were given after the backup: a worker
/// must never take a new job for an old one that it still knows.
const IDS_SKIPPED: u64 = 1_000_000;

/// Puts a backup in the place of the data folder. What was there stays beside it; answers where.
///
/// # Errors
/// When a c2d uses the folder, or the backup is not whole. Nothing was changed then.
pub(super) fn restore(data_dir: &Path, from: &Path, now_s: u64) -> Result<Option<PathBuf>, UpkeepError> {
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

    let aside = there.then(|| sibling(data_dir, &format!("before-{now_s}")));
    if let Some(aside) = &aside {
        fs::rename(data_dir, aside).map_err(UpkeepError::file(aside))?;
    }
    if let Err(error) = fs::rename(&fresh.0, data_dir) {
        if let Some(aside) = &aside {
            fs::rename(aside, data_dir).map_err(UpkeepError::file(data_dir))?;
        }
        return Err(UpkeepError::file(data_dir)(error));
    }
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

fn sibling(data_dir: &Path, what: &str) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    data_dir.with_file_name(name)
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
