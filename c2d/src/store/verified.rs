//! Blobs that are looked at before they are used: what is not what its name says is set aside, so that it counts as
//! missing and can be sent again. It stays beside the others, as there may be no other copy of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use c2_shared::api::files::Listing;
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::limits::LISTING_BYTES_MAX;

use crate::store::blobs::read_piece;
use crate::store::folder::same_file;
use crate::store::{BlobError, Blobs};

/// What follows the hash in the name of what is no longer that blob.
const DAMAGED: &str = ".damaged";

/// Blobs that are remembered as verified; whoever reads on in a long output has few.
const SOUND_LEN_MAX: usize = 1_024;
/// Smaller ones are verified each time: that is quick, and they may be written twice within one tick of the clock.
const SOUND_BYTES_MIN: u64 = 1 << 20;

/// Files that were found to be what their names say, with what tells them from any that were written since: to read
/// on in a long one is not to hash it again.
#[derive(Debug, Default)]
pub(super) struct Sound(Mutex<BTreeMap<BlobId, State>>);

/// Its number on the disk, its size, and when it was last written.
type State = (u64, u64, i64, i64);

impl Sound {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<BlobId, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blobs {
    /// Opens a whole blob with its size, if it is what its name says.
    pub fn verified(&self, blob: BlobId) -> Result<Option<(File, u64)>, BlobError> {
        let Some((mut file, size)) = self.read(blob)? else { return Ok(None) };
        let meta = file.metadata()?;
        let state = (meta.ino(), size, meta.mtime(), meta.mtime_nsec());
        if self.sound.lock().get(&blob) == Some(&state) {
            return Ok(Some((file, size)));
        }
        let mut hasher = BlobHasher::default();
        hasher.read(&mut file)?;
        if hasher.finish() == blob {
            let mut sound = self.sound.lock();
            if sound.len() >= SOUND_LEN_MAX {
                sound.clear();
            }
            if size >= SOUND_BYTES_MIN {
                sound.insert(blob, state);
            }
            return Ok(Some((file, size)));
        }
        self.set_aside(blob, &file)?;
        // Where several c2d have all contents, another copy is fetched, which is verified then.
        self.read(blob)
    }

    /// The content of a blob that is there and has at most `max` bytes.
    pub fn content(&self, blob: BlobId, max: usize) -> Result<Option<Vec<u8>>, BlobError> {
        let Some((file, size)) = self.read(blob)? else { return Ok(None) };
        let Some(len) = usize::try_from(size).ok().filter(|len| *len <= max) else { return Ok(None) };
        let content = read_piece(&file, 0, len)?;
        if BlobId::of(&content) == blob {
            return Ok(Some(content));
        }
        self.set_aside(blob, &file)?;
        Ok(None)
    }

    /// A long list of the files that a job left; none if it is not there or no such list.
    pub fn listing(&self, blob: BlobId) -> Result<Option<Listing>, BlobError> {
        let content = self.content(blob, LISTING_BYTES_MAX)?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// This file was found to be something else than the blob whose name it has.
    pub fn set_aside(&self, blob: BlobId, file: &File) -> Result<(), BlobError> {
        let _no_asking = self.removal.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(blob);
        // It may have been sent again meanwhile.
        if std::fs::metadata(&path).is_ok_and(|named| same_file(&named, file)) {
            let aside = self.dir.join(format!("{blob}{DAMAGED}"));
            std::fs::rename(path, &aside)?;
            tracing::error!("a file was damaged on the disk and counts as missing; it is kept as {}", aside.display());
        }
        Ok(())
    }

    /// Whether a blob is missing because it was damaged.
    pub fn is_damaged(&self, blob: BlobId) -> bool {
        self.dir.join(format!("{blob}{DAMAGED}")).exists()
    }
}
