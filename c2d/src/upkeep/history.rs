//! The log of ended jobs: where it is, and whether each job that ended has a line that can be read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use c2_shared::advice::with_causes;
use c2_shared::checkup::Check;
use c2_shared::config::{self, ConfigError, ServerConfig};

use super::{CONFIG, DATABASE, PAUSE, TRIES, UpkeepError};
use crate::store;

const WHAT: &str = "log of ended jobs";

/// The name of the log as the configuration gives it.
pub(super) fn log_name(data_dir: &Path, config_file: Option<&Path>) -> Result<PathBuf, ConfigError> {
    Ok(settings(data_dir, config_file)?.jobs_log_file)
}

/// The configuration: that file, or the one in the data folder.
pub(super) fn settings(data_dir: &Path, config_file: Option<&Path>) -> Result<ServerConfig, ConfigError> {
    Ok(config::find(config_file, Some(data_dir.join(CONFIG)))?.config)
}

/// What a look through the log found.
#[derive(Default)]
struct Found {
    lines: u64,
    /// The first job that should have a line here.
    first: u64,
    /// Lines that cannot be read: how many, and which is the first.
    unreadable: Option<(usize, u64)>,
    /// Ended jobs without a line, before the last line and behind it: how many, and the first number.
    gaps: Option<(usize, u64)>,
    behind: Option<(usize, u64)>,
}

/// Compares the log with the database.
pub(super) fn check(data_dir: &Path, config_file: Option<&Path>) -> Check {
    let look = || {
        let log = data_dir.join(log_name(data_dir, config_file)?);
        look(&data_dir.join(DATABASE), &log)
    };
    let mut found = look();
    for _ in 0..TRIES {
        if found.as_ref().is_ok_and(|found| found.unreadable.is_none() && found.behind.is_none()) {
            break;
        }
        std::thread::sleep(PAUSE);
        found = look();
    }
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            return Check::fail(WHAT, with_causes(&why), "put it back from a backup; c2d adds what is missing");
        }
    };
    let unreadable =
        found.unreadable.map(|(count, first)| format!("{count} unreadable lines, the first is line {first}"));
    let gaps = found.gaps.map(|(count, first)| format!("no line for {count} ended jobs, the first has number {first}"));
    let behind = found.behind.map(|(count, first)| format!("behind by {count} ended jobs, from number {first} on"));
    let wrong: Vec<String> = [unreadable, gaps, behind].into_iter().flatten().collect();
    if wrong.is_empty() {
        let since = if found.first > 1 { format!(" from number {} on", found.first) } else { String::new() };
        return Check::ok(WHAT, format!("{} lines, each ended job{since} has one", found.lines));
    }
    let hint = if found.behind.is_some() {
        "check the space on its disk; c2d adds what is missing at the end as soon as it can"
    } else {
        "look for these lines in the log of a backup"
    };
    Check::fail(WHAT, wrong.join("; "), hint)
}

fn look(database: &Path, log: &Path) -> Result<Found, UpkeepError> {
    // Before the log: what ends meanwhile is not expected there.
    let mut missing = store::ended(database)?;
    // Those before are in files that were put aside.
    let begins_after = store::log_begins_after(database)?;
    missing.retain(|seq, _| *seq > begins_after);
    let file = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && missing.is_empty() => return Ok(Found::default()),
        file => file.map_err(UpkeepError::file(log))?,
    };
    let (mut lines, mut bad, mut last) = (0, Vec::new(), 0);
    for piece in store::pieces(&file, 0).map_err(UpkeepError::file(log))? {
        lines += 1;
        match piece.map_err(UpkeepError::file(log))?.line {
            Some(line) if missing.get(&line.seq) == Some(&line.job_id) => {
                missing.remove(&line.seq);
                last = line.seq;
            }
            Some(_) => {}
            None => bad.push(lines),
        }
    }
    let behind = missing.split_off(&last);
    let few = |jobs: &BTreeMap<u64, _>| Some((jobs.len(), *jobs.first_key_value()?.0));
    let unreadable = bad.first().map(|first| (bad.len(), *first));
    Ok(Found { lines, first: begins_after + 1, unreadable, gaps: few(&missing), behind: few(&behind) })
}
