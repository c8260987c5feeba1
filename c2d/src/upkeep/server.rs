//! The same for a data folder whose queue is in a database on a server.

use std::path::Path;

use c2_shared::advice::with_causes;
use c2_shared::checkup::{self, Check};

use super::{FILES, UpkeepError, authority, history};
use crate::cli::options::{AuthorityCommand, Upkeep};
use crate::store::{self, Alone, ServerState, Target};

/// The database that a folder is about, by the flag or the configuration; none if it has its own.
pub(super) fn of(
    data_dir: &Path,
    config_file: Option<&Path>,
    flag: Option<&str>,
) -> Result<Option<Target>, UpkeepError> {
    let named = match flag {
        Some(url) => url.to_owned(),
        // A configuration that cannot be read is an error where it matters.
        None => history::settings(data_dir, config_file).map(|settings| settings.store).unwrap_or_default(),
    };
    if named.is_empty() { Ok(None) } else { Ok(Some(named.parse()?)) }
}

/// Does what is about the database; nothing if it is about the folder alone.
pub(super) fn run(
    target: &Target,
    data_dir: &Path,
    config_file: Option<&Path>,
    work: &Upkeep,
) -> Result<Option<(String, bool)>, UpkeepError> {
    Ok(match work {
        Upkeep::Backup { file, force } => {
            let bytes = backup(target, data_dir, config_file, file, *force)?;
            let (file, folder) = (file.display(), data_dir.display());
            let said = format!("{file} holds everything of {target} and {folder}: {bytes} bytes\n");
            Some((said + "`c2d restore` makes a data folder of it, and `c2d migrate` moves that\n", true))
        }
        Upkeep::Authority { command: AuthorityCommand::Rotate { now } } => {
            Some((rotate(target, data_dir, *now)?, true))
        }
        Upkeep::Check => {
            let checks = check(target, data_dir, config_file);
            Some((checks.iter().map(|check| format!("{check}\n")).collect(), checkup::is_well(&checks)))
        }
        Upkeep::Authority { command: AuthorityCommand::Show } | Upkeep::Migrate { .. } | Upkeep::Restore { .. } => None,
    })
}

/// Copies everything, while c2d works, into a file as that of a data folder.
fn backup(
    target: &Target,
    data_dir: &Path,
    config_file: Option<&Path>,
    to: &Path,
    force: bool,
) -> Result<u64, UpkeepError> {
    super::backup::backup_by(data_dir, config_file, to, force, |parts| {
        store::snapshot(target, data_dir, &parts.join(super::DATABASE), parts)?;
        Ok(parts.join(FILES))
    })
}

/// Makes a new authority, which all c2d have from then on.
fn rotate(target: &Target, data_dir: &Path, now: bool) -> Result<String, UpkeepError> {
    let _lock = store::lock(data_dir)?;
    let alone = Alone::with(target, data_dir)?;
    authority::renew(data_dir, now, |note| Ok(alone.share(note)?))
}

/// Looks at the database, and at what the folder has besides.
fn check(target: &Target, data_dir: &Path, config_file: Option<&Path>) -> Vec<Check> {
    let mut checks = super::check::of_folder(data_dir, config_file);
    match store::inspect(target) {
        Ok(state) => checks.extend(judged(&state)),
        Err(error) => {
            let hint = "check that the server runs and lets c2d in; see its pg_hba.conf and the address";
            checks.push(Check::fail("database", with_causes(&error), hint));
        }
    }
    checks
}

fn judged(state: &ServerState) -> Vec<Check> {
    let words = format!("PostgreSQL {}, with {} jobs and {} files", state.version, state.jobs, state.files);
    let mut checks = vec![match &state.moved {
        Some(to) => Check::fail("database", format!("everything was moved to {to}"), "start c2d there"),
        None => Check::ok("database", words),
    }];
    checks.extend(state.checks());
    checks
}
