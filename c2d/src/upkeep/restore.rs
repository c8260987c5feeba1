//! A copy put back in the place of the data folder, after it was found whole.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use c2_shared::advice::with_causes;
use c2_shared::blob::{BlobHasher, BlobId};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::history::log_name;
use super::parts::{Parts, parent};
use super::summed::Summed;
use super::{DATABASE, FILES, LOG, SUMS, UpkeepError};
use crate::{access, store};

/// How far job ids move on. Nobody can say which ones were given after the backup, as what is in the place of the
/// folder may be of another c2d; and a worker must never take a new job for an old one that it still knows.
const IDS_SKIPPED: u64 = 1_000_000;
/// How what is not complete is called behind the name of its place, before a number.
const RESTORING: &str = "restoring-";

/// A backup that was put back.
pub(super) struct Restored {
    /// Where what was there before is now.
    pub(super) aside: Vec<PathBuf>,
    /// The next job's number.
    pub(super) next: u64,
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
    // A link stays what it is: what it leads to is replaced.
    let data_dir = &if there { data_dir.canonicalize().map_err(UpkeepError::file(data_dir))? } else { data_dir.into() };
    // Held until the end, so that no c2d begins meanwhile.
    let _lock = if there { Some(store::lock(data_dir)?) } else { None };
    if there && is_mounted(data_dir) {
        return Err(UpkeepError::Mounted(data_dir.clone()));
    }
    let fresh = Parts::new(parent(data_dir), &name_of(data_dir, RESTORING))?;
    let damaged = |why: String| UpkeepError::Damaged { path: from.to_owned(), why };
    let file = File::open(from).map_err(UpkeepError::file(from))?;
    unpack(file, &fresh.dir).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => UpkeepError::file(&fresh.dir)(error),
        _ => damaged(error.to_string()),
    })?;
    let database = fresh.join(DATABASE);
    if !database.is_file() {
        return Err(damaged("there is no database in it".to_owned()));
    }
    store::examine(&database).map_err(|error| damaged(with_causes(&error)))?;
    files(&fresh.join(FILES)).map_err(damaged)?;
    crate::authority::examine(&fresh.dir).map_err(|error| damaged(with_causes(&error)))?;
    access::examine(&fresh.dir).map_err(|error| damaged(with_causes(&error)))?;
    let known = if there { store::last_job(&data_dir.join(DATABASE)).unwrap_or(0) } else { 0 };
    let last = store::last_job(&database)?.max(known) + IDS_SKIPPED;
    store::move_ids_on(&database, last)?;

    let log = Log::prepare(&fresh.dir, data_dir, config_file)?;
    let mut aside: Vec<PathBuf> = put_in_place(&fresh.dir, data_dir, now_s)?.into_iter().collect();
    if let Some(log) = log {
        aside.extend(put_in_place(&log.new.0, &log.place, now_s)?);
    }
    Ok(Restored { aside, next: last + 1 })
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
        // A link stays one.
        let place = place.canonicalize().unwrap_or(place);
        if let Some(folder) = place.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(UpkeepError::file(folder))?;
        }
        if inside {
            fs::rename(&unpacked, &place).map_err(UpkeepError::file(&place))?;
            return Ok(None);
        }
        let lock = if place.exists() { Some(store::lock_log(&place)?) } else { None };
        let new = Unplaced(place.with_file_name(name_of(&place, &format!("{RESTORING}{}", std::process::id()))));
        let copy = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new.0)?;
            io::copy(&mut File::open(&unpacked)?, &mut file)?;
            file.sync_all()?;
            fs::remove_file(&unpacked)
        };
        copy().map_err(UpkeepError::file(&new.0))?;
        Ok(Some(Self { new, place, _lock: lock }))
    }
}

/// A file that goes unless it gets its name.
struct Unplaced(PathBuf);

impl Drop for Unplaced {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

/// Gives something new the name of what is there, in one step where the file system can do that; answers where what
/// was there is now.
fn put_in_place(new: &Path, place: &Path, now_s: u64) -> Result<Option<PathBuf>, UpkeepError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => UpkeepError::Mounted(place.to_owned()),
        _ => UpkeepError::file(place)(error),
    };
    let aside = if place.symlink_metadata().is_ok() {
        let name = |n: u32| if n == 0 { format!("before-{now_s}") } else { format!("before-{now_s}.{n}") };
        let mut names = (0..).map(|n| place.with_file_name(name_of(place, &name(n))));
        let aside = names.find(|aside| aside.symlink_metadata().is_err()).unwrap_or_else(|| place.join("before"));
        exchange(new, place, &aside).map_err(failed)?;
        Some(aside)
    } else {
        fs::rename(new, place).map_err(failed)?;
        None
    };
    File::open(parent(place)).and_then(|parent| parent.sync_all()).map_err(UpkeepError::file(place))?;
    Ok(aside)
}

/// Something is in the place at each moment, and what was there never has a name that the next restore sweeps.
fn exchange(new: &Path, place: &Path, aside: &Path) -> io::Result<()> {
    fs::rename(new, aside)?;
    match renameat_with(CWD, aside, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => return Ok(()),
        // Some file systems cannot; what is missing then for a moment is beside its place.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::rename(aside, new)?,
        Err(error) => {
            fs::rename(aside, new)?;
            return Err(error.into());
        }
    }
    fs::rename(place, aside)?;
    fs::rename(new, place).or_else(|error| fs::rename(aside, place).and(Err(error)))
}

/// Whether a disk is mounted there, so that the folder cannot get another name.
fn is_mounted(dir: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    device(dir) != device(parent(dir))
}

/// Takes plain files with plain names, for their owner alone, and nothing else.
fn unpack(from: File, to: &Path) -> io::Result<()> {
    let refuse = |path: &Path| io::Error::other(format!("{path:?} does not belong in it"));
    let mut tar = tar::Archive::new(io::BufReader::new(from));
    let (mut found, mut sums) = (BTreeMap::new(), String::new());
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let parts: Vec<Component<'_>> = path.components().collect();
        let plain = parts.iter().all(|part| matches!(part, Component::Normal(_)));
        let placed = parts.len() == 1 || parts.len() == 2 && path.starts_with(FILES);
        if !plain || !placed || !entry.header().entry_type().is_file() {
            return Err(refuse(&path));
        }
        if path == Path::new(SUMS) {
            entry.read_to_string(&mut sums)?;
            continue;
        }
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
        let mut entry = Summed::new(entry);
        io::copy(&mut entry, &mut file)?;
        file.sync_all()?;
        found.insert(path.display().to_string(), entry.hasher.finish().to_string());
    }
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(|| io::Error::other("its sums cannot be read"))?;
        // One that is not there was taken out.
        if found.get(name).is_some_and(|found| found != sum) {
            return Err(io::Error::other(format!("{name} does not hold what was backed up")));
        }
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

fn name_of(path: &Path, what: &str) -> OsString {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    name
}
