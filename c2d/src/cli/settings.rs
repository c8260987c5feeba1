//! `c2d config`: each setting, its value and where that comes from.

use std::collections::BTreeMap;

use c2_shared::arguments::Origins;
use c2_shared::settings::{Origin, Settings};

use crate::cli::options::{Listing, Options, OptionsError};
use crate::store::Target;

/// Lists the settings that c2d would start with.
///
/// # Errors
/// When it would not start for what is wrong with them.
pub fn list(options: Options, listing: &Listing, origins: &Origins) -> Result<String, OptionsError> {
    let (data_dir, found) = options.resolve()?;
    let mut settings = Settings::of(&found, &[]);
    let config = &found.config;
    for (name, file) in [("jobs_log_file", &config.jobs_log_file), ("workers_file", &config.workers_file)] {
        settings.show(name, data_dir.join(file));
    }
    settings.show("notify_commands", without_arguments(&config.notify_commands));
    settings.show("store", store(&config.store));
    for name in ["host", "port", "store"] {
        settings.given(name, origins);
    }
    let file = found.file.as_ref().map(|file| file.path.as_path());
    settings.set("config", file, origins.get("config").unwrap_or(Origin::Default));
    settings.set("data_dir", &data_dir, origins.get("data_dir").unwrap_or(Origin::Default));
    Ok(settings.list(listing.json))
}

/// The database without its password.
fn store(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    text.parse::<Target>().map_or_else(|error| format!("({error})"), |target| target.to_string())
}

/// The programs alone: an argument may be a password.
fn without_arguments(commands: &BTreeMap<String, Vec<String>>) -> BTreeMap<&str, Vec<&str>> {
    commands.iter().map(|(name, argv)| (name.as_str(), shown(argv))).collect()
}

fn shown(argv: &[String]) -> Vec<&str> {
    argv.iter().enumerate().map(|(at, word)| if at == 0 { word.as_str() } else { "***" }).collect()
}
