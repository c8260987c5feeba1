//! What the agent is told by flags, environment and configuration file, in this order of weight.
//!
//! Nothing is tried out here but the reading of files: whether c2d answers is the agent's business.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use c2_shared::config::{self, AgentConfig, ConfigError};
use c2_shared::limits::{CANCEL_GRACE_MS, LEASE_MS, LEFTOVER_GRACE_MS, SLOTS_MAX};
use c2_shared::token::{Role, Token, TokenError};
use clap::{Args, Parser, Subcommand};

/// The agent of C2: polls for work and runs it.
#[derive(Debug, Parser)]
#[command(name = "c2-agent", version, about, args_override_self = true)]
pub struct Cli {
    /// What else it may be started for.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The agent's own flags.
    #[command(flatten)]
    pub flags: Flags,
}

/// Other ways to start the program; not for people.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the process behind one slot.
    #[command(hide = true)]
    RunSlot(SlotOptions),
}

/// The agent's flags.
#[derive(Clone, Debug, Default, Args)]
pub struct Flags {
    /// Where c2d is, as HOST or HOST:PORT
    #[arg(long, env = "C2_SERVER", value_name = "HOST:PORT")]
    pub server: Option<String>,
    /// This worker's address, where the machine has several
    #[arg(long, env = "C2_ADDRESS", value_name = "IP")]
    pub address: Option<IpAddr>,
    /// Jobs to run at once [default: 4]
    #[arg(long, env = "C2_SLOTS", value_name = "N")]
    pub slots: Option<u32>,
    /// Folder of the job workspaces [default: /tmp/C2]
    #[arg(long, env = "C2_WORKSPACE_ROOT", value_name = "DIR")]
    pub workspace_root: Option<PathBuf>,
    /// Folder of the agent's own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "C2_STATE_DIR", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// File with the worker token [default: worker.token in the folder of a c2d on this machine]
    #[arg(long, env = "C2_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Configuration file [default: c2-agent/config.json in $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Intervals that only tests change.
    #[command(flatten)]
    pub timing: Timing,
}

/// What the process behind a slot is told.
#[derive(Clone, Debug, Args)]
pub struct SlotOptions {
    /// The agent's state folder.
    #[arg(long)]
    pub state_dir: PathBuf,
    /// Which slot.
    #[arg(long)]
    pub slot: u32,
    /// Folder of the job workspaces.
    #[arg(long)]
    pub workspace_root: PathBuf,
    /// As the agent's.
    #[command(flatten)]
    pub timing: Timing,
}

/// Intervals that only tests change.
#[derive(Clone, Copy, Debug, Args)]
pub struct Timing {
    /// Between TERM and KILL of a cancelled job.
    #[arg(long, hide = true, default_value_t = CANCEL_GRACE_MS)]
    pub cancel_grace_ms: u64,
    /// Between TERM and KILL of what a job left behind.
    #[arg(long, hide = true, default_value_t = LEFTOVER_GRACE_MS)]
    pub leftover_grace_ms: u64,
    /// Silence of c2d after which a job is ended: a tenth before c2d gives it to somebody else.
    #[arg(long, hide = true, default_value_t = LEASE_MS / 10 * 9)]
    pub fence_ms: u64,
    /// How long an idle runner waits for an agent: an upgrade or a restart takes less.
    #[arg(long, hide = true, default_value_t = 600_000)]
    pub alone_ms: u64,
}

/// Everything decided.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host of c2d.
    pub server_host: String,
    /// Port of c2d.
    pub server_port: u16,
    /// The address to claim and to connect from.
    pub address: Option<IpAddr>,
    /// Jobs to run at once.
    pub slots: u32,
    /// Folder of the job workspaces, absolute.
    pub workspace_root: PathBuf,
    /// Folder of the agent's own files, absolute.
    pub state_dir: PathBuf,
    /// Proof that this is a worker.
    pub token: Token,
    /// Intervals.
    pub timing: Timing,
}

/// Why the agent cannot start as it was told.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The configuration file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `--server` has another form.
    #[error("{0:?} is not a server address")]
    Server(String),
    /// So many slots cannot be meant.
    #[error("{0} slots cannot be run")]
    Slots(u32),
    /// A folder cannot be made absolute.
    #[error("{path:?} cannot be used as a folder")]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token is one for people.
    #[error("{0:?} holds no worker token")]
    WrongRole(PathBuf),
}

impl OptionsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Config(ConfigError::Invalid { hint, .. }) => hint.clone(),
            Self::Config(ConfigError::Read { .. }) => "see whether the file is there and may be read".to_owned(),
            Self::Server(_) => "write HOST or HOST:PORT, like 10.0.0.6:30814 or [fd00::6]:30814".to_owned(),
            Self::Slots(_) => format!("give --slots a number from 1 to {SLOTS_MAX}"),
            Self::Folder { .. } => "write its path from / on".to_owned(),
            Self::Token(TokenError::Exposed { path, .. }) => format!("close it with: chmod 600 {}", path.display()),
            Self::Token(_) | Self::WrongRole(_) => {
                "copy worker.token from the folder of c2d to this machine and name it with --token-file".to_owned()
            }
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            cancel_grace_ms: CANCEL_GRACE_MS,
            leftover_grace_ms: LEFTOVER_GRACE_MS,
            fence_ms: LEASE_MS / 10 * 9,
            alone_ms: 600_000,
        }
    }
}

impl Timing {
    /// The same as flags, for a runner.
    pub(crate) fn to_args(self) -> [String; 4] {
        [
            format!("--cancel-grace-ms={}", self.cancel_grace_ms),
            format!("--leftover-grace-ms={}", self.leftover_grace_ms),
            format!("--fence-ms={}", self.fence_ms),
            format!("--alone-ms={}", self.alone_ms),
        ]
    }
}

impl Options {
    /// Decides everything by flags (and environment, which clap reads) over the configuration file.
    ///
    /// # Errors
    /// The first thing that cannot be used, with a hint.
    pub fn decide(flags: Flags) -> Result<Self, OptionsError> {
        let file = match &flags.config {
            Some(path) => config::load(path)?,
            None => default_config_file()
                .filter(|path| path.exists())
                .map_or_else(|| Ok(AgentConfig::default()), |path| config::load::<AgentConfig>(&path))?,
        };
        let (server_host, server_port) = match &flags.server {
            Some(text) => parse_server(text).ok_or_else(|| OptionsError::Server(text.clone()))?,
            None => (file.server_host, file.server_port),
        };
        let slots = flags.slots.unwrap_or(file.slots);
        if slots == 0 || slots > SLOTS_MAX {
            return Err(OptionsError::Slots(slots));
        }
        let token_file = flags.token_file.unwrap_or_else(|| config::default_data_dir().join(Role::Worker.file_name()));
        let token = Token::read(&token_file)?;
        if token.role() != Role::Worker {
            return Err(OptionsError::WrongRole(token_file));
        }
        Ok(Self {
            server_host,
            server_port,
            address: flags.address.or(file.address),
            slots,
            workspace_root: absolute(&flags.workspace_root.unwrap_or(file.workspace_root))?,
            state_dir: absolute(&flags.state_dir.unwrap_or_else(|| config::state_home().join("c2-agent")))?,
            token,
            timing: flags.timing,
        })
    }
}

/// Reads `HOST`, `HOST:PORT`, `[V6]:PORT` or a bare address of either kind.
fn parse_server(text: &str) -> Option<(String, u16)> {
    let default = c2_shared::limits::PORT;
    if text.parse::<IpAddr>().is_ok() {
        return Some((text.to_owned(), default));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = if port.is_empty() { default } else { port.strip_prefix(':')?.parse().ok()? };
        return host.parse::<std::net::Ipv6Addr>().is_ok().then(|| (host.to_owned(), port));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, default),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!host.is_empty() && host.chars().all(plain)).then(|| (host.to_owned(), port))
}

fn default_config_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(home.join("c2-agent/config.json"))
}

fn absolute(path: &Path) -> Result<PathBuf, OptionsError> {
    std::path::absolute(path).map_err(|source| OptionsError::Folder { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn servers() {
        let table = [
            ("10.0.0.6", Some(("10.0.0.6", 30814))),
            ("10.0.0.6:99", Some(("10.0.0.6", 99))),
            ("nas.local:30814", Some(("nas.local", 30814))),
            ("fd00::6", Some(("fd00::6", 30814))),
            ("[fd00::6]:7", Some(("fd00::6", 7))),
            ("[fd00::6]", Some(("fd00::6", 30814))),
            ("", None),
            (":1", None),
            ("nas:port", None),
            ("nas:99999", None),
            ("http://nas", None),
            ("[nas]:1", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_server(text), expected.map(|(host, port)| (host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (config, token_file) = (dir.path().join("config.json"), dir.path().join("worker.token"));
        std::fs::write(&config, r#"{"server_host": "10.0.0.6", "slots": 2, "address": "10.0.0.9"}"#).unwrap();
        Token::generate(Role::Worker).unwrap().write_new(&token_file).unwrap();
        let flags = Flags { config: Some(config), token_file: Some(token_file), ..Flags::default() };
        let options = Options::decide(Flags { slots: Some(8), ..flags.clone() }).unwrap();
        assert_eq!((options.server_host.as_str(), options.server_port, options.slots), ("10.0.0.6", 30814, 8));
        assert_eq!(options.address, Some(IpAddr::from([10, 0, 0, 9])));
        let error = Options::decide(Flags { slots: Some(0), ..flags }).unwrap_err();
        assert_eq!(error.to_string(), "0 slots cannot be run");
    }

    #[test]
    fn only_worker_tokens_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let token_file = dir.path().join("operator.token");
        Token::generate(Role::Operator).unwrap().write_new(&token_file).unwrap();
        let flags = Flags { token_file: Some(token_file), config: None, ..Flags::default() };
        assert!(matches!(Options::decide(flags), Err(OptionsError::WrongRole(_))));
    }
}
