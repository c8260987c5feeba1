//! Configuration files: the README's keys for c2d and the agent, all optional, and the places
//! where the programs look for them.
//!
//! Flags win over the environment, the environment over the file; that order is made by each
//! program's `main`. An unknown key is an error with a "did you mean", never ignored.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::exit;
use crate::json::{self, Unreadable};
use crate::limits::{KEEP_BLOB_BYTES, KEEP_BYTES, KEEP_DAYS, KEEP_JOBS, OUTPUT_KEEP_BYTES, PORT, QUEUE_LEN_MAX, SLOTS};
use crate::server_address::ServerAddress;

/// c2d's `config.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes any free one.
    pub port: u16,
    /// Jobs that have not ended yet, at most.
    pub max_queue_size: usize,
    /// Where the list of workers is exported, relative to the data folder.
    pub workers_file: PathBuf,
    /// Where ended jobs are logged, relative to the data folder.
    pub jobs_log_file: PathBuf,
    /// Days for which ended jobs are kept.
    pub keep_days: u64,
    /// Ended jobs that are kept at most.
    pub keep_jobs: u64,
    /// Bytes that the database may hold before the oldest ended jobs are removed.
    pub keep_bytes: u64,
    /// Bytes that are kept of each output stream of an attempt; agents go by it.
    pub output_keep_bytes: u64,
    /// Bytes that all files and long outputs of jobs may take before those of the oldest ended jobs
    /// are removed.
    pub keep_blob_bytes: u64,
}

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

/// The agent's `config.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfig {
    /// Host of c2d.
    pub server_host: String,
    /// Port of c2d.
    pub server_port: u16,
    /// This worker's address, where the machine has several; also the source of its connections.
    pub address: Option<IpAddr>,
    /// Jobs to run at once.
    pub slots: u32,
    /// Folder of the job workspaces.
    pub workspace_root: PathBuf,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: PORT,
            max_queue_size: QUEUE_LEN_MAX,
            workers_file: "workers.json".into(),
            jobs_log_file: "jobs.log".into(),
            keep_days: KEEP_DAYS,
            keep_jobs: KEEP_JOBS,
            keep_bytes: KEEP_BYTES,
            output_keep_bytes: OUTPUT_KEEP_BYTES,
            keep_blob_bytes: KEEP_BLOB_BYTES,
        }
    }
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

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            server_host: "127.0.0.1".to_owned(),
            server_port: PORT,
            address: None,
            slots: SLOTS,
            workspace_root: "/tmp/C2".into(),
        }
    }
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the configuration {path:?}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{path:?}: {message}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with the place.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl Advice for ConfigError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "see whether the file is there and may be read".to_owned(),
            Self::Invalid { hint, .. } => hint.clone(),
        })
    }

    fn status(&self) -> u8 {
        exit::CONFIGURATION
    }
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read, is no JSON, or has unknown keys or wrong values.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    json::read(text.as_bytes()).map_err(|Unreadable { message, hint, .. }| ConfigError::Invalid {
        path: path.to_owned(),
        message,
        hint,
    })
}

/// c2d's data folder: `$XDG_STATE_HOME/c2d`, else `~/.local/state/c2d`.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    state_home().join("c2d")
}

/// The file in c2d's data folder that says where it listens.
pub const ADDRESS_FILE: &str = "c2d.addr";

/// The address that c2d wrote into its data folder.
#[must_use]
pub fn noted_address(data_dir: &Path) -> Option<ServerAddress> {
    std::fs::read_to_string(data_dir.join(ADDRESS_FILE)).ok()?.trim().parse().ok()
}

/// The folder in which programs keep state: `$XDG_STATE_HOME`, else `~/.local/state`.
#[must_use]
pub fn state_home() -> PathBuf {
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
}

/// The folder in which users keep configuration: `$XDG_CONFIG_HOME`, else `~/.config`.
#[must_use]
pub fn config_home() -> Option<PathBuf> {
    absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))
}

fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readmes_server_config_is_read() {
        let text = r#"{"host": "10.0.0.6", "port": 30814, "max_queue_size": 50000, "workers_file": "workers.json", "jobs_log_file": "jobs.log"}"#;
        let config: ServerConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config, ServerConfig { host: IpAddr::from([10, 0, 0, 6]), ..ServerConfig::default() });
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest() {
        let Unreadable { message, hint, .. } = json::read::<AgentConfig>(br#"{"sever_host": "x"}"#).unwrap_err();
        assert_eq!(message, "unknown field \"sever_host\"");
        assert_eq!(hint, "did you mean \"server_host\"?");
    }
}
