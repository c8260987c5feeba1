//! Blobs that jobs of this worker were given, by hash, so that a job that comes again, or the next
//! one with the same file, need not fetch it again.
//!
//! A blob lies under its name only when it is whole and verified; what has not come yet is in
//! `<hash>.part`. The oldest go when there are too many bytes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use c2_shared::blob::BlobId;
use c2_shared::limits::WORKER_FREE_BYTES_FLOOR;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use crate::detect::disk;

/// Bytes that are kept for later jobs.
const KEPT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// A blob used within this time is not removed: its job may be about to start.
const IN_USE_MS: u64 = 10 * 60 * 1_000;

/// The folder of blobs. All calls block.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens the folder, making it when it is missing.
    pub(crate) fn open_dir(dir: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Self { dir })
    }

    /// Whether a blob is here. If so it stays for a while.
    pub(crate) fn has(&self, blob: BlobId) -> bool {
        self.open(blob).is_ok()
    }

    /// Opens a blob. It stays for a while.
    pub(crate) fn open(&self, blob: BlobId) -> io::Result<File> {
        let file = File::open(self.dir.join(blob.to_string()))?;
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        futimens(&file, &Timestamps { last_access: now, last_modification: now })?;
        Ok(file)
    }

    /// The file into which a blob is fetched, with what came of it before.
    pub(crate) fn part(&self, blob: BlobId) -> io::Result<File> {
        let path = self.dir.join(format!("{blob}.part"));
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
    }

    /// Gives a blob that is whole and verified its name.
    pub(crate) fn complete(&self, blob: BlobId) -> io::Result<()> {
        std::fs::rename(self.dir.join(format!("{blob}.part")), self.dir.join(blob.to_string()))
    }

    /// Makes room for so many bytes more.
    pub(crate) fn make_room(&self, bytes: u64, now_ms: u64) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let used_ms = u64::try_from(std::os::unix::fs::MetadataExt::mtime(&metadata)).unwrap_or(0) * 1_000;
            kept.push((used_ms, metadata.len(), entry.path()));
        }
        kept.sort();
        let mut total: u64 = kept.iter().map(|(_, len, _)| len).sum();
        for (used_ms, len, path) in kept {
            let enough =
                total.saturating_add(bytes) <= KEPT_BYTES_MAX && self.free_bytes() >= bytes + WORKER_FREE_BYTES_FLOOR;
            if enough || now_ms.saturating_sub(used_ms) < IN_USE_MS {
                break;
            }
            std::fs::remove_file(path)?;
            total -= len;
        }
        if self.free_bytes() < bytes + WORKER_FREE_BYTES_FLOOR {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk of this worker is full"));
        }
        Ok(())
    }

    fn free_bytes(&self) -> u64 {
        disk::free_bytes(&self.dir).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_what_is_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open_dir(dir.path().join("blobs")).unwrap();
        let put = |content: &[u8]| {
            let blob = BlobId::of(content);
            let part = cache.part(blob).unwrap();
            // A size without the bytes: it counts, and costs the test nothing.
            part.set_len(KEPT_BYTES_MAX / 2).unwrap();
            cache.complete(blob).unwrap();
            blob
        };
        let (old, new) = (put(b"old"), put(b"new"));
        let age = |blob: BlobId, s: i64| {
            let then = Timespec { tv_sec: s, tv_nsec: 0 };
            let file = File::open(dir.path().join("blobs").join(blob.to_string())).unwrap();
            futimens(&file, &Timestamps { last_access: then, last_modification: then }).unwrap();
        };
        let exists = |blob: BlobId| dir.path().join("blobs").join(blob.to_string()).exists();
        age(old, 1_000);
        age(new, 2_000);
        cache.make_room(1, 1_000_000 + IN_USE_MS - 1).unwrap();
        assert!(exists(old) && exists(new), "both are in use");
        cache.make_room(1, 2_000_000 + IN_USE_MS).unwrap();
        assert!(!exists(old) && exists(new));
        assert!(cache.has(new) && !cache.has(old));
    }
}
