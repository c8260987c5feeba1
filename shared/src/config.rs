//! Configuration files: the keys for c2d and the agent, all optional, and the places where programs look for them.
//!
//! Flags win over the environment, the environment over the file; that order is made by each
//! program's `main`. An unknown key is an error with a "did you mean", never ignored.

mod retention;
mod server_values;
mod slot_count;
mod via;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::closed;
use crate::exit;
use crate::home;
use crate::json::{self, Unreadable};
use crate::limits::{
    KEEP_BLOB_BYTES, KEEP_BYTES, KEEP_DAYS, KEEP_JOBS, OUTPUT_KEEP_BYTES, PORT, QUEUE_LEN_MAX, SHARES_LEN_MAX, SLOTS,
    SUSPEND_COMMAND, WORKSPACE_DAYS,
};
use crate::resources::{self, Amounts};
use crate::server_address::ServerAddress;
use crate::validate;
use crate::worker::Neighbour;

pub use retention::Retention;
pub use slot_count::SlotCount;
pub use via::Via;

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
    /// Bytes that all files and long outputs may take before those of the oldest ended jobs are removed.
    pub keep_blob_bytes: u64,
    /// Commands that notifications may run, by name: the program and its arguments.
    #[serde(deserialize_with = "json::each_once")]
    pub notify_commands: BTreeMap<String, Vec<String>>,
    /// The mail server for notifications, as `host:port`.
    pub mail_server: String,
    /// The PostgreSQL database that keeps everything; without one it is SQLite in the data folder.
    pub store: String,
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
    pub slots: SlotCount,
    /// What the machine has, where that is not what is found by itself, and whatever else jobs are to take.
    #[serde(deserialize_with = "json::each_once")]
    pub resources: Amounts,
    /// Folder of the job workspaces.
    pub workspace_root: PathBuf,
    /// Days after the end of a job for which its folder stays; 0 for ever, also on a full disk.
    pub workspace_days: u64,
    /// Folders that jobs may ask for by name.
    #[serde(deserialize_with = "json::each_once")]
    pub shares: BTreeMap<String, PathBuf>,
    /// The scheduler of other machines that runs the jobs, in place of the agent.
    pub via: Option<Via>,
    /// The partition of its cluster.
    pub partition: Option<String>,
    /// To whom or what it yields the machine: `user`, `gpu`, `battery`.
    pub yield_to: Vec<Neighbour>,
    /// Seconds after which an idle machine sleeps; 0 for never.
    pub idle_suspend_s: u64,
    /// What has it sleep, with its arguments.
    pub suspend_command: Vec<String>,
    /// Whether each job gets a control group of its own, where the agent may make some.
    pub control_groups: bool,
    /// Processes and threads that a job may have at once there; 0 for as many as the machine takes.
    pub pids_max: Option<u64>,
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
            notify_commands: BTreeMap::new(),
            mail_server: "127.0.0.1:25".to_owned(),
            store: String::new(),
        }
    }
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            server_host: "127.0.0.1".to_owned(),
            server_port: PORT,
            address: None,
            slots: SlotCount::Of(SLOTS),
            resources: Amounts::new(),
            workspace_root: "/tmp/C2".into(),
            workspace_days: WORKSPACE_DAYS,
            shares: BTreeMap::new(),
            via: None,
            partition: None,
            yield_to: Vec::new(),
            idle_suspend_s: 0,
            suspend_command: SUSPEND_COMMAND.map(str::to_owned).to_vec(),
            control_groups: true,
            pids_max: None,
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
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{path:?}{}: {message}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// The line, where one is to blame.
        line: Option<usize>,
        /// What is wrong, with the place.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl Advice for ConfigError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                match fs::metadata(path).map(|meta| meta.uid()) {
                    Ok(owner) => format!("it belongs to user {owner}: give it to the user of this program with chown"),
                    Err(_) => "its folder is closed to the user of this program".to_owned(),
                }
            }
            Self::Read { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
                "save it as UTF-8, as plain text".to_owned()
            }
            Self::Read { path, .. } if fs::read_link(path).is_ok() => {
                "it is a link that leads nowhere: put the file there, or remove the link".to_owned()
            }
            Self::Read { .. } => "check that the file exists and can be read".to_owned(),
            Self::Invalid { hint, .. } => hint.clone(),
        })
    }

    fn status(&self) -> u8 {
        exit::CONFIGURATION
    }
}

/// What can be wrong with a configuration beyond its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key to blame.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub hint: &'static str,
}

impl Mistake {
    fn new(key: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { key, message: message.into(), hint }
    }
}

/// A configuration that knows what its values must be.
pub trait Checked {
    /// Puts the home folder in the place of `~`.
    fn expand(&mut self) {}

    /// Looks at the values.
    ///
    /// # Errors
    /// With what is wrong, and what to write.
    fn check(&self) -> Result<(), Mistake> {
        Ok(())
    }
}

/// A configuration and where it says what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configured<T> {
    /// What counts.
    pub config: T,
    /// The file that it is from.
    pub file: Option<Written>,
}

/// A configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// The line of each of its keys.
    pub lines: BTreeMap<String, usize>,
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read, is no JSON, or has unknown keys or wrong values.
pub fn load<T: DeserializeOwned + Checked>(path: &Path) -> Result<T, ConfigError> {
    Ok(read(path)?.config)
}

/// Reads a configuration file that must be there if it is `named`, and otherwise may be at the place that is the
/// `usual` one.
///
/// # Errors
/// As [`load`].
pub fn find<T: DeserializeOwned + Checked + Default>(
    named: Option<&Path>,
    usual: Option<PathBuf>,
) -> Result<Configured<T>, ConfigError> {
    let file = match (named, usual) {
        (Some(named), _) => Some(home::expand(named)),
        (None, Some(usual)) => match closed::is_there(&usual) {
            Ok(is_there) => Some(usual).filter(|_| is_there),
            Err(source) => return Err(ConfigError::Read { path: usual, source }),
        },
        (None, None) => None,
    };
    file.map_or_else(|| Ok(Configured::default()), |path| read(&path))
}

fn read<T: DeserializeOwned + Checked>(path: &Path) -> Result<Configured<T>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    // Editors of other systems put a mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut config: T = json::read(text.as_bytes()).map_err(|Unreadable { message, hint, line, .. }| {
        ConfigError::Invalid { path: path.to_owned(), line, message, hint }
    })?;
    config.expand();
    let read = Configured { config, file: Some(Written { path: path.to_owned(), lines: json::lines(text) }) };
    read.config.check().map_err(|mistake| read.blame(mistake))?;
    Ok(read)
}

impl<T> Configured<T> {
    /// Says what is wrong with it, at its place in the file.
    #[must_use]
    pub fn blame(&self, Mistake { key, message, hint }: Mistake) -> ConfigError {
        let (path, lines) = self.file.as_ref().map(|file| (file.path.clone(), &file.lines)).unzip();
        ConfigError::Invalid {
            path: path.unwrap_or_else(|| "config.json".into()),
            line: lines.and_then(|lines| lines.get(key).copied()),
            message: format!("{key}: {message}"),
            hint: hint.to_owned(),
        }
    }
}

impl Checked for AgentConfig {
    fn expand(&mut self) {
        for path in std::iter::once(&mut self.workspace_root).chain(self.shares.values_mut()) {
            *path = home::expand(path);
        }
    }

    fn check(&self) -> Result<(), Mistake> {
        const FULL: &str = "write its path from / or ~/ on";
        let depends = |path: &Path| format!("{path:?} would depend on where the agent starts");
        let named: Option<ServerAddress> = self.server_host.parse().ok();
        if named.is_none_or(|named| named.host != self.server_host) {
            let hint = "write a name or an address alone, like 10.0.0.6; the port is server_port";
            return Err(Mistake::new("server_host", format!("{:?} is not a host", self.server_host), hint));
        }
        if self.server_port == 0 {
            return Err(Mistake::new("server_port", "c2d has no port 0", "write the port of c2d, usually 30814"));
        }
        if let Some(message) = self.slots.fault() {
            return Err(Mistake::new("slots", message, "write a number from 1 to 1024, or \"auto\""));
        }
        if !self.workspace_root.is_absolute() {
            return Err(Mistake::new("workspace_root", depends(&self.workspace_root), FULL));
        }
        if self.shares.len() > SHARES_LEN_MAX {
            return Err(Mistake::new("shares", format!("there are more than {SHARES_LEN_MAX}"), "name fewer folders"));
        }
        for (name, path) in &self.shares {
            if validate::word("shares", name).is_err() {
                let hint = "use letters, digits, - and _, as in {\"data\": \"/mnt/data\"}";
                return Err(Mistake::new("shares", format!("{name:?} is no name"), hint));
            }
            if !path.is_absolute() {
                return Err(Mistake::new("shares", depends(path), FULL));
            }
        }
        if self.yield_to.contains(&Neighbour::Unknown) {
            let words = Neighbour::ALL.map(Neighbour::word).join(", ");
            let hint = "write a list, like [\"user\", \"battery\"]";
            return Err(Mistake::new("yield_to", format!("it can be {words}"), hint));
        }
        if self.suspend_command.first().is_none_or(String::is_empty) {
            return Err(Mistake::new("suspend_command", "it names no program", "write [\"systemctl\", \"suspend\"]"));
        }
        if self.resources.contains_key("slots") {
            return Err(Mistake::new("resources", "slots have a key of their own", "write \"slots\": N beside it"));
        }
        let said = self.resources.iter().map(|(name, amount)| (name, *amount));
        let hint = "write names with amounts, like {\"license\": 2}";
        resources::check(said).map_err(|wrong| Mistake::new("resources", wrong.message, hint))
    }
}

/// c2d's data folder: `$XDG_STATE_HOME/c2d`, else `~/.local/state/c2d`.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    state_home().join("c2d")
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

    /// What is said of a file with this text, if it is refused.
    fn refusal<T: DeserializeOwned + Checked>(text: &str) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        fs::write(&path, text).unwrap();
        load::<T>(&path).err().map(|error| format!("{error}; {}", error.hint().unwrap()))
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused() {
        for (text, said) in [
            (r#"{"jobs_log_file": "audit.log"}"#, "jobs_log_file: c2d needs"),
            (r#"{"jobs_log_file": ""}"#, "jobs_log_file: \"\" names no file"),
            (r#"{"workers_file": "jobs.log"}"#, "workers_file: this is the same file"),
            (r#"{"max_queue_size": 0}"#, "max_queue_size: 0 would refuse each job"),
            (r#"{"mail_server": "nonsense:x:y"}"#, "mail_server: \"nonsense:x:y\" is no host with a port"),
            (r#"{"mail_server": "mail"}"#, "mail_server: \"mail\" is no host with a port"),
            (r#"{"notify_commands": {"a": []}}"#, "notify_commands: \"a\" names no program"),
            (r#"{"notify_commands": {"a": ["x"], "a": ["y"]}}"#, "notify_commands: \"a\" stands there twice"),
        ] {
            let refused = refusal::<ServerConfig>(text).unwrap();
            assert!(refused.contains(said), "{refused}");
        }
        for well in ["nas:25", "[fd00::6]:25", "127.0.0.1:2525", ""] {
            assert_eq!(refusal::<ServerConfig>(&format!("{{\"mail_server\": \"{well}\"}}")), None, "{well}");
        }
        assert_eq!(refusal::<ServerConfig>(r#"{"jobs_log_file": "ended.log", "workers_file": "/srv/w.json"}"#), None);

        for host in ["127.0.0.1:30814", "http://127.0.0.1", "", "bad host", "[fd00::6]"] {
            let refused = refusal::<AgentConfig>(&format!("{{\"server_host\": \"{host}\"}}")).unwrap();
            assert!(refused.contains("server_host: ") && refused.contains("server_port"), "{refused}");
        }
        assert!(refusal::<AgentConfig>(r#"{"server_port": 0}"#).unwrap().contains("server_port: c2d has no port 0"));
        for root in ["C2", "./C2", ""] {
            let refused = refusal::<AgentConfig>(&format!("{{\"workspace_root\": \"{root}\"}}")).unwrap();
            assert!(refused.contains("workspace_root: "), "{refused}");
        }
        for (text, said) in [
            (r#"{"yield_to": ["cat"]}"#, "yield_to: it can be user, gpu, battery"),
            (r#"{"yield_to": [1]}"#, "yield_to[0]: 1 stands where one of user, gpu, battery belongs"),
            (
                r#"{"shares": {"a": "/b", "a": "/c"}}"#,
                "line 1: shares: \"a\" stands there twice; leave one of them out",
            ),
            (r#"{"resources": {"cpus": 1, "cpus": 2}}"#, "resources: \"cpus\" stands there twice"),
            (r#"{"suspend_command": "systemctl suspend"}"#, "write [\"systemctl\", \"suspend\"]"),
        ] {
            let refused = refusal::<AgentConfig>(text).unwrap();
            assert!(refused.contains(said), "{refused}");
        }
        for well in [r#"{"server_host": "fd00::6"}"#, r#"{"server_host": "nas.local", "workspace_root": "~/C2"}"#] {
            assert_eq!(refusal::<AgentConfig>(well), None, "{well}");
        }
    }

    #[test]
    fn a_refusal_names_the_file_and_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            load::<ServerConfig>(&path).unwrap_err().to_string().replace(&*path.to_string_lossy(), "F")
        };
        let table = [
            ("{\n\n\"port\": \"30814\"}", "\"F\", line 3: port: the text \"30814\" stands where"),
            ("{\"host\": \"10.0.0.6\",\n\"prot\": 1}", "\"F\", line 2: unknown field \"prot\""),
            ("{\"port\": 1,\n \"jobs_log_file\":\n \"c2.db\"}", "\"F\", line 2: jobs_log_file: c2d needs \"c2.db\""),
            ("{\"port\": 1,\n}", "\"F\": this is no JSON: trailing comma at line 2 column 1"),
            ("", "\"F\": this is no JSON: EOF while parsing a value at line 1 column 0"),
            ("[\"10.0.0.6\", 30977]", "\"F\", line 1: a list stands where an object like {\"host\": ..} belongs"),
            ("// x\n{}", "\"F\": this is no JSON: expected value at line 1 column 1"),
            ("null", "\"F\", line 1: nothing stands where an object like {\"host\": ..} belongs"),
        ];
        for (text, begins) in table {
            let refused = refused(text);
            assert!(refused.starts_with(begins), "{text:?}: {refused}");
        }
    }

    #[test]
    fn the_home_folder_is_meant_in_every_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let home = home::expand(Path::new("~root"));
        fs::write(&path, r#"{"jobs_log_file": "~root/ended.log", "workers_file": "w.json"}"#).unwrap();
        let server: ServerConfig = load(&path).unwrap();
        assert_eq!((server.jobs_log_file, server.workers_file), (home.join("ended.log"), "w.json".into()));
        fs::write(&path, r#"{"workspace_root": "~root/C2", "shares": {"data": "~root/data"}}"#).unwrap();
        let agent: AgentConfig = load(&path).unwrap();
        assert_eq!((agent.workspace_root, &agent.shares["data"]), (home.join("C2"), &home.join("data")));
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let usual = dir.path().join("config.json");
        assert_eq!(find::<ServerConfig>(None, Some(usual.clone())).unwrap(), Configured::default());
        assert!(find::<ServerConfig>(Some(&usual), None).is_err());
        fs::write(&usual, "{\"port\":\n1}").unwrap();
        let found = find::<ServerConfig>(None, Some(usual.clone())).unwrap();
        assert_eq!((found.config.port, found.file.unwrap().path), (1, usual));
    }

    #[test]
    fn a_file_that_cannot_be_looked_at_is_not_taken_for_absent() {
        let dir = tempfile::tempdir().unwrap();
        let usual = dir.path().join("config.json");
        std::os::unix::fs::symlink("nowhere", &usual).unwrap();
        let error = find::<ServerConfig>(None, Some(usual.clone())).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read the configuration {usual:?}"));
        assert!(error.hint().unwrap().contains("a link that leads nowhere"), "{error:?}");
        let unseen = find::<ServerConfig>(None, Some("a\0b/config.json".into()));
        assert!(matches!(unseen, Err(ConfigError::Read { .. })), "{unseen:?}");
    }

    #[test]
    fn a_text_of_another_encoding_is_said_to_be_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        fs::write(&path, [0xff, 0xfe, b'{', 0, b'}', 0]).unwrap();
        let error = load::<ServerConfig>(&path).unwrap_err();
        assert!(error.hint().unwrap().contains("UTF-8"), "{error:?}");
    }

    #[test]
    fn a_mark_in_front_is_none_of_the_text() {
        assert_eq!(refusal::<ServerConfig>("\u{feff}{\"port\": 30815}"), None);
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest() {
        let Unreadable { message, hint, .. } = json::read::<AgentConfig>(br#"{"sever_host": "x"}"#).unwrap_err();
        assert_eq!(message, "unknown field \"sever_host\"");
        assert_eq!(hint, "did you mean \"server_host\"?");
    }
}
