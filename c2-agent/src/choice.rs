//! What the agent was asked to be, by flags over its configuration, before its token is read.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use c2_shared::closed::{self, Closed};
use c2_shared::config::{self, AgentConfig, Configured, SlotCount};
use c2_shared::home;
use c2_shared::install;
use c2_shared::limits::SLOTS_MAX;
use c2_shared::pass::Pass;
use c2_shared::server_address::{ADDRESS_FILE, ServerAddress};
use c2_shared::settings::Origin;
use c2_shared::token::Role;

use crate::detect;
use crate::options::{Flags, OptionsError};

/// What was said, by flags over the file, before the token is read.
pub(crate) struct Choice {
    /// The configuration with the flags put over it.
    pub(crate) file: Configured<AgentConfig>,
    /// Jobs to run at once.
    pub(crate) slots: u32,
    pub(crate) state_dir: PathBuf,
    pub(crate) token_file: PathBuf,
    /// The c2d that a flag names.
    pub(crate) named: Option<ServerAddress>,
}

impl Choice {
    pub(crate) fn of(flags: &Flags) -> Result<Self, OptionsError> {
        let mut file: Configured<AgentConfig> = config::find(flags.config.as_deref(), default_config_file())?;
        let config = &mut file.config;
        let slots = match (flags.slots, config.slots) {
            (Some(slots), _) | (None, SlotCount::Of(slots)) => slots,
            (None, SlotCount::Auto) => detect::own_slots(),
        };
        if !(1..=SLOTS_MAX).contains(&slots) {
            return Err(OptionsError::Slots(slots));
        }
        config.slots = SlotCount::Of(slots);
        config.address = flags.address.or(config.address);
        let root = flags.workspace_root.as_ref().unwrap_or(&config.workspace_root);
        config.workspace_root = absolute(&own_root(root.clone()))?;
        if !flags.yield_to.is_empty() {
            config.yield_to.clone_from(&flags.yield_to);
        }
        config.idle_suspend_s = flags.idle_suspend.unwrap_or(config.idle_suspend_s);
        config.via = flags.via.or(config.via);
        config.partition = flags.partition.clone().or(config.partition.take());
        match config.via {
            Some(_) if !config.yield_to.is_empty() => return Err(OptionsError::Elsewhere("yield_to")),
            Some(_) if config.idle_suspend_s > 0 => return Err(OptionsError::Elsewhere("idle_suspend")),
            None if config.partition.is_some() => return Err(OptionsError::PartitionAlone),
            _ => {}
        }
        let named = flags.server.as_deref().map(str::parse::<ServerAddress>).transpose()?;
        let state_dir = state_dir(flags.state_dir.as_deref())?;
        let joined = joined_file(&state_dir);
        let is_joined = closed::is_there(&joined).map_err(|error| match Closed::by(&joined, &error) {
            Some(closed) => OptionsError::Closed(closed),
            None => OptionsError::Folder { path: state_dir.clone(), source: error },
        })?;
        let joined = Some(joined).filter(|_| is_joined);
        let near = || config::default_data_dir().join(Role::Worker.file_name());
        let token_file = flags.token_file.as_deref().map(home::expand).or(joined).unwrap_or_else(near);
        Ok(Self { file, slots, state_dir, token_file, named })
    }
}

/// Where c2d is, and where that is from; none where a flag says it.
pub(crate) fn server(
    named: Option<ServerAddress>,
    config: &AgentConfig,
    pass: Option<&Pass>,
    token_file: &Path,
) -> (ServerAddress, Option<Origin>) {
    if let Some(named) = named {
        return (named, None);
    }
    let configured = ServerAddress { host: config.server_host.clone(), port: config.server_port, others: Vec::new() };
    // A change of the configuration is meant.
    if configured != default_server() {
        return (configured, None);
    }
    if let Some(joined) = pass.and_then(|pass| pass.server.clone()) {
        return (joined, Some(Origin::file(token_file)));
    }
    // The token in c2d's own folder has the address beside it.
    let folder = token_file.parent();
    match folder.and_then(|folder| Some((ServerAddress::noted(folder).ok()??, folder.join(ADDRESS_FILE)))) {
        Some((noted, path)) => (noted, Some(Origin::file(&path))),
        None => (configured, Some(Origin::Default)),
    }
}

/// Where `join` leaves what it was given.
pub(crate) fn joined_file(state_dir: &Path) -> PathBuf {
    state_dir.join(Role::Worker.file_name())
}

/// The agent's own folder.
pub(crate) fn state_dir(flag: Option<&Path>) -> Result<PathBuf, OptionsError> {
    absolute(&flag.map_or_else(|| config::state_home().join("c2-agent"), Path::to_owned))
}

/// What calls this program for a state folder, with these words: it is named unless it is the usual one.
pub(crate) fn call(words: &str, folder: &Path) -> String {
    let mut call = ["c2-agent", words].join(" ").trim_end().to_owned();
    if state_dir(None).map_or(true, |usual| usual != folder) {
        call.push_str(&format!(" --state-dir {}", install::quoted(folder)));
    }
    call
}

/// The usual folder of workspaces belongs to the first user of a machine who runs an agent; each other
/// gets one beside it.
fn own_root(root: PathBuf) -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let is_anothers = || std::fs::symlink_metadata(&root).is_ok_and(|meta| meta.uid() != user);
    if root == AgentConfig::default().workspace_root && is_anothers() {
        return PathBuf::from(format!("{}-{user}", root.display()));
    }
    root
}

fn default_server() -> ServerAddress {
    let AgentConfig { server_host, server_port, .. } = AgentConfig::default();
    ServerAddress { host: server_host, port: server_port, others: Vec::new() }
}

fn default_config_file() -> Option<PathBuf> {
    Some(config::config_home()?.join("c2-agent/config.json"))
}

fn absolute(path: &Path) -> Result<PathBuf, OptionsError> {
    std::path::absolute(home::expand(path)).map_err(|source| OptionsError::Folder { path: path.to_owned(), source })
}
