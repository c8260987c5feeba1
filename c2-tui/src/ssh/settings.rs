//! The console's own configuration file: how workers are reached over ssh.
//!
//! A worker takes what stands under its address or name, then under its groups in the order of
//! their names, then what stands for all. Nothing that a worker says about itself gets in here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use c2_shared::config::{self, Checked, ConfigError, Configured, Mistake};
use c2_shared::home;
use serde::{Deserialize, Serialize};

/// The console's `config.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConsoleConfig {
    pub(crate) ssh: SshConfig,
}

/// How workers are reached over ssh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SshConfig {
    /// User on the workers; ssh's own choice without it.
    pub(crate) user: Option<String>,
    /// Port of the workers' sshd; ssh's own choice without it.
    pub(crate) port: Option<u16>,
    /// Key to log in with; ssh's own choice without it.
    pub(crate) identity_file: Option<PathBuf>,
    pub(crate) known_hosts: Option<PathBuf>,
    pub(crate) fanout: usize,
    /// Seconds until a worker must have answered.
    pub(crate) connect_timeout_s: u64,
    /// Seconds for which a command may run; no limit without it.
    pub(crate) command_timeout_s: Option<u64>,
    /// What differs for the workers of a group.
    pub(crate) groups: BTreeMap<String, Login>,
    /// What differs for a worker, named by its address or host name.
    pub(crate) workers: BTreeMap<String, Login>,
}

/// Who logs in where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) port: Option<u16>,
}

impl Default for SshConfig {
    fn default() -> Self {
        Self {
            user: None,
            port: None,
            identity_file: None,
            known_hosts: None,
            fanout: 32,
            connect_timeout_s: 5,
            command_timeout_s: None,
            groups: BTreeMap::new(),
            workers: BTreeMap::new(),
        }
    }
}

impl Checked for ConsoleConfig {
    fn expand(&mut self) {
        for path in [&mut self.ssh.identity_file, &mut self.ssh.known_hosts].into_iter().flatten() {
            *path = home::expand(path);
        }
    }

    fn check(&self) -> Result<(), Mistake> {
        let files = [("ssh.identity_file", &self.ssh.identity_file), ("ssh.known_hosts", &self.ssh.known_hosts)];
        for (key, path) in files {
            if let Some(path) = path.as_ref().filter(|path| !path.is_absolute()) {
                let message = format!("{path:?} would depend on where the console starts");
                return Err(Mistake { key, message, hint: "write its path from / or ~/ on" });
            }
        }
        Ok(())
    }
}

impl SshConfig {
    /// How a worker is reached.
    pub(crate) fn login(&self, ip: IpAddr, hostname: &str, groups: &BTreeSet<String>) -> Login {
        let own = [self.workers.get(&ip.to_string()), self.workers.get(hostname)];
        let of_groups = groups.iter().map(|group| self.groups.get(group));
        let mut login = Login::default();
        for next in own.into_iter().chain(of_groups).flatten() {
            login.user = login.user.or_else(|| next.user.clone());
            login.port = login.port.or(next.port);
        }
        Login { user: login.user.or_else(|| self.user.clone()), port: login.port.or(self.port) }
    }
}

/// Reads the console's configuration; without a file everything is as by default.
pub(crate) fn load() -> Result<Configured<ConsoleConfig>, ConfigError> {
    config::find(None, place())
}

/// `c2-tui/config.json` in `$XDG_CONFIG_HOME` or `~/.config`.
fn place() -> Option<PathBuf> {
    Some(config::config_home()?.join("c2-tui/config.json"))
}

/// This user's home folder.
pub(crate) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|path| Path::is_absolute(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_about_a_worker_counts() {
        let text = r#"{"ssh": {"user": "me", "groups": {"gpu": {"user": "cuda", "port": 2022}, "pi": {"port": 23}},
            "workers": {"10.0.0.1": {"user": "root"}, "atlas": {"port": 24}}}}"#;
        let config: ConsoleConfig = serde_json::from_str(text).unwrap();
        let login = |last, name, groups: &[&str]| {
            let groups = groups.iter().map(ToString::to_string).collect();
            let login = config.ssh.login(IpAddr::from([10, 0, 0, last]), name, &groups);
            (login.user.unwrap(), login.port)
        };
        assert_eq!(login(9, "x", &[]), ("me".to_owned(), None));
        assert_eq!(login(9, "x", &["gpu", "pi"]), ("cuda".to_owned(), Some(2022)));
        assert_eq!(login(1, "x", &["pi"]), ("root".to_owned(), Some(23)));
        assert_eq!(login(1, "atlas", &["gpu"]), ("root".to_owned(), Some(24)));
    }

    #[test]
    fn paths_begin_at_the_root_or_in_a_home_folder() {
        let ssh = |path: &str| SshConfig { identity_file: Some(path.into()), ..SshConfig::default() };
        let read = |path: &str| {
            let mut config = ConsoleConfig { ssh: ssh(path) };
            config.expand();
            config.check().map(|()| config.ssh.identity_file.unwrap())
        };
        assert_eq!(read("~root/.ssh/key").unwrap(), home::expand(Path::new("~root")).join(".ssh/key"));
        assert_eq!(read("/k").unwrap(), Path::new("/k"));
        assert_eq!(read("keys/key").unwrap_err().key, "ssh.identity_file");
    }

    #[test]
    fn unknown_keys_are_errors() {
        for text in [r#"{"shh": {}}"#, r#"{"ssh": {"usr": "x"}}"#, r#"{"ssh": {"workers": {"a": {"prt": 1}}}}"#] {
            assert!(serde_json::from_str::<ConsoleConfig>(text).is_err(), "{text}");
        }
    }
}
