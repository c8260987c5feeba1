//! What the agent is told by flags, environment and configuration file, in this order of weight.
//!
//! Nothing is tried out here but the reading of files: whether c2d answers is the agent's business.

mod error;

use std::net::IpAddr;
use std::path::PathBuf;

use c2_shared::arguments::Origins;
use c2_shared::config::{Configured, Via};
use c2_shared::exit;
use c2_shared::install::Wish;
use c2_shared::limits::{
    CANCEL_GRACE_MS, GREETING_MS, LEASE_MS, LEFTOVER_GRACE_MS, PIDS_MAX, SETTLE_MS, YIELD_REST_MS,
};
use c2_shared::pass::Pass;
use c2_shared::resources::Amounts;
use c2_shared::server_address::ServerAddress;
use c2_shared::time::parse_duration_s;
use c2_shared::token::{Role, TokenError};
use c2_shared::worker::Neighbour;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::choice::{Choice, joined_file, server};
use crate::detect::{self, Shares};
use crate::settings::Listing;
use crate::slurm::{ElsewhereOptions, FrontOptions};
use crate::upgrade::{self, TrialOptions};

pub(crate) use error::OptionsError;

/// The agent of C2: polls for work and runs it.
#[derive(Debug, Parser)]
#[command(
    name = "c2-agent",
    version = upgrade::own_version(),
    about,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    after_long_help = exit::HELP
)]
pub struct Cli {
    /// What else it may be started for.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The agent's own flags.
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Which of them were given, and how.
    #[arg(skip)]
    pub(crate) origins: Origins,
}

/// Other ways to start the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Join the c2d that printed LINE with `c2d invite`, as a worker
    Join(JoinOptions),
    /// Give this machine a new identity, where its state folder is a copy of another machine's
    ResetIdentity(ResetOptions),
    /// Check whether this machine can be a worker: c2d, clock, workspaces, disk space, GPU
    Doctor(Flags),
    /// Print each setting, its value and where that comes from
    Config(Listing),
    /// Install the agent as a systemd service: for the system as root, otherwise for this user
    Install(Wish),
    /// Runs the process behind one slot.
    #[command(hide = true)]
    RunSlot(SlotOptions),
    /// Stands for a job that a cluster runs.
    #[command(hide = true)]
    RunVia(FrontOptions),
    /// Tries a newer program out.
    #[command(hide = true)]
    RunTrial(TrialOptions),
}

/// The agent's flags.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Flags {
    /// Where c2d is, as HOST or HOST:PORT
    #[arg(long, env = "C2_SERVER", value_name = "HOST:PORT")]
    pub(crate) server: Option<String>,
    /// This worker's address, where the machine has several
    #[arg(long, env = "C2_ADDRESS", value_name = "IP")]
    pub(crate) address: Option<IpAddr>,
    /// Jobs to run at once; `auto` is one for each processor [default: 4]
    #[arg(long, env = "C2_SLOTS", value_name = "N", value_parser = slots)]
    pub(crate) slots: Option<u32>,
    /// Folder of the job workspaces [default: /tmp/C2; /tmp/C2-UID if that belongs to another user]
    #[arg(long, env = "C2_WORKSPACE_ROOT", value_name = "DIR")]
    pub(crate) workspace_root: Option<PathBuf>,
    /// Folder of the agent's own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "C2_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// File with the worker token [default: that of `join`, else that of a c2d on this machine]
    #[arg(long, env = "C2_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Let jobs stand still, and start none, while others need this machine: a person at a terminal or a screen,
    /// a process on a GPU that is no job's, or the battery [default: none]
    #[arg(long, env = "C2_YIELD_TO", value_name = "user,gpu,battery", value_delimiter = ',')]
    pub(crate) yield_to: Vec<Neighbour>,
    /// Let the machine sleep when it had nothing to do for so long, no one uses it and c2d agrees [default: never]
    #[arg(long, env = "C2_IDLE_SUSPEND", value_name = "DUR", value_parser = parse_duration_s)]
    pub(crate) idle_suspend: Option<u64>,
    /// Give jobs to the cluster of this scheduler instead of running them here: `slurm`; workspaces must be on a
    /// folder that its nodes share [default: none]
    #[arg(long, env = "C2_VIA", value_name = "SCHEDULER")]
    pub(crate) via: Option<Via>,
    /// The partition of the cluster for them [default: the cluster's own choice]
    #[arg(long, env = "C2_PARTITION", value_name = "NAME")]
    pub(crate) partition: Option<String>,
    /// Configuration file [default: c2-agent/config.json in $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Intervals that only tests change.
    #[command(flatten)]
    pub(crate) timing: Timing,
    /// What only tests change, too.
    #[command(flatten)]
    pub(crate) sight: Sight,
}

/// How others who need the machine are looked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Sight {
    /// Where the file systems are that tell of them.
    #[arg(long, hide = true, value_name = "DIR", default_value = "/")]
    pub(crate) sight_root: PathBuf,
    /// How long nothing may be seen of them before jobs go on.
    #[arg(long, hide = true, default_value_t = YIELD_REST_MS)]
    pub(crate) rest_ms: u64,
    /// How long a machine may take to sleep once it was told to.
    #[arg(long, hide = true, default_value_t = SETTLE_MS)]
    pub(crate) settle_ms: u64,
    /// The library of NVIDIA's driver.
    #[arg(long, hide = true, value_name = "FILE", default_value = detect::LIBRARY)]
    pub(crate) nvml: String,
}

impl Default for Sight {
    fn default() -> Self {
        Self { sight_root: "/".into(), rest_ms: YIELD_REST_MS, settle_ms: SETTLE_MS, nvml: detect::LIBRARY.to_owned() }
    }
}

/// What `join` is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct JoinOptions {
    /// What `c2d invite` printed, or with --find the six words of `c2d invite --announce`; without it, a line of
    /// standard input
    #[arg(value_name = "LINE")]
    pub(crate) line: Vec<String>,
    /// Find the c2d that announces itself in this machine's network, and join it with six words
    #[arg(long)]
    pub(crate) find: bool,
    /// The name in c2d's list of tokens [default: this machine's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Folder of the agent's own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "C2_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// What `reset-identity` is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct ResetOptions {
    /// Folder of the agent's own files [default: c2-agent in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "C2_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// What the process behind a slot is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct SlotOptions {
    /// The agent's state folder.
    #[arg(long)]
    pub(crate) state_dir: PathBuf,
    /// Which slot.
    #[arg(long)]
    pub(crate) slot: u32,
    /// Folder of the job workspaces.
    #[arg(long)]
    pub(crate) workspace_root: PathBuf,
    /// As the agent's.
    #[command(flatten)]
    pub(crate) timing: Timing,
    /// What holds jobs together.
    #[command(flatten)]
    pub(crate) confinement: Confinement,
    /// Where jobs run.
    #[command(flatten)]
    pub(crate) elsewhere: ElsewhereOptions,
}

/// How jobs are confined, where the agent may make control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub(crate) struct Confinement {
    /// Whether each job gets a control group of its own.
    #[arg(long, hide = true, default_value_t = true, action = ArgAction::Set)]
    pub(crate) control_groups: bool,
    /// Processes that a job may have there at once; 0 for as many as there can be.
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) pids_max: u64,
}

impl Confinement {
    /// As the configuration says, or half of what this machine can have.
    fn of(control_groups: bool, pids_max: Option<u64>) -> Self {
        Self { control_groups, pids_max: pids_max.unwrap_or_else(|| PIDS_MAX.min(detect::pids() / 2)) }
    }

    /// The same as flags, for a runner.
    pub(crate) fn to_args(self) -> [String; 2] {
        [format!("--control-groups={}", self.control_groups), format!("--pids-max={}", self.pids_max)]
    }
}

/// Intervals that only tests change.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Timing {
    /// Between TERM and KILL of a cancelled job.
    #[arg(long, hide = true, default_value_t = CANCEL_GRACE_MS)]
    pub(crate) cancel_grace_ms: u64,
    /// Between TERM and KILL of what a job left behind.
    #[arg(long, hide = true, default_value_t = LEFTOVER_GRACE_MS)]
    pub(crate) leftover_grace_ms: u64,
    /// Silence of c2d after which a job is ended: a tenth before c2d gives it to somebody else.
    #[arg(long, hide = true, default_value_t = LEASE_MS / 10 * 9)]
    pub(crate) fence_ms: u64,
    /// How long an idle runner waits for an agent: an upgrade or a restart takes less.
    #[arg(long, hide = true, default_value_t = 600_000)]
    pub(crate) alone_ms: u64,
    /// How long a runner may say nothing before it is ended.
    #[arg(long, hide = true, default_value_t = GREETING_MS)]
    pub(crate) deaf_ms: u64,
}

/// Everything decided.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where c2d is.
    pub(crate) server: ServerAddress,
    /// The address to claim and to connect from.
    pub(crate) address: Option<IpAddr>,
    /// Jobs to run at once.
    pub(crate) slots: u32,
    /// What the machine has, where that is not what is found.
    pub(crate) resources: Amounts,
    /// Folder of the job workspaces, absolute.
    pub(crate) workspace_root: PathBuf,
    /// Days for which they stay.
    pub(crate) workspace_days: u64,
    /// Folders that jobs may ask for.
    pub(crate) shares: Shares,
    /// Folder of the agent's own files, absolute.
    pub(crate) state_dir: PathBuf,
    /// Proof that this is a worker, and what c2d is known by.
    pub(crate) pass: Pass,
    /// Where that lies.
    pub(crate) pass_file: PathBuf,
    /// Intervals.
    pub(crate) timing: Timing,
    /// How jobs are confined.
    pub(crate) confinement: Confinement,
    /// Where jobs run, if not here.
    pub(crate) elsewhere: ElsewhereOptions,
    /// To whom or what the machine is yielded.
    pub(crate) yield_to: Vec<Neighbour>,
    /// After how long without work the machine sleeps; 0 for never.
    pub(crate) idle_suspend_s: u64,
    /// What has it sleep.
    pub(crate) suspend_command: Vec<String>,
    /// How they are looked for.
    pub(crate) sight: Sight,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            cancel_grace_ms: CANCEL_GRACE_MS,
            leftover_grace_ms: LEFTOVER_GRACE_MS,
            fence_ms: LEASE_MS / 10 * 9,
            alone_ms: 600_000,
            deaf_ms: GREETING_MS,
        }
    }
}

impl Timing {
    /// The same as flags, for a runner.
    pub(crate) fn to_args(self) -> [String; 5] {
        [
            format!("--cancel-grace-ms={}", self.cancel_grace_ms),
            format!("--leftover-grace-ms={}", self.leftover_grace_ms),
            format!("--fence-ms={}", self.fence_ms),
            format!("--alone-ms={}", self.alone_ms),
            format!("--deaf-ms={}", self.deaf_ms),
        ]
    }
}

impl Options {
    /// Decides everything by flags (and environment, which clap reads) over the configuration file.
    pub(crate) fn decide(flags: &Flags) -> Result<Self, OptionsError> {
        let (timing, sight) = (flags.timing, flags.sight.clone());
        let Choice { file: Configured { config, .. }, slots, state_dir, token_file, named } = Choice::of(flags)?;
        let pass = Pass::read(&token_file).map_err(|error| match error {
            TokenError::File(file) if file.is_missing() && flags.token_file.is_none() => {
                OptionsError::NotJoined(joined_file(&state_dir))
            }
            error => error.into(),
        })?;
        if pass.token.role() != Role::Worker {
            return Err(OptionsError::WrongRole(token_file));
        }
        Ok(Self {
            server: server(named, &config, Some(&pass), &token_file).0,
            address: config.address,
            slots,
            resources: config.resources,
            workspace_root: config.workspace_root,
            workspace_days: config.workspace_days,
            shares: Shares::new(config.shares),
            state_dir,
            pass,
            pass_file: token_file,
            timing,
            // What would be confined is a front.
            confinement: Confinement::of(config.control_groups && config.via.is_none(), config.pids_max),
            elsewhere: ElsewhereOptions { via: config.via, partition: config.partition },
            yield_to: config.yield_to,
            idle_suspend_s: config.idle_suspend_s,
            suspend_command: config.suspend_command,
            sight,
        })
    }
}

/// Reads a number of slots.
fn slots(text: &str) -> Result<u32, String> {
    match text {
        "auto" => Ok(detect::own_slots()),
        _ => text.parse().map_err(|_| format!("{text:?} is neither a number nor auto")),
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::fingerprint::Fingerprint;
    use c2_shared::server_address::ADDRESS_FILE;
    use c2_shared::token::Token;
    use clap::CommandFactory as _;

    use super::*;
    use crate::choice::joined_file;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    fn pass(role: Role, server: Option<&str>) -> Pass {
        let token = Token::generate(role).unwrap();
        let fingerprint = server.map(|_| Fingerprint::of(b"authority"));
        Pass { token, fingerprint, server: server.map(|text| text.parse().unwrap()) }
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (config, token_file) = (dir.path().join("config.json"), dir.path().join("a.token"));
        std::fs::write(&config, r#"{"server_host": "10.0.0.6", "slots": 2, "address": "10.0.0.9"}"#).unwrap();
        pass(Role::Worker, None).write(&token_file).unwrap();
        let flags = Flags { config: Some(config), token_file: Some(token_file), ..Flags::default() };
        let options = Options::decide(&Flags { slots: Some(8), ..flags.clone() }).unwrap();
        assert_eq!((options.server.to_string().as_str(), options.slots), ("10.0.0.6:30814", 8));
        assert_eq!(options.address, Some(IpAddr::from([10, 0, 0, 9])));
        let named = Options::decide(&Flags { server: Some("[fd00::6]:7".into()), ..flags.clone() }).unwrap();
        assert_eq!(named.server.to_string(), "[fd00::6]:7");
        let error = Options::decide(&Flags { server: Some("http://nas".into()), ..flags.clone() }).unwrap_err();
        assert_eq!(error.to_string(), "\"http://nas\" is not an address of c2d");
        let error = Options::decide(&Flags { slots: Some(0), ..flags }).unwrap_err();
        assert_eq!(error.to_string(), "0 slots cannot be run");
    }

    #[test]
    fn one_slot_for_each_processor_by_flag_and_by_file() {
        let dir = tempfile::tempdir().unwrap();
        let (config, token_file) = (dir.path().join("config.json"), dir.path().join("a.token"));
        pass(Role::Worker, None).write(&token_file).unwrap();
        let flags = Flags { config: Some(config.clone()), token_file: Some(token_file), ..Flags::default() };
        std::fs::write(&config, r#"{"slots": "auto"}"#).unwrap();
        assert_eq!(Options::decide(&flags).unwrap().slots, slots("auto").unwrap());
        assert_eq!(Options::decide(&Flags { slots: Some(3), ..flags.clone() }).unwrap().slots, 3);
        std::fs::write(&config, r#"{"slots": "many"}"#).unwrap();
        let error = Options::decide(&flags).unwrap_err().to_string();
        assert!(error.contains(r#"a number or "auto""#), "{error}");
    }

    #[test]
    fn a_machine_that_joined_knows_its_c2d() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.json");
        std::fs::write(&config, "{}").unwrap();
        let joined = pass(Role::Worker, Some("10.0.0.6:99"));
        joined.write(&joined_file(dir.path())).unwrap();
        let flags = Flags { config: Some(config.clone()), state_dir: Some(dir.path().to_owned()), ..Flags::default() };
        let options = Options::decide(&flags).unwrap();
        assert_eq!((options.server.to_string().as_str(), &options.pass), ("10.0.0.6:99", &joined));
        std::fs::write(&config, r#"{"server_host": "10.0.0.7"}"#).unwrap();
        assert_eq!(Options::decide(&flags).unwrap().server.to_string(), "10.0.0.7:30814");
    }

    #[test]
    fn the_c2d_of_the_same_folder_is_found_wherever_it_listens() {
        let dir = tempfile::tempdir().unwrap();
        let (config, token_file) = (dir.path().join("config.json"), dir.path().join("worker.token"));
        std::fs::write(&config, "{}").unwrap();
        pass(Role::Worker, None).write(&token_file).unwrap();
        let flags = Flags { config: Some(config.clone()), token_file: Some(token_file), ..Flags::default() };
        let server = |flags: &Flags| Options::decide(flags).unwrap().server.to_string();
        assert_eq!(server(&flags), "127.0.0.1:30814");
        std::fs::write(dir.path().join(ADDRESS_FILE), "127.0.0.7:31000\n").unwrap();
        assert_eq!(server(&flags), "127.0.0.7:31000");
        std::fs::write(&config, r#"{"server_port": 31001}"#).unwrap();
        assert_eq!(server(&flags), "127.0.0.1:31001", "what was said wins");
    }

    #[test]
    fn only_worker_tokens_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let token_file = dir.path().join("operator.token");
        pass(Role::Operator, None).write(&token_file).unwrap();
        let flags = Flags { token_file: Some(token_file), config: None, ..Flags::default() };
        assert!(matches!(Options::decide(&flags), Err(OptionsError::WrongRole(_))));
    }
}
