//! Whether a data folder is as it should be. It only looks, also while c2d runs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use c2_shared::advice::{Advice as _, with_causes};
use c2_shared::checkup::Check;
use c2_shared::closed;
use c2_shared::config::{self, ServerConfig};
use c2_shared::home;
use c2_shared::limits::{BALLAST_BYTES, FREE_BYTES_FLOOR};
use c2_shared::server_address::ADDRESS_FILE;

use super::restore::{content, named};
use super::{BALLAST, CONFIG, DATABASE, FILES, history};
use crate::store::{self, NamedBlob};
use crate::{access, audit, authority};

/// What others may read: it says nothing that they could not learn otherwise.
const PUBLIC: [&str; 4] = ["jobs.log", "workers.json", ADDRESS_FILE, CONFIG];

/// Looks at what a data folder has besides its database.
pub(super) fn of_folder(data_dir: &Path, config_file: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![rights(data_dir)];
    if data_dir.is_dir() {
        checks.push(secrets(data_dir));
        checks.extend(configuration(data_dir, config_file));
        checks.push(files(data_dir, &BTreeSet::new()));
        checks.push(space(data_dir));
        checks.push(refused(data_dir));
    }
    checks
}

/// Looks at everything in a data folder.
pub(super) fn check(data_dir: &Path, config_file: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![rights(data_dir)];
    if !data_dir.is_dir() {
        return checks;
    }
    checks.push(database(data_dir));
    checks.push(secrets(data_dir));
    checks.extend(configuration(data_dir, config_file));
    checks.push(history::check(data_dir, config_file));
    checks.extend(workers(data_dir, config_file));
    checks.push(files(data_dir, &missing(data_dir)));
    checks.push(space(data_dir));
    checks.push(audit(data_dir));
    checks.push(refused(data_dir));
    checks
}

fn rights(data_dir: &Path) -> Check {
    const WHAT: &str = "rights";
    const HINT: &str =
        "take them back: chmod -R go= on the folder, and change what was exposed with `c2d token rotate`";
    let look = || -> std::io::Result<Option<String>> {
        let own = fs::metadata(data_dir)?;
        let entries = fs::read_dir(data_dir)?.map(|entry| entry.map(|entry| entry.path()));
        for path in std::iter::once(Ok(data_dir.to_owned())).chain(entries) {
            let path = path?;
            let meta = fs::symlink_metadata(&path)?;
            if meta.mode() & 0o077 != 0 && !PUBLIC.iter().any(|name| path.ends_with(name)) {
                return Ok(Some(format!("{path:?} is open to others (mode {:03o})", meta.mode() & 0o777)));
            }
            if meta.uid() != own.uid() {
                return Ok(Some(format!("{path:?} belongs to another user (user {})", meta.uid())));
            }
        }
        Ok(None)
    };
    match look() {
        Ok(None) => Check::ok("rights", "the folder and what is in it belong to one user alone"),
        Ok(Some(why)) => Check::fail(WHAT, why, HINT),
        Err(error) => {
            Check::fail(WHAT, format!("cannot look at {data_dir:?}: {error}"), "name the folder with --data-dir")
        }
    }
}

fn database(data_dir: &Path) -> Check {
    match store::examine(&data_dir.join(DATABASE)) {
        Ok(jobs) => Check::ok("database", format!("whole, with {jobs} jobs")),
        Err(error) => Check::fail("database", with_causes(&error), "stop c2d and put a backup back: c2d restore FILE"),
    }
}

/// The authority and the tokens.
fn secrets(data_dir: &Path) -> Check {
    const WHAT: &str = "authority and tokens";
    let bad = |why: String, hint: Option<String>| Check::fail(WHAT, why, hint.unwrap_or_default());
    if let Err(error) = authority::examine(data_dir) {
        bad(with_causes(&error), error.hint())
    } else if let Err(error) = access::examine(data_dir) {
        bad(with_causes(&error), error.hint())
    } else {
        Check::ok(WHAT, "can be read")
    }
}

/// Files that jobs and schedules name and that are not there.
fn missing(data_dir: &Path) -> BTreeSet<NamedBlob> {
    let named = || store::named_blobs(&data_dir.join(DATABASE)).unwrap_or_default();
    let is_missing = |named: &NamedBlob| !data_dir.join(FILES).join(named.blob.to_string()).exists();
    let mut missing: BTreeSet<_> = named().into_iter().filter(is_missing).collect();
    if !missing.is_empty() {
        // Without those that c2d removed meanwhile.
        let still = named();
        missing.retain(|named| still.contains(named));
    }
    missing
}

fn configuration(data_dir: &Path, config_file: Option<&Path>) -> Option<Check> {
    let inside = Some(data_dir.join(CONFIG)).filter(|path| closed::is_there(path).unwrap_or(true));
    config_file.map(home::expand).or(inside).map(|path| match config::load::<ServerConfig>(&path) {
        Ok(_) => Check::ok("configuration", "understood"),
        Err(error) => Check::fail("configuration", error.to_string(), "fix it; c2d does not start with it"),
    })
}

/// The list of workers, if there is one: c2d writes it again when it is missing.
fn workers(data_dir: &Path, config_file: Option<&Path>) -> Option<Check> {
    const WHAT: &str = "list of workers";
    let name = history::settings(data_dir, config_file).ok()?.workers_file;
    match store::look_at_workers(&data_dir.join(name), &data_dir.join(DATABASE)).ok()? {
        Ok(true) => Some(Check::ok(WHAT, "as c2d wrote it")),
        Ok(false) => Some(Check::warn(WHAT, "was edited", "c2d takes the edits over when it starts")),
        Err(why) => Some(Check::warn(WHAT, format!("cannot be read: {why}"), "fix it before c2d starts, or remove it")),
    }
}

fn space(data_dir: &Path) -> Check {
    const WHAT: &str = "disk";
    let free = store::free_bytes(data_dir);
    let words = format!("{} MB are free", free >> 20);
    if free < FREE_BYTES_FLOOR {
        Check::fail(WHAT, words, "free some space: c2d takes no new jobs until then")
    } else if fs::metadata(data_dir.join(BALLAST)).is_ok_and(|ballast| ballast.len() >= BALLAST_BYTES) {
        Check::ok(WHAT, words + ", and some are set aside for results")
    } else {
        Check::warn(
            WHAT,
            words + ", and none are set aside for results",
            "c2d sets some aside while it runs, if it can",
        )
    }
}

fn files(data_dir: &Path, missing: &BTreeSet<NamedBlob>) -> Check {
    const WHAT: &str = "files";
    let mut count = 0_usize;
    for entry in fs::read_dir(data_dir.join(FILES)).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some() {
            continue;
        }
        match content(&path) {
            Ok(content) if content == named(&path) => count += 1,
            Ok(_) => {
                let why = format!("{path:?} does not hold what its name says");
                return Check::fail(WHAT, &why, "remove it; jobs that want it say so, and can be submitted again");
            }
            // c2d removed it meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Check::fail(WHAT, format!("{path:?}: {error}"), "see the disk: dmesg, smartctl"),
        }
    }
    let Some(first) = missing.iter().find(|named| named.is_needed).or(missing.first()) else {
        return Check::ok(WHAT, format!("{count} of jobs, each as its name says"));
    };
    let whose = first.job.map_or_else(|| "a schedule".to_owned(), |job| job.to_string());
    let why = format!("{} are missing, the first is {} of {whose}", missing.len(), first.blob);
    let hint = "take them from a backup; jobs that want them say so, and can be submitted again";
    if first.is_needed { Check::fail(WHAT, why, hint) } else { Check::warn(WHAT, why, hint) }
}

/// The hash is printed so that it can be kept on another machine: only that shows a log and a database
/// that were both written anew.
fn audit(data_dir: &Path) -> Check {
    const WHAT: &str = "audit log";
    let known = || store::memo(&data_dir.join(DATABASE), audit::MEMO).ok().flatten();
    let hint = "compare it with the one in a backup; someone who may write to this folder changed it";
    match audit::verify(data_dir, known) {
        Ok(extent) if extent.lines == 0 => Check::ok(WHAT, "empty"),
        Ok(extent) => Check::ok(WHAT, format!("{} lines without a break, the last is {}", extent.lines, extent.last)),
        Err(error) => Check::fail(WHAT, error.to_string(), hint),
    }
}

fn refused(data_dir: &Path) -> Check {
    const WHAT: &str = "log of refusals";
    match audit::verify_refused(data_dir) {
        Ok(extent) => Check::ok(WHAT, format!("{} lines without a break", extent.lines)),
        Err(error) => Check::fail(WHAT, error.to_string(), "compare it with the one in a backup"),
    }
}
