//! `c2-agent config`: each setting, its value and where that comes from. A machine that has not joined has
//! settings as well.

use c2_shared::arguments::Origins;
use c2_shared::pass::Pass;
use c2_shared::settings::{Origin, Settings};
use clap::Args;

use crate::choice::{Choice, joined_file, server};
use crate::options::{Flags, OptionsError};

/// The flags of `config`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Listing {
    /// The flags that the agent would be started with.
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Lists the settings that the agent would start with.
pub(crate) fn list(listing: &Listing, origins: &Origins) -> Result<String, OptionsError> {
    let Choice { file, state_dir, token_file, named, .. } = Choice::of(&listing.flags)?;
    let mut settings = Settings::of(&file, &[]);
    for name in ["address", "slots", "workspace_root", "yield_to", "via", "partition"] {
        settings.given(name, origins);
    }
    settings.given_as("idle_suspend_s", "idle_suspend", origins);
    // A file may name the host, the port or both.
    let configured: Vec<Origin> =
        ["server_host", "server_port"].into_iter().filter_map(|key| settings.take(key)).collect();
    let configured = configured.into_iter().find(|origin| *origin != Origin::Default).unwrap_or(Origin::Default);
    let pass = Pass::read(&token_file).ok();
    let (server, from) = server(named, &file.config, pass.as_ref(), &token_file);
    let from = from.or_else(|| origins.get("server")).unwrap_or(configured);
    settings.set("server", server.to_string(), from);
    let joined = Some(joined_file(&state_dir)).filter(|path| *path == token_file).map(|path| Origin::file(&path));
    settings.set("token_file", &token_file, origins.get("token_file").or(joined).unwrap_or(Origin::Default));
    settings.set("state_dir", &state_dir, origins.get("state_dir").unwrap_or(Origin::Default));
    let path = file.file.as_ref().map(|file| file.path.as_path());
    settings.set("config", path, origins.get("config").unwrap_or(Origin::Default));
    Ok(settings.list(listing.json))
}
