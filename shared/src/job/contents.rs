//! What a job brings along: inside its specification, or as blobs that it names.

use super::JobSpec;
use crate::blob::BlobId;

/// A blob that a job needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its name.
    pub blob: BlobId,
    /// The field of the specification that names it.
    pub field: &'static str,
    /// What it is, in words.
    pub what: String,
}

impl JobSpec {
    /// The blobs that have to be where the job starts.
    pub fn blobs(&self) -> impl Iterator<Item = Needed> {
        let stdin = self.stdin_sha256.map(|blob| Needed { blob, field: "stdin_sha256", what: "stdin".to_owned() });
        let uploads = self.upload.iter().filter_map(|upload| {
            Some(Needed { blob: upload.sha256?, field: "upload", what: format!("upload {:?}", upload.path) })
        });
        stdin.into_iter().chain(uploads)
    }

    /// Bytes of all contents that stand in the specification itself.
    #[must_use]
    pub fn inline_bytes(&self) -> usize {
        let contents = self.upload.iter().filter_map(|upload| upload.content.as_ref()).chain(&self.stdin);
        contents.map(|content| content.0.len()).sum()
    }
}
