//! Contents of files on their way between a folder and a database. Each is compared with its name on the side
//! where it arrives.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::store::blob_copies::named;
use crate::store::blob_table::{self, PIECE_LEN, add_piece, add_whole};
use crate::store::blobs::{FILES, existing, read_piece};
use crate::store::folder::{private, sync_dir};
use crate::store::migration::MigrationError;
use crate::store::sql::{Connection, Transaction};
use crate::store::{BlobError, StoreError};

/// Sends all; answers how many they are, and their bytes.
pub(super) fn send(dir: &Path, t: &Transaction<'_>) -> Result<(u64, u64), MigrationError> {
    let dir = dir.join(FILES);
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(&dir).into_iter().flatten() {
        let path = entry.map_err(StoreError::file(&dir))?.path();
        let Some(blob) = named(&path) else { continue };
        let file = File::open(&path).map_err(StoreError::file(&path))?;
        let size = file.metadata().map_err(StoreError::file(&path))?.len();
        for place in 0..size.div_ceil(PIECE_LEN as u64) {
            let piece = read_piece(&file, place * PIECE_LEN as u64, PIECE_LEN).map_err(StoreError::file(&path))?;
            add_piece(t, blob, place, &piece)?;
        }
        add_whole(t, blob, size)?;
        if !blob_table::is_intact(t, blob, size)? {
            return Err(MigrationError::Differs(path.display().to_string()));
        }
        files += 1;
        bytes += size;
    }
    Ok((files, bytes))
}

/// Fetches all that are not there.
pub(super) fn fetch(c: &Connection, dir: &Path) -> Result<(u64, u64), MigrationError> {
    let dir = dir.join(FILES);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(StoreError::file(&dir))?;
    let (mut files, mut bytes) = (0, 0);
    for (blob, size) in blob_table::all(c)? {
        let path = dir.join(blob.to_string());
        let there = existing(&path).map_err(StoreError::file(&path))?;
        if there.is_none_or(|file| file.metadata().is_ok_and(|meta| meta.len() != size)) {
            let aside = dir.join(format!("{blob}.new.part"));
            let mut file = private().truncate(true).open(&aside).map_err(StoreError::file(&aside))?;
            match blob_table::fetch(c, blob, &mut file) {
                Ok(_) => std::fs::rename(&aside, &path).map_err(StoreError::file(&path))?,
                Err(BlobError::Mismatch) => return Err(MigrationError::Differs(path.display().to_string())),
                Err(error) => return Err(StoreError::from(error).into()),
            }
        }
        files += 1;
        bytes += size;
    }
    sync_dir(&dir)?;
    Ok((files, bytes))
}
