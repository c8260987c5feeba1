//! Which ended jobs hold blobs, and how a job goes on without them: what it was and how it ended stays,
//! and in the place of what it wrote and left stands why that is gone.

use c2_shared::blob::BlobId;
use c2_shared::limits::BLOB_BYTES_MAX;

use crate::store::columns::{STDERR, STDOUT, int, to_json, uint};
use crate::store::sql::Transaction;
use crate::store::{Blobs, StoreError};

/// Why something is gone.
const REASON: &str = "removed, as all files and outputs together took more than keep_blob_bytes";

/// The oldest ended jobs that hold blobs, behind a place in the log, each with its own.
pub(super) fn oldest(t: &Transaction<'_>, after: u64, limit: i64) -> Result<Vec<(i64, u64)>, StoreError> {
    let sql = "SELECT id, seq FROM job WHERE seq > ?1 AND (EXISTS (SELECT 1 FROM output_blob WHERE job = id)
        OR EXISTS (SELECT 1 FROM blob_use WHERE job = id)) ORDER BY seq LIMIT ?2";
    t.query(sql, (int(after), limit), |row| Ok((row.get(0)?, uint(row.get(1)?))))
}

/// Lets a job go without its blobs. Answers how many bytes those have that nobody else holds.
pub(super) fn let_go(t: &Transaction<'_>, blobs: &Blobs, job: i64) -> Result<u64, StoreError> {
    let held =
        all(t, "SELECT sha256 FROM output_blob WHERE job = ?1 UNION SELECT sha256 FROM blob_use WHERE job = ?1", job)?;
    let lists = all(t, "SELECT sha256 FROM listing WHERE job = ?1 AND sha256 IS NOT NULL", job)?;
    for (stream, part) in [("stdout", STDOUT), ("stderr", STDERR)] {
        let sql = format!(
            "UPDATE output SET {stream}_reason = ?2, {stream}_dropped = {stream}_dropped + b.size
                FROM output_blob b WHERE output.job = ?1 AND b.job = ?1 AND b.number = output.number AND b.part = ?3"
        );
        t.execute(&sql, (job, REASON, part))?;
    }
    let sql = "UPDATE listing SET files = '[]', problems = ?2, sha256 = NULL
        WHERE job = ?1 AND (sha256 IS NOT NULL OR files <> '[]')";
    t.execute(sql, (job, to_json(&[REASON])))?;
    for sql in ["DELETE FROM output_blob WHERE job = ?1", "DELETE FROM blob_use WHERE job = ?1"] {
        t.execute(sql, [job])?;
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM blob_use WHERE sha256 = ?1)
        OR EXISTS (SELECT 1 FROM output_blob WHERE sha256 = ?1)";
    let mut bytes: u64 = lists.iter().map(|list| listed_bytes(blobs, *list)).sum();
    for blob in held {
        if !t.value::<bool>(sql, [blob.0])? {
            bytes += blobs.size(blob).ok().flatten().unwrap_or(0);
        }
    }
    Ok(bytes)
}

fn all(t: &Transaction<'_>, sql: &str, job: i64) -> Result<Vec<BlobId>, StoreError> {
    t.query(sql, [job], |row| Ok(BlobId(row.get(0)?)))
}

/// How many bytes the files of a long list have, as it says: whoever needs space counts again what
/// there is.
fn listed_bytes(blobs: &Blobs, list: BlobId) -> u64 {
    let files = blobs.listing(list).ok().flatten().unwrap_or_default().files;
    files.iter().map(|file| file.size.min(BLOB_BYTES_MAX)).sum()
}
