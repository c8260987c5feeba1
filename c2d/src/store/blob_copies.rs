//! A folder of blobs as a copy of what the database of several c2d has: what is missing is fetched, what only
//! the folder has is sent.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use c2_shared::blob::{BlobHasher, BlobId};

use crate::store::blobs::existing;
use crate::store::folder::private;
use crate::store::{BlobError, Blobs, Stale};

impl Blobs {
    /// The size of a whole blob.
    pub fn size(&self, blob: BlobId) -> Result<Option<u64>, BlobError> {
        match (std::fs::metadata(self.path(blob)), &self.table) {
            (Ok(file), _) => Ok(Some(file.len())),
            (Err(e), Some(table)) if e.kind() == io::ErrorKind::NotFound => Ok(table.size(blob)?),
            (Err(e), None) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            (Err(e), _) => Err(e.into()),
        }
    }

    /// The file of a whole blob, which may have to be fetched.
    pub(super) fn here(&self, blob: BlobId) -> Result<Option<File>, BlobError> {
        if let Some(file) = existing(&self.path(blob))? {
            return Ok(Some(file));
        }
        let Some(table) = &self.table else { return Ok(None) };
        if table.size(blob)?.is_none() {
            return Ok(None);
        }
        let aside = self.aside(blob);
        let fetched = private().truncate(true).open(&aside).map_err(BlobError::from);
        match fetched.and_then(|mut file| table.fetch(blob, &mut file)) {
            Ok(Some(_)) => {
                std::fs::rename(aside, self.path(blob))?;
                Ok(existing(&self.path(blob))?)
            }
            other => {
                // What cannot be removed is looked for once a day.
                let _gone = std::fs::remove_file(aside);
                if matches!(other, Err(BlobError::Mismatch)) {
                    tracing::error!("the database holds something else under {blob}; it has to be sent again");
                    table.remove(blob)?;
                    return Ok(None);
                }
                other.map(|_| None)
            }
        }
    }

    /// Sends what only this c2d has to the others.
    pub(super) fn share(&self) -> Result<(), BlobError> {
        let Some(table) = &self.table else { return Ok(()) };
        let there: BTreeSet<BlobId> = table.all()?.into_iter().map(|(blob, _)| blob).collect();
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let Some(blob) = named(&path).filter(|blob| !there.contains(blob)) else { continue };
            let mut file = File::open(&path)?;
            let mut hasher = BlobHasher::default();
            hasher.read(&mut file)?;
            if hasher.finish() == blob {
                table.add(blob, &file)?;
            }
        }
        Ok(())
    }

    /// The blobs that only the database has and that were not asked for in the last `age_ms`, with the bytes of all that
    /// only the database has.
    pub(super) fn stale_elsewhere(&self, now_ms: u64, age_ms: u64) -> Result<(Vec<Stale>, u64), BlobError> {
        let Some(table) = &self.table else { return Ok((Vec::new(), 0)) };
        let looked_ms = self
            .usage
            .looked_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |looked_ms| (looked_ms == 0).then_some(now_ms));
        let looked_ms = looked_ms.err().unwrap_or(now_ms);
        let mut elsewhere = table.all()?;
        elsewhere.retain(|(blob, _)| !self.path(*blob).exists());
        let bytes = elsewhere.iter().map(|(_, size)| size).sum();
        elsewhere.retain(|_| now_ms.saturating_sub(looked_ms) > age_ms);
        Ok((elsewhere.into_iter().map(|(blob, _)| Stale { blob, touched_ms: None }).collect(), bytes))
    }
}

/// The whole blob that a file in the folder is, by its name.
pub(super) fn named(path: &Path) -> Option<BlobId> {
    path.file_name()?.to_str()?.parse().ok()
}
