//! Contents of files in the database of several c2d, so that each of them has all when it leads. What lies
//! in the folder of one of them is a copy of what it needed so far.
//!
//! A content is there when its row in `blob` is; its pieces come before. Pieces of the same content are the
//! same, no matter which c2d sends them, so what a break left does no harm.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::sync::{Mutex, PoisonError};

use c2_shared::blob::{BlobHasher, BlobId};

use crate::store::blobs::read_piece;
use crate::store::columns::{int, uint};
use crate::store::sql::postgres::Postgres;
use crate::store::sql::{Connection, Target, Transaction};
use crate::store::{BlobError, StoreError};

/// Bytes of a piece. Another size than that of pieces that are there would spoil them.
pub(super) const PIECE_LEN: usize = 1 << 20;
/// Pieces that are committed together.
const PIECES_AT_ONCE: usize = 8;

/// The contents, for a c2d that leads.
#[derive(Debug)]
pub(super) struct BlobTable {
    target: Target,
    epoch: i64,
    /// None after a break; the next one who asks connects again.
    connection: Mutex<Option<Connection>>,
}

impl BlobTable {
    /// Connects, and removes what breaks left.
    pub(super) fn open(target: &Target, epoch: i64) -> Result<Self, StoreError> {
        let table = Self { target: target.clone(), epoch, connection: Mutex::default() };
        table.with(|c| {
            let sql = "DELETE FROM blob_piece WHERE NOT EXISTS
                (SELECT 1 FROM blob WHERE blob.sha256 = blob_piece.sha256)";
            c.execute(sql, ())
        })?;
        Ok(table)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::Postgres(Box::new(Postgres::writer(&self.target, Some(self.epoch), "")?)),
        };
        let done = work(&mut connection);
        if done.is_ok() {
            *kept = Some(connection);
        }
        done
    }

    /// All contents, with their sizes.
    pub(super) fn all(&self) -> Result<Vec<(BlobId, u64)>, StoreError> {
        self.with(|c| all(c))
    }

    /// The size of one that is there.
    pub(super) fn size(&self, blob: BlobId) -> Result<Option<u64>, StoreError> {
        self.with(|c| size(c, blob))
    }

    /// Adds the content of a file.
    pub(super) fn add(&self, blob: BlobId, file: &File) -> Result<(), BlobError> {
        if self.size(blob)?.is_some() {
            return Ok(());
        }
        let mut place = 0;
        loop {
            let mut pieces = Vec::new();
            while pieces.len() < PIECES_AT_ONCE {
                let from = (place + pieces.len() as u64) * PIECE_LEN as u64;
                let piece = read_piece(file, from, PIECE_LEN)?;
                let is_last = piece.len() < PIECE_LEN;
                pieces.push(piece);
                if is_last {
                    break;
                }
            }
            let last = pieces.last().map_or(0, Vec::len);
            let end = (last < PIECE_LEN).then(|| (place + pieces.len() as u64 - 1) * PIECE_LEN as u64 + last as u64);
            self.with(|c| {
                let t = c.transaction()?;
                pieces.iter().zip(place..).try_for_each(|(piece, place)| add_piece(&t, blob, place, piece))?;
                end.map_or(Ok(()), |size| add_whole(&t, blob, size))?;
                t.commit()
            })?;
            if end.is_some() {
                return Ok(());
            }
            place += pieces.len() as u64;
        }
    }

    /// Adds contents, all or none.
    pub(super) fn add_all<'a>(&self, contents: impl Iterator<Item = (BlobId, &'a [u8])>) -> Result<(), StoreError> {
        self.with(|c| {
            let t = c.transaction()?;
            for (blob, content) in contents {
                content.chunks(PIECE_LEN).zip(0..).try_for_each(|(piece, place)| add_piece(&t, blob, place, piece))?;
                add_whole(&t, blob, content.len() as u64)?;
            }
            t.commit()
        })
    }

    /// Writes a content into a file, if it is there, and makes it durable; it is as its name says then.
    pub(super) fn fetch(&self, blob: BlobId, to: &mut File) -> Result<Option<u64>, BlobError> {
        // It may take long, and others have something to add meanwhile.
        let connection = Connection::Postgres(Box::new(Postgres::reader(&self.target)?));
        fetch(&connection, blob, to)
    }

    /// Removes one.
    pub(super) fn remove(&self, blob: BlobId) -> Result<(), StoreError> {
        self.with(|c| {
            let t = c.transaction()?;
            for sql in ["DELETE FROM blob WHERE sha256 = ?1", "DELETE FROM blob_piece WHERE sha256 = ?1"] {
                t.execute(sql, [blob.0])?;
            }
            t.commit()
        })
    }
}

/// Writes a content into a file, if it is there, and makes it durable.
pub(super) fn fetch(c: &Connection, blob: BlobId, to: &mut File) -> Result<Option<u64>, BlobError> {
    let Some(size) = size(c, blob)? else { return Ok(None) };
    to.rewind()?;
    if !read(c, blob, size, |piece| to.write_all(piece).map_err(BlobError::from))? {
        return Err(BlobError::Mismatch);
    }
    to.sync_all()?;
    Ok(Some(size))
}

/// Whether a content is as its name says.
pub(super) fn is_intact(c: &Connection, blob: BlobId, size: u64) -> Result<bool, StoreError> {
    read(c, blob, size, |_| Ok(()))
}

/// Goes through the pieces of a content in their order; answers whether it is as its name says.
fn read<E: From<StoreError>>(
    c: &Connection,
    blob: BlobId,
    size: u64,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<bool, E> {
    let mut hasher = BlobHasher::default();
    for place in 0..size.div_ceil(PIECE_LEN as u64) {
        let piece = piece(c, blob, place)?;
        hasher.update(&piece);
        each(&piece)?;
    }
    Ok(hasher.finish() == blob)
}

/// All contents, with their sizes.
pub(super) fn all(c: &Connection) -> Result<Vec<(BlobId, u64)>, StoreError> {
    c.query("SELECT sha256, size FROM blob", (), |row| Ok((BlobId(row.get(0)?), uint(row.get(1)?))))
}

/// The size of a content that is there.
pub(super) fn size(c: &Connection, blob: BlobId) -> Result<Option<u64>, StoreError> {
    Ok(c.optional::<i64>("SELECT size FROM blob WHERE sha256 = ?1", [blob.0])?.map(uint))
}

fn piece(c: &Connection, blob: BlobId, place: u64) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT bytes FROM blob_piece WHERE sha256 = ?1 AND place = ?2";
    Ok(c.optional(sql, (blob.0, int(place)))?.unwrap_or_default())
}

pub(super) fn add_piece(t: &Transaction<'_>, blob: BlobId, place: u64, piece: &[u8]) -> Result<(), StoreError> {
    if piece.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO blob_piece VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    t.write(sql, (blob.0, int(place), piece), false)
}

pub(super) fn add_whole(t: &Transaction<'_>, blob: BlobId, size: u64) -> Result<(), StoreError> {
    t.write("INSERT INTO blob VALUES (?1, ?2) ON CONFLICT DO NOTHING", (blob.0, int(size)), false)
}
