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
            let mut statement = c.prepare_cached(sql)?;
            let mut used = Vec::new();
            for blob in &blobs {
                if statement.query_row([blob.0], |row| row.get(0))? {
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
            let mut statement = c.prepare_cached(sql)?;
            let workers = statement.query_map([blob.0], |row| row.get::<_, String>(0).map(WorkerId::from))?;
            Ok(workers.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The long lists of files.
    pub async fn long_lists(&self) -> Result<Vec<BlobId>, StoreError> {
        self.ask(move |c| {
            let sql = "SELECT DISTINCT sha256 FROM listing WHERE sha256 IS NOT NULL";
            let mut statement = c.prepare_cached(sql)?;
            let lists = statement.query_map([], |row| row.get(0).map(BlobId))?;
            Ok(lists.collect::<Result<_, _>>()?)
        })
        .await
    }
}
