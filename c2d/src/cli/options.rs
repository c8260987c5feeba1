//! The command line of c2d. Flags win over the environment, the environment over the file.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use c2_shared::advice::Advice;
use c2_shared::arguments::{self, Origins};
use c2_shared::config::{self, ConfigError, Configured, ServerConfig};
use c2_shared::home;
use c2_shared::install::Wish;
use c2_shared::settings::Origin;
use c2_shared::time::parse_duration_s;
use c2_shared::token::Role;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::store::{Target, TargetError};

/// Name of the configuration file in the data folder.
const CONFIG_FILE: &str = "config.json";

/// The coordinator of C2: keeps the queue of jobs and gives them to the workers.
#[derive(Clone, Debug, Parser)]
#[command(name = "c2d", version, after_long_help = c2_shared::exit::HELP)]
pub struct Cli {
    /// What else it may be started for; without it this is c2d itself
    #[command(subcommand)]
    pub command: Option<Command>,
    /// c2d's own flags.
    #[command(flatten)]
    pub options: Options,
    /// Which of them were given, and how.
    #[arg(skip)]
    pub origins: Origins,
}

/// The command that lists settings.
const CONFIG: &str = "config";
/// Flags that mean something to c2d itself alone.
const OWN: [&str; 3] = ["host", "port", "store"];
/// Commands that are about what a store has, wherever that is.
const OF_A_STORE: [&str; 3] = ["authority", "backup", "check"];

impl Cli {
    /// The command line of this process.
    ///
    /// # Errors
    /// When it is wrong, or asks for help.
    pub fn read() -> Result<Self, clap::Error> {
        let matches = arguments::matches(Self::command(), std::env::args_os())?;
        let given = |flag: &&&str| matches.value_source(flag) == Some(ValueSource::CommandLine);
        let command = matches.subcommand_name().filter(|command| *command != CONFIG);
        let is_meant =
            |flag: &&&str| !(**flag == "store" && command.is_some_and(|command| OF_A_STORE.contains(&command)));
        if let (Some(command), Some(flag)) = (command, OWN.iter().filter(is_meant).find(given)) {
            let message = format!("--{flag} is not for `c2d {command}`: the c2d that runs has its own address");
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.origins = Origins::of(&Self::command(), &matches);
        if let (Some(Command::Config(listing)), Some((_, inner))) = (&cli.command, matches.subcommand()) {
            // A variable says the same in both places, so only what was typed counts there.
            let typed = |flag: &str| inner.value_source(flag) == Some(ValueSource::CommandLine);
            cli.options.own.take_over(&listing.own, typed);
        }
        Ok(cli)
    }
}

/// What c2d may be started for instead of running.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Something is asked of the c2d that runs.
    #[command(flatten)]
    Tokens(Tokens),
    /// Something is done to its folder.
    #[command(flatten)]
    Upkeep(Upkeep),
    /// Print each setting, its value and where that comes from
    Config(Listing),
    /// Install c2d as a systemd service: for the system as root, otherwise for this user
    Install(Wish),
}

/// What is asked of the c2d that runs.
#[derive(Clone, Debug, Subcommand)]
pub enum Tokens {
    /// Print a line for `c2-agent join` on another machine, or for `c2-tui login`
    Invite(Invitation),
    /// Remove all files that no job uses
    Gc,
    /// Manage issued tokens
    Token {
        /// What is to be done.
        #[command(subcommand)]
        command: TokenCommand,
    },
}

/// What is done to the data folder.
#[derive(Clone, Debug, Subcommand)]
pub enum Upkeep {
    /// Write everything that c2d stores to one file; c2d may be running
    Backup {
        /// The file; it holds secrets, and only its owner can read it
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replace a file of this name
        #[arg(long)]
        force: bool,
    },
    /// Restore a backup and keep the old data folder beside it; c2d must not run
    Restore {
        /// What `c2d backup` made
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check the data folder for problems; changes nothing
    Check,
    /// Move everything from a data folder to an empty PostgreSQL database, or back; no c2d may run on either
    Migrate {
        /// Where everything is: a data folder, or the URL of a database
        #[arg(value_name = "FROM")]
        from: String,
        /// Where it is to be: the other of the two
        #[arg(value_name = "TO")]
        to: String,
    },
    /// Manage the certificate authority that machines know this c2d by
    Authority {
        /// What is to be done.
        #[command(subcommand)]
        command: AuthorityCommand,
    },
}

/// What can be done with the authority.
#[derive(Clone, Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Print the certificate of the authority, by which clients in other languages know c2d; it is no secret
    Show,
    /// Make a new authority, and honour the old one until all machines know the new one; c2d must not run
    Rotate {
        /// After a backup was stolen: end the old authority and the tokens in c2d's folder at once; all other
        /// machines must join or log in again
        #[arg(long)]
        now: bool,
    },
}

/// What `invite` is told.
#[derive(Clone, Debug, Args)]
pub struct Invitation {
    /// Role of the machine that uses the line
    #[arg(long, value_name = "ROLE", default_value = "worker", value_parser = one_of([Role::Worker, Role::Operator, Role::Viewer]))]
    pub role: Role,
    /// How many machines may use the line
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub uses: u32,
    /// How long the line is valid, like 90, 30m, 2h
    #[arg(long = "for", value_name = "DUR", default_value = "1h", value_parser = parse_duration_s)]
    pub expires_s: u64,
    /// Give the machine that uses the line the identity of this worker, after a reinstallation
    #[arg(long = "as", value_name = "WORKER", conflicts_with = "uses")]
    pub worker: Option<String>,
    /// Announce this c2d in its network meanwhile, an hour at most: workers find it with `c2-agent join --find`, and
    /// join with six words
    #[arg(long)]
    pub announce: bool,
    /// The address at which other machines find this one [default: the one that c2d listens on]
    #[arg(long, value_name = "HOST")]
    pub address: Option<String>,
}

/// What can be done with tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenCommand {
    /// List all tokens, without their secrets
    List,
    /// Revoke a token
    Revoke {
        /// Its id, as `token list` shows it
        id: String,
    },
    /// Replace a token in c2d's folder; the old one is revoked
    Rotate {
        /// Whose token
        #[arg(value_parser = one_of([Role::Operator, Role::Worker]))]
        role: Role,
    },
}

/// One of some roles.
fn one_of<const N: usize>(roles: [Role; N]) -> impl TypedValueParser<Value = Role> {
    let known = move |text: String| roles.into_iter().find(|role| role.as_str() == text);
    PossibleValuesParser::new(roles.map(Role::as_str)).map(move |text| known(text).expect("it is one of them"))
}

/// What `config` is told.
#[derive(Clone, Debug, Args)]
pub struct Listing {
    /// The flags that c2d would be started with.
    #[command(flatten)]
    own: Own,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// c2d's own flags.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder for everything that c2d keeps [default: ~/.local/state/c2d]
    #[arg(long, value_name = "DIR", env = "C2_DATA_DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Those that commands do not take.
    #[command(flatten)]
    own: Own,
}

/// Flags that mean something to c2d itself.
#[derive(Clone, Debug, Args)]
struct Own {
    /// Configuration file [default: config.json in the data folder, if it is there]
    #[arg(long, value_name = "FILE", env = "C2_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "IP", env = "C2_HOST")]
    host: Option<IpAddr>,
    /// Port to listen on; 0 takes any free one
    #[arg(long, value_name = "PORT", env = "C2_PORT")]
    port: Option<u16>,
    /// PostgreSQL database to keep everything in, like postgres://c2@10.0.0.5/c2; the password belongs into ~/.pgpass
    /// [default: SQLite in the data folder]
    #[arg(long, value_name = "URL", env = "C2_STORE", hide_env_values = true)]
    store: Option<String>,
}

impl Own {
    /// Takes those of other flags that were typed.
    fn take_over(&mut self, others: &Self, typed: impl Fn(&str) -> bool) {
        if typed("config") {
            self.config.clone_from(&others.config);
        }
        self.host = if typed("host") { others.host } else { self.host };
        self.port = if typed("port") { others.port } else { self.port };
        if typed("store") {
            self.store.clone_from(&others.store);
        }
    }
}

/// Why c2d cannot start as it was told.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] TargetError),
}

impl Advice for OptionsError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::Config(error) => error.status(),
            Self::Store(error) => error.status(),
        }
    }

    fn argument(&self) -> Option<&'static str> {
        match self {
            Self::Config(_) => None,
            // A password may be in it.
            Self::Store(_) => Some("store"),
        }
    }
}

impl Cli {
    /// The data folder that a flag names, whatever the environment does.
    pub fn typed_dir(&self) -> Option<&Path> {
        let is_typed = matches!(self.origins.get("data_dir"), Some(Origin::Flag(_)));
        self.options.data_dir.as_deref().filter(|_| is_typed)
    }
}

impl Options {
    /// The data folder that these options mean.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.as_deref().map_or_else(config::default_data_dir, home::expand)
    }

    /// The configuration file that these options name.
    pub fn config_file(&self) -> Option<&Path> {
        self.own.config.as_deref()
    }

    /// The store that these options name.
    pub fn store(&self) -> Option<&str> {
        self.own.store.as_deref()
    }

    /// The data folder and the configuration that these options mean, with the file that was read.
    pub fn resolve(self) -> Result<(PathBuf, Configured<ServerConfig>), OptionsError> {
        let data_dir = self.data_dir();
        let mut found: Configured<ServerConfig> = config::find(self.config_file(), Some(data_dir.join(CONFIG_FILE)))?;
        found.config.host = self.own.host.unwrap_or(found.config.host);
        found.config.port = self.own.port.unwrap_or(found.config.port);
        found.config.store = self.own.store.unwrap_or(found.config.store);
        if !found.config.store.is_empty() {
            found.config.store.parse::<Target>()?;
        }
        found.config.look_at_files(&data_dir).map_err(|mistake| found.blame(mistake))?;
        Ok((data_dir, found))
    }
}
