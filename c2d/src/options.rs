//! The command line of c2d. Flags win over the environment, the environment over the file.

use std::net::IpAddr;
use std::path::PathBuf;

use c2_shared::config::{self, ConfigError, ServerConfig};
use clap::Parser;

/// Name of the configuration file in the data folder.
const CONFIG_FILE: &str = "config.json";

/// The coordinator of C2: keeps the queue of jobs and gives them to the workers.
#[derive(Clone, Debug, Parser)]
#[command(name = "c2d", version)]
pub struct Options {
    /// Configuration file [default: config.json in the data folder, if it is there]
    #[arg(long, value_name = "FILE", env = "C2D_CONFIG")]
    config: Option<PathBuf>,
    /// Folder for everything that c2d keeps [default: ~/.local/state/c2d]
    #[arg(long, value_name = "DIR", env = "C2_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "IP", env = "C2D_HOST")]
    host: Option<IpAddr>,
    /// Port to listen on; 0 takes any free one
    #[arg(long, value_name = "PORT", env = "C2D_PORT")]
    port: Option<u16>,
}

impl Options {
    /// The data folder and the configuration that these options mean.
    ///
    /// # Errors
    /// When a configuration file cannot be used.
    pub fn resolve(self) -> Result<(PathBuf, ServerConfig), ConfigError> {
        let data_dir = self.data_dir.unwrap_or_else(config::default_data_dir);
        let file = self.config.or_else(|| Some(data_dir.join(CONFIG_FILE)).filter(|path| path.exists()));
        let mut config: ServerConfig = match file {
            Some(path) => config::load(&path)?,
            None => ServerConfig::default(),
        };
        config.host = self.host.unwrap_or(config.host);
        config.port = self.port.unwrap_or(config.port);
        Ok((data_dir, config))
    }
}
