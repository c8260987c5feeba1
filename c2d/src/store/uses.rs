//! Which blobs anybody needs, and who has them.

use c2_shared::blob::BlobId;
use c2_shared::id::WorkerId;

use crate::store::{History, StoreError};

impl History {
    /// Of these blobs, those that no job and no output names. What is named in long lists of files is
    /// among them all the same.
    pub async fn unused(&self, mut blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        self.ask(move |c| {
            let sql = "SELECT EXISTS (SELECT 1 FROM blob_use WHERE sha256 = ?1)
                OR EXISTS (SELECT 1 FROM output_blob WHERE sha256 = ?1)";
            let mut used = Vec::new();
            for blob in &blobs {
                if c.value(sql, [blob.0])? {
                    used.push(*blob);
                }
            }
            blobs.retain(|blob| !used.contains(blob));
            Ok(blobs)
        })
        .await
    }

    /// The workers that were given a job which names this blob, or which left it.
    pub async fn workers_with(&self, blob: BlobId) -> Result<Vec<WorkerId>, StoreError> {
        self.ask(move |c| {
            let sql = "SELECT DISTINCT worker FROM attempt WHERE job IN (SELECT job FROM blob_use WHERE sha256 = ?1
                UNION SELECT job FROM output_blob WHERE sha256 = ?1)";
            c.query(sql, [blob.0], |row| Ok(WorkerId::from(row.get::<_, String>(0)?)))
        })
        .await
    }

    /// The long lists of files.
    pub async fn long_lists(&self) -> Result<Vec<BlobId>, StoreError> {
        self.ask(move |c| {
            let sql = "SELECT DISTINCT sha256 FROM listing WHERE sha256 IS NOT NULL";
            c.query(sql, (), |row| Ok(BlobId(row.get(0)?)))
        })
        .await
    }
}
