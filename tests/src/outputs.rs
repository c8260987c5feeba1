//! How much c2d keeps of what jobs write.

use anyhow::Result;

use crate::cluster::Cluster;

impl Cluster {
    /// Has c2d keep so many bytes of each output stream.
    ///
    /// # Errors
    /// When it cannot be started with that.
    pub async fn keep_output(&mut self, bytes: u64) -> Result<()> {
        self.kill_c2d()?;
        std::fs::write(self.data_dir().join("config.json"), format!("{{\"output_keep_bytes\": {bytes}}}"))?;
        self.restart_c2d().await
    }
}
