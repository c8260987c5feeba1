//! Content of files, by its SHA-256: `files/<hash>` in the data folder, and `<hash>.<sender>.part` while
//! it comes in, so that nobody spoils what another one sends.
//!
//! No name that somebody else chose ever reaches the disk. A blob is written aside, verified, synced
//! and renamed, so under its own name it is always whole. Who uses which blob stands in the
//! database; here it is only known when a blob was last asked for.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use c2_shared::api::files::BlobStatus;
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::bytes64::Bytes64;
use c2_shared::limits::{BLOB_BYTES_MAX, FREE_BYTES_FLOOR};
use rustix::fs::{FlockOperation, Timespec, Timestamps, UTIME_NOW};

use crate::store::folder::{free_bytes, private, sync_dir};
use crate::store::sent::Sent;
use crate::store::{BlobError, StoreError};

/// Bytes written between two looks at the disk's free space.
const LOOK_EVERY_BYTES: u64 = 32 * 1024 * 1024;
/// Contents that come together and are synced one by one. More would take longer than whoever sent
/// them waits, so the disk is synced as a whole, with what others write to it.
const SYNCED_ONE_BY_ONE_MAX: usize = 16;
/// What follows the hash in the name of a blob that is not whole.
const PART: &str = ".part";

/// The folder of blobs; cheap to clone. All of its calls block.
#[derive(Clone, Debug)]
pub struct Blobs {
    dir: Arc<Path>,
    /// Held while a blob is marked as asked for, and while one is looked at and removed, so that
    /// none goes that was asked for a moment ago.
    removal: Arc<Mutex<()>>,
    /// How often contents were kept, so that each time has file names of its own.
    kept: Arc<AtomicU64>,
    sent: Arc<Sent>,
    /// Who sends through this handle; nobody for c2d itself.
    sender: Arc<str>,
    /// Free space that must be left.
    floor: u64,
}

/// A blob on its way in. Dropped before its end it leaves what came, to go on from there.
#[derive(Debug)]
pub struct Incoming {
    blobs: Blobs,
    blob: BlobId,
    file: File,
    len: u64,
    look_at: u64,
    hasher: BlobHasher,
}

impl Blobs {
    pub(super) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let dir = data_dir.join("files");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(StoreError::file(&dir))?;
        let sent = Arc::new(Sent::load(&dir).map_err(StoreError::file(&dir))?);
        let (dir, sender) = (dir.into(), "".into());
        Ok(Self { dir, removal: Arc::default(), kept: Arc::default(), sent, sender, floor: FREE_BYTES_FLOOR })
    }

    /// The same folder for somebody who sends: what is not whole belongs to him alone, and so much space
    /// must be left.
    pub fn of(&self, sender: &str, floor: u64) -> Self {
        Self { sender: sender.into(), floor, ..self.clone() }
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
        let status = |size, complete| BlobStatus { sha256: blob, size, complete };
        if let Some(file) = existing(&self.path(blob))? {
            touch(&file)?;
            return Ok(status(file.metadata()?.len(), true));
        }
        Ok(match std::fs::metadata(self.part(blob)) {
            Ok(part) => status(part.len(), false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => status(0, false),
            Err(e) => return Err(e.into()),
        })
    }

    /// Whether the disk takes so many bytes more.
    pub fn check_room(&self, bytes: u64) -> Result<(), BlobError> {
        if bytes > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge);
        }
        if free_bytes(&self.dir) < self.floor.saturating_add(bytes) { Err(BlobError::Full) } else { Ok(()) }
    }

    /// Begins to take a blob in, or goes on with it at `offset`.
    pub fn receive(&self, blob: BlobId, offset: u64) -> Result<Incoming, BlobError> {
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
        Ok(Incoming { blobs: self.clone(), blob, file, len: has, look_at: has, hasher })
    }

    /// Opens a whole blob from a position on, with its size.
    pub fn read(&self, blob: BlobId) -> Result<Option<(File, u64)>, BlobError> {
        let Some(file) = existing(&self.path(blob))? else { return Ok(None) };
        let size = file.metadata()?.len();
        Ok(Some((file, size)))
    }

    /// The content of a blob that is there and has at most `max` bytes.
    pub fn content(&self, blob: BlobId, max: usize) -> Result<Option<Vec<u8>>, BlobError> {
        let Some((mut file, size)) = self.read(blob)? else { return Ok(None) };
        let len = usize::try_from(size).ok().filter(|len| *len <= max);
        Ok(len.map(|len| read_piece(&mut file, 0, len)).transpose()?)
    }

    /// Makes contents durable under their names. Those that are there count as asked for.
    pub fn keep(&self, contents: &BTreeMap<BlobId, Bytes64>) -> Result<(), BlobError> {
        let missing = self.missing(contents.keys().copied())?;
        if missing.is_empty() {
            return Ok(());
        }
        self.check_room(missing.iter().map(|blob| contents[blob].0.len() as u64).sum())?;
        let number = self.kept.fetch_add(1, Ordering::Relaxed);
        let aside = |blob: &BlobId| self.dir.join(format!("{blob}.{number}{PART}"));
        let dir = File::open(&self.dir)?;
        let one_by_one = missing.len() <= SYNCED_ONE_BY_ONE_MAX;
        let write = |blob: &BlobId| {
            let mut file = private().truncate(true).open(aside(blob))?;
            file.write_all(&contents[blob].0)?;
            if one_by_one { file.sync_all() } else { Ok(()) }
        };
        let sync = |()| if one_by_one { Ok(()) } else { Ok(rustix::fs::syncfs(&dir)?) };
        let written = missing.iter().try_for_each(write).and_then(sync);
        if let Err(error) = written {
            missing.iter().for_each(|blob| drop(std::fs::remove_file(aside(blob))));
            return Err(error.into());
        }
        missing.iter().try_for_each(|blob| std::fs::rename(aside(blob), self.path(*blob)))?;
        Ok(dir.sync_all()?)
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

    /// The whole blobs that nobody asked for in this time; broken uploads of that age are removed.
    pub fn stale(&self, now_ms: u64, age_ms: u64) -> Result<Vec<BlobId>, BlobError> {
        let mut stale = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if !is_stale(&entry.metadata()?, now_ms, age_ms) {
                continue;
            }
            match (name.parse(), name.strip_suffix(PART)) {
                (Ok(blob), _) => stale.push(blob),
                (Err(_), Some(_)) => std::fs::remove_file(entry.path())?,
                // Not ours; whoever put it there knows why.
                (Err(_), None) => {}
            }
        }
        Ok(stale)
    }

    /// Removes a blob that no job names, unless somebody asked for it meanwhile; answers with its size.
    pub fn remove(&self, blob: BlobId, now_ms: u64, age_ms: u64) -> Result<Option<u64>, BlobError> {
        let _no_asking = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(blob);
        let stale = std::fs::metadata(&path).ok().filter(|file| is_stale(file, now_ms, age_ms));
        let Some(file) = stale else { return Ok(None) };
        std::fs::remove_file(&path)?;
        self.sent.forget(&self.dir, &[blob]);
        Ok(Some(file.len()))
    }

    fn path(&self, blob: BlobId) -> PathBuf {
        self.dir.join(blob.to_string())
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
            self.blobs.check_room(bytes.len() as u64)?;
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
        if !self.blobs.sender.is_empty() {
            self.blobs.sent.note(&self.blobs.dir, &self.blobs.sender, self.blob, self.len)?;
        }
        std::fs::rename(part, self.blobs.path(self.blob))?;
        sync_dir(&self.blobs.dir).map_err(|e| BlobError::Disk(io::Error::other(e)))?;
        Ok(self.len)
    }
}

/// Reads `len` bytes at most from a position on; fewer only at the end.
pub fn read_piece(file: &mut File, from: u64, len: usize) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    file.seek(io::SeekFrom::Start(from))?;
    let mut bytes = Vec::with_capacity(len);
    file.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn same_file(named: &std::fs::Metadata, file: &File) -> bool {
    file.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

fn touch(file: &File) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

fn is_stale(file: &std::fs::Metadata, now_ms: u64, age_ms: u64) -> bool {
    let touched_ms = u64::try_from(file.mtime()).unwrap_or(0).saturating_mul(1_000);
    file.is_file() && now_ms.saturating_sub(touched_ms) > age_ms
}
