//! The same for a data folder whose queue is in a database on a server.

use std::path::Path;

use c2_shared::advice::with_causes;
use c2_shared::checkup::{self, Check};

use super::{FILES, UpkeepError, authority, history};
use crate::cli::options::{AuthorityCommand, Upkeep};
use crate::store::{self, Alone, ServerState, Target};

/// Bytes that a standby may be behind before it is worth a word.
const BEHIND_BYTES: u64 = 16 << 20;

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
    checks.push(match &state.leader {
        Some(at) => {
            let others = state.c2ds.saturating_sub(1);
            Check::ok("leader", format!("{at} leads, as number {}; {others} stand by", state.epoch))
        }
        None => Check::warn("leader", "no c2d leads", "start one with this --store"),
    });
    checks.push(if state.fsync && state.full_page_writes {
        Check::ok("disk of the database", "commits wait for it")
    } else {
        let hint = "set fsync and full_page_writes to on in postgresql.conf";
        Check::fail("disk of the database", "commits do not wait for it: a power cut may spoil everything", hint)
    });
    checks.push(standbys(state));
    checks
}

fn standbys(state: &ServerState) -> Check {
    const WHAT: &str = "standby of the database";
    if state.synchronous.is_empty() {
        let words = "none is synchronous: what was accepted since the last backup is lost with the server";
        return Check::warn(WHAT, words, "set synchronous_standby_names there");
    }
    if state.standbys.iter().any(|(_, waits, _)| waits.is_none()) {
        return Check::warn(WHAT, "this user may not see how it is", "GRANT pg_monitor TO the user of c2d");
    }
    let synchronous: Vec<_> = state.standbys.iter().filter(|(_, waits, _)| *waits == Some(true)).collect();
    let Some((name, _, behind)) = synchronous.iter().min_by_key(|(_, _, behind)| behind.unwrap_or(u64::MAX)) else {
        let words = format!("{} is set, and none is there: commits wait", state.synchronous);
        return Check::fail(WHAT, words, "start the standby again, or take it out of synchronous_standby_names");
    };
    let words = format!("{name} is synchronous, {} bytes behind", behind.unwrap_or_default());
    if behind.is_some_and(|behind| behind > BEHIND_BYTES) {
        Check::warn(WHAT, words, "see its disk and its line")
    } else {
        Check::ok(WHAT, words)
    }
}
