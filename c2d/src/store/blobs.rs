//! Content of files, by its SHA-256: `files/<hash>` in the data folder, and `<hash>.<sender>.part` while
//! it comes in, so that nobody spoils what another one sends.
//!
//! No name that somebody else chose ever reaches the disk. A blob is written aside, verified, synced
//! and renamed, so under its own name it is always whole. Who uses which blob stands in the
//! database; here it is only known when a blob was last asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use c2_shared::api::files::BlobStatus;
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::bytes64::Bytes64;
use c2_shared::limits::{BLOB_BYTES_MAX, BLOB_UNUSED_MS};
use rustix::fs::{FlockOperation, Timespec, Timestamps, UTIME_NOW};
use tokio::sync::Notify;

use crate::store::blob_table::BlobTable;
use crate::store::folder::{self, free_bytes, private, same_file, sync_dir};
use crate::store::sent::Sent;
use crate::store::verified::Sound;
use crate::store::{BlobError, StoreError};

/// Bytes written between two looks at the disk's free space.
const LOOK_EVERY_BYTES: u64 = 32 * 1024 * 1024;
/// Contents that come together and are synced one by one. More would take longer than whoever sent
/// them waits, so the disk is synced as a whole, with what others write to it.
const SYNCED_ONE_BY_ONE_MAX: usize = 16;
/// The folder, in that of c2d.
pub const FILES: &str = "files";
/// What follows the hash in the name of a blob that is not whole.
const PART: &str = ".part";

/// The folder of blobs; cheap to clone. All of its calls block.
#[derive(Clone, Debug)]
pub struct Blobs {
    pub(super) dir: Arc<Path>,
    /// Held while a blob is marked as asked for, and while one is looked at and removed, so that
    /// none goes that was asked for a moment ago.
    pub(super) removal: Arc<Mutex<()>>,
    /// How often contents were kept, so that each time has file names of its own.
    kept: Arc<AtomicU64>,
    pub(super) usage: Arc<Usage>,
    sent: Arc<Sent>,
    pub(super) sound: Arc<Sound>,
    /// Where several c2d have all contents.
    pub(super) table: Option<Arc<BlobTable>>,
    /// Who sends through this handle; nobody for c2d itself.
    sender: Arc<str>,
}

/// How much all blobs take together.
#[derive(Debug)]
pub(super) struct Usage {
    bytes: AtomicU64,
    /// What they may take.
    keep_bytes: u64,
    /// Says that they take more now.
    over: Notify,
    /// When c2d first looked for blobs that are not asked for; 0 for not yet. When those that only the database
    /// has were asked for before that is not known.
    pub(super) looked_ms: AtomicU64,
}

/// A blob that nobody asked for lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    pub blob: BlobId,
    /// When it was asked for last; none if only the database has it.
    pub touched_ms: Option<u64>,
}

/// A blob on its way in. Dropped before its end it leaves what came, to go on from there.
#[derive(Debug)]
pub struct Incoming {
    blobs: Blobs,
    blob: BlobId,
    file: File,
    floor: u64,
    len: u64,
    look_at: u64,
    hasher: BlobHasher,
}

impl Blobs {
    pub(super) fn open(data_dir: &Path, keep_bytes: u64, table: Option<BlobTable>) -> Result<Self, StoreError> {
        let dir = data_dir.join(FILES);
        folder::make(&dir).map_err(StoreError::file(&dir))?;
        let sent = Arc::new(Sent::load(&dir).map_err(StoreError::file(&dir))?);
        let usage =
            Arc::new(Usage { bytes: AtomicU64::new(0), keep_bytes, over: Notify::new(), looked_ms: AtomicU64::new(0) });
        let (dir, sender, table) = (dir.into(), "".into(), table.map(Arc::new));
        let (removal, kept, sound) = Default::default();
        Ok(Self { dir, removal, kept, usage, sent, sound, table, sender })
    }

    /// By how much all blobs together take more than they may.
    pub fn surplus(&self) -> u64 {
        self.usage.bytes.load(Ordering::Relaxed).saturating_sub(self.usage.keep_bytes)
    }

    /// Waits until a blob came by which they take more than they may.
    pub async fn too_many(&self) {
        self.usage.over.notified().await;
    }

    fn came(&self, bytes: u64) {
        self.usage.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.surplus() > 0 {
            self.usage.over.notify_one();
        }
    }

    /// The same folder for somebody who sends: what is not whole belongs to him alone.
    pub fn of(&self, sender: &str) -> Self {
        Self { sender: sender.into(), ..self.clone() }
    }

    /// What this sender sent, with sizes, as far as jobs may not use it yet.
    pub fn sent(&self) -> Vec<(BlobId, u64)> {
        self.sent.of(&self.sender)
    }

    /// What anybody sent, as far as jobs may not use it yet.
    pub fn sent_by_all(&self) -> Vec<BlobId> {
        self.sent.all()
    }

    /// Jobs use these blobs, so it does not matter who sent them.
    pub fn are_used(&self, blobs: &[BlobId]) {
        self.sent.forget(&self.dir, blobs);
    }

    /// Says what is there of a blob. A whole one counts as asked for.
    pub fn status(&self, blob: BlobId) -> Result<BlobStatus, BlobError> {
        let _no_removal = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = self.here(blob)? {
            touch(&file)?;
            return Ok(BlobStatus { sha256: blob, size: file.metadata()?.len(), complete: true });
        }
        self.begun(blob)
    }

    /// Says what this sender has sent of a blob that is not whole, or not for it to see.
    pub fn begun(&self, blob: BlobId) -> Result<BlobStatus, BlobError> {
        match std::fs::metadata(self.part(blob)) {
            Ok(part) => Ok(BlobStatus { sha256: blob, size: part.len(), complete: false }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(BlobStatus { sha256: blob, size: 0, complete: false }),
            Err(e) => Err(e.into()),
        }
    }

    /// Whether the disk takes so many bytes more and has `floor` left.
    pub fn check_room(&self, bytes: u64, floor: u64) -> Result<(), BlobError> {
        if bytes > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge);
        }
        // It may have been removed meanwhile.
        folder::make(&self.dir)?;
        if free_bytes(&self.dir) < floor.saturating_add(bytes) { Err(BlobError::Full) } else { Ok(()) }
    }

    /// Begins to take a blob in, or goes on with it at `offset`, for as long as the disk has `floor` left.
    pub fn receive(&self, blob: BlobId, offset: u64, floor: u64) -> Result<Incoming, BlobError> {
        folder::make(&self.dir)?;
        let mut file = private().open(self.part(blob))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(BlobError::Busy),
            Err(e) => return Err(io::Error::from(e).into()),
        }
        // Whoever held the lock before may have finished, and the name may be gone or another's.
        let named = std::fs::metadata(self.part(blob)).is_ok_and(|named| same_file(&named, &file));
        if !named {
            return Err(BlobError::Busy);
        }
        let has = file.metadata()?.len();
        if has != offset {
            return Err(BlobError::Offset { has });
        }
        let mut hasher = BlobHasher::default();
        hasher.read(&mut file)?;
        Ok(Incoming { blobs: self.clone(), blob, file, floor, len: has, look_at: has, hasher })
    }

    /// Opens a whole blob with its size. Whoever reads it verifies it.
    pub fn read(&self, blob: BlobId) -> Result<Option<(File, u64)>, BlobError> {
        let Some(file) = self.here(blob)? else { return Ok(None) };
        let size = file.metadata()?.len();
        Ok(Some((file, size)))
    }

    /// Makes contents durable under their names, if the disk has `floor` left then. Those that are there
    /// count as asked for.
    pub fn keep(&self, contents: &BTreeMap<BlobId, Bytes64>, floor: u64) -> Result<(), BlobError> {
        let missing = self.missing(contents.keys().copied())?;
        if missing.is_empty() {
            return Ok(());
        }
        let bytes = missing.iter().map(|blob| contents[blob].0.len() as u64).sum();
        self.check_room(bytes, floor)?;
        let aside: BTreeMap<BlobId, PathBuf> = missing.iter().map(|blob| (*blob, self.aside(*blob))).collect();
        let dir = File::open(&self.dir)?;
        let one_by_one = missing.len() <= SYNCED_ONE_BY_ONE_MAX;
        let write = |blob: &BlobId| {
            let mut file = private().truncate(true).open(&aside[blob])?;
            file.write_all(&contents[blob].0)?;
            if one_by_one { file.sync_all() } else { Ok(()) }
        };
        let sync = |()| if one_by_one { Ok(()) } else { Ok(rustix::fs::syncfs(&dir)?) };
        let share = |()| match &self.table {
            Some(table) => Ok(table.add_all(missing.iter().map(|blob| (*blob, contents[blob].0.as_slice())))?),
            None => Ok(()),
        };
        let written = missing.iter().try_for_each(write).and_then(sync).map_err(BlobError::from).and_then(share);
        if let Err(error) = written {
            aside.values().for_each(|aside| drop(std::fs::remove_file(aside)));
            return Err(error);
        }
        aside.iter().try_for_each(|(blob, aside)| std::fs::rename(aside, self.path(*blob)))?;
        dir.sync_all()?;
        self.came(bytes);
        Ok(())
    }

    /// Of these, the blobs that are not there; the others count as asked for.
    pub fn missing(&self, blobs: impl IntoIterator<Item = BlobId>) -> Result<Vec<BlobId>, BlobError> {
        let mut missing = Vec::new();
        for blob in blobs {
            if !self.status(blob)?.complete {
                missing.push(blob);
            }
        }
        Ok(missing)
    }

    /// The whole blobs that nobody asked for in the last `age_ms`; broken uploads of a day ago are
    /// removed. Counts how much all blobs take.
    pub fn stale(&self, now_ms: u64, age_ms: u64) -> Result<Vec<Stale>, BlobError> {
        let (mut stale, mut bytes) = self.stale_elsewhere(now_ms, age_ms)?;
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let (name, file) = (entry.file_name().into_string().unwrap_or_default(), entry.metadata()?);
            bytes += file.len();
            match (name.parse(), name.strip_suffix(PART)) {
                (Ok(blob), _) if is_stale(&file, now_ms, age_ms) => {
                    stale.push(Stale { blob, touched_ms: Some(touched_ms(&file)) });
                }
                (Err(_), Some(_)) if is_stale(&file, now_ms, BLOB_UNUSED_MS) => std::fs::remove_file(entry.path())?,
                // Not ours; whoever put it there knows why.
                (Ok(_) | Err(_), _) => {}
            }
        }
        self.usage.bytes.store(bytes, Ordering::Relaxed);
        Ok(stale)
    }

    /// Has all count as asked for now, also what is not whole.
    pub fn date_anew(&self) -> Result<(), BlobError> {
        self.usage.looked_ms.store(0, Ordering::Relaxed);
        let _no_removal = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in std::fs::read_dir(&self.dir)? {
            touch(&File::open(entry?.path())?)?;
        }
        Ok(())
    }

    /// Removes a blob that nobody names, unless somebody asked for it meanwhile; answers with its size.
    pub fn remove(&self, stale: Stale) -> Result<Option<u64>, BlobError> {
        let _no_asking = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(stale.blob);
        let Some(size) = self.size(stale.blob)? else { return Ok(None) };
        let file = std::fs::metadata(&path).ok();
        if file.as_ref().map(touched_ms) != stale.touched_ms {
            return Ok(None);
        }
        if let Some(table) = &self.table {
            table.remove(stale.blob)?;
        }
        if file.is_some() {
            std::fs::remove_file(&path)?;
        }
        self.sent.forget(&self.dir, &[stale.blob]);
        self.usage.bytes.fetch_sub(size.min(self.usage.bytes.load(Ordering::Relaxed)), Ordering::Relaxed);
        Ok(Some(size))
    }

    pub(super) fn path(&self, blob: BlobId) -> PathBuf {
        self.dir.join(blob.to_string())
    }

    /// A name for what is not whole yet, which is given once.
    pub(super) fn aside(&self, blob: BlobId) -> PathBuf {
        let number = self.kept.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!("{blob}.{number}{PART}"))
    }

    fn part(&self, blob: BlobId) -> PathBuf {
        if self.sender.is_empty() {
            return self.dir.join(format!("{blob}{PART}"));
        }
        self.dir.join(format!("{blob}.{}{PART}", self.sender))
    }
}

impl Incoming {
    /// Takes the next piece.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        if self.len + bytes.len() as u64 > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge);
        }
        if self.len >= self.look_at {
            self.blobs.check_room(bytes.len() as u64, self.floor)?;
            self.look_at = self.len + LOOK_EVERY_BYTES;
        }
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Verifies what came and makes it durable under its name. Answers its size.
    pub fn finish(mut self) -> Result<u64, BlobError> {
        let part = self.blobs.part(self.blob);
        if self.hasher.finish() != self.blob {
            std::fs::remove_file(part)?;
            return Err(BlobError::Mismatch);
        }
        self.file.flush()?;
        self.file.sync_all()?;
        if let Some(table) = &self.blobs.table {
            table.add(self.blob, &self.file)?;
        }
        if !self.blobs.sender.is_empty() {
            self.blobs.sent.note(&self.blobs.dir, &self.blobs.sender, self.blob, self.len)?;
        }
        let path = self.blobs.path(self.blob);
        let is_new = !path.exists();
        std::fs::rename(part, path)?;
        sync_dir(&self.blobs.dir).map_err(|e| BlobError::Disk(io::Error::other(e)))?;
        if is_new {
            self.blobs.came(self.len);
        }
        Ok(self.len)
    }
}

/// Reads `len` bytes at most from a position on; fewer only at the end.
pub fn read_piece(file: &File, from: u64, len: usize) -> io::Result<Vec<u8>> {
    let (mut bytes, mut read) = (vec![0; len], 0);
    while read < len {
        match file.read_at(&mut bytes[read..], from + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

pub(super) fn existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn touch(file: &File) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

fn is_stale(file: &std::fs::Metadata, now_ms: u64, age_ms: u64) -> bool {
    file.is_file() && now_ms.saturating_sub(touched_ms(file)) > age_ms
}

/// When it was last asked for, to the second: all ages here are much more.
fn touched_ms(file: &std::fs::Metadata) -> u64 {
    u64::try_from(file.mtime()).unwrap_or(0).saturating_mul(1_000)
}
