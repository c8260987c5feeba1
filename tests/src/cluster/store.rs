//! A cluster whose c2d keeps everything in PostgreSQL.

use std::path::Path;

use anyhow::Result;

use super::Cluster;
use crate::postgres_server;

impl Cluster {
    /// Starts c2d on a PostgreSQL server of its own, which waits for its disk; nothing where it is not installed.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start_on_postgres() -> Result<Option<Self>> {
        let Some(socket) = postgres_server::start(true) else { return Ok(None) };
        Ok(Some(Self::start_on(&socket).await?))
    }

    /// Starts c2d on the server whose socket is in this folder.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start_on(socket: &Path) -> Result<Self> {
        Self::start_by(on(&postgres_server::url(socket))).await
    }

    /// Has c2d keep everything in another place from its next start on; none is its folder.
    pub fn store(&mut self, url: Option<&str>) {
        self.way = url.map(on).unwrap_or_default();
    }
}

/// A way to start c2d on a database.
fn on(url: &str) -> Vec<String> {
    vec!["/usr/bin/env".to_owned(), format!("C2_STORE={url}")]
}
