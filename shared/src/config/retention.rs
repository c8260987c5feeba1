//! How long c2d keeps what has ended.

use super::ServerConfig;

/// How long ended jobs are kept; the first bound that is passed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// See [`ServerConfig::keep_days`].
    pub keep_days: u64,
    /// See [`ServerConfig::keep_jobs`].
    pub keep_jobs: u64,
    /// See [`ServerConfig::keep_bytes`].
    pub keep_bytes: u64,
    /// See [`ServerConfig::output_keep_bytes`]: all older outputs of a job together have no more.
    pub output_keep_bytes: u64,
    /// See [`ServerConfig::keep_blob_bytes`].
    pub keep_blob_bytes: u64,
}

impl ServerConfig {
    /// How long ended jobs are kept, and how much of them.
    #[must_use]
    pub const fn retention(&self) -> Retention {
        Retention {
            keep_days: self.keep_days,
            keep_jobs: self.keep_jobs,
            keep_bytes: self.keep_bytes,
            output_keep_bytes: self.output_keep_bytes,
            keep_blob_bytes: self.keep_blob_bytes,
        }
    }
}
