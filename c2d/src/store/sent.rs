//! Who sent which content that no job may be using yet: a file beside it, `<hash>.<sender>.sent`, so that
//! it is known after a restart.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use c2_shared::blob::BlobId;

/// What follows hash and sender in the name of such a file.
const SENT: &str = ".sent";

/// Contents by who sent them, with their sizes.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<BTreeMap<(String, BlobId), u64>>);

impl Sent {
    /// Reads which there are in a folder of blobs; files about blobs that are gone go as well.
    pub(super) fn load(dir: &Path) -> io::Result<Self> {
        let mut sent = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let Some((blob, sender)) = name.strip_suffix(SENT).and_then(|name| name.split_once('.')) else { continue };
            let Ok(blob) = blob.parse::<BlobId>() else { continue };
            match fs::metadata(dir.join(blob.to_string())) {
                Ok(meta) => drop(sent.insert((sender.to_owned(), blob), meta.len())),
                Err(_) => fs::remove_file(entry.path())?,
            }
        }
        Ok(Self(Mutex::new(sent)))
    }

    /// Notes that a sender is about to have sent a blob.
    pub(super) fn note(&self, dir: &Path, sender: &str, blob: BlobId, size: u64) -> io::Result<()> {
        super::folder::private().open(file(dir, sender, blob))?;
        self.lock().insert((sender.to_owned(), blob), size);
        Ok(())
    }

    /// What a sender has sent, with sizes.
    pub(super) fn of(&self, sender: &str) -> Vec<(BlobId, u64)> {
        let sent = self.lock();
        sent.iter().filter(|((by, _), _)| by == sender).map(|((_, blob), size)| (*blob, *size)).collect()
    }

    pub(super) fn all(&self) -> Vec<BlobId> {
        self.lock().keys().map(|(_, blob)| *blob).collect()
    }

    /// These blobs are of use to a job, or gone: it does not matter any more who sent them.
    pub(super) fn forget(&self, dir: &Path, blobs: &[BlobId]) {
        self.lock().retain(|(sender, blob), _| {
            let stays = !blobs.contains(blob);
            if !stays {
                // What is left by a failure goes with the next start.
                let _gone = fs::remove_file(file(dir, sender, *blob));
            }
            stays
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, BlobId), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file(dir: &Path, sender: &str, blob: BlobId) -> PathBuf {
    dir.join(format!("{blob}.{sender}{SENT}"))
}
