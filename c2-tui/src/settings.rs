//! `c2-tui config`: each setting, its value and where that comes from.

use c2_shared::arguments::Origins;
use c2_shared::config;
use c2_shared::settings::{Origin, Settings};

use crate::arguments::PlaceFlags;
use crate::command::CommandError;
use crate::connect;
use crate::ssh::settings;

/// Lists the settings that count for a line that is run now.
pub(crate) fn list(flags: &PlaceFlags, origins: &Origins, as_json: bool) -> Result<String, CommandError> {
    let configured = settings::load()?;
    let place = flags.place();
    let found = connect::find(&place)?;
    let mut list = Settings::of(&configured, &["ssh"]);
    let given = |name: &str| origins.get(name).unwrap_or(Origin::Default);
    list.set("data_dir", place.data_dir.unwrap_or_else(config::default_data_dir), given("data_dir"));
    list.set("token_file", &found.token_file, given("token_file"));
    list.set("server", found.server.to_string(), found.from.unwrap_or_else(|| given("server")));
    let path = configured.file.as_ref().map(|file| file.path.as_path());
    list.set("config", path, Origin::Default);
    Ok(list.list(as_json))
}
