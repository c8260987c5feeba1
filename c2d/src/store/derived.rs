//! Whether a file that is made from the database follows it. The log says once that it does not,
//! and once that it does again, however often it is tried in between.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// A file that is made from the database.
#[derive(Debug)]
pub(super) struct Derived {
    path: PathBuf,
    is_behind: bool,
}

impl Derived {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, is_behind: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the last attempt to bring it up to date failed.
    pub(super) const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Notes how an attempt to bring it up to date ended.
    pub(super) fn note(&mut self, result: Result<(), StoreError>) {
        match result {
            Ok(()) if std::mem::take(&mut self.is_behind) => tracing::info!("{:?} is up to date again", self.path),
            Err(error) if !std::mem::replace(&mut self.is_behind, true) => {
                let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                tracing::error!("{:?} is behind, nothing is lost, c2d retries: {why}", self.path);
            }
            Ok(()) | Err(_) => {}
        }
    }
}
