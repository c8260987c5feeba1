//! The log of ended jobs: where it is, and whether each job that ended has a line that can be read.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Lines that are there twice, or not in order: how many, and which is the first.
    repeated: Option<(usize, u64)>,
    misplaced: Option<(usize, u64)>,
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
    let repeated = found.repeated.map(|(count, first)| format!("{count} repeated lines, the first is line {first}"));
    let misplaced =
        found.misplaced.map(|(count, first)| format!("{count} lines out of order, the first is line {first}"));
    let wrong: Vec<String> = [unreadable, repeated, misplaced, gaps, behind].into_iter().flatten().collect();
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
    let ended = store::ended(database)?;
    let mut missing = ended.clone();
    // Those before are in files that were put aside.
    let begins_after = store::log_begins_after(database)?;
    missing.retain(|seq, _| *seq > begins_after);
    let file = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && missing.is_empty() => return Ok(Found::default()),
        file => file.map_err(UpkeepError::file(log))?,
    };
    let (mut lines, mut bad, mut last) = (0, Vec::new(), 0);
    let (mut told, mut newest, mut repeated, mut misplaced) = (BTreeSet::new(), 0, Vec::new(), Vec::new());
    for piece in store::pieces(&file, 0).map_err(UpkeepError::file(log))? {
        lines += 1;
        let Some(line) = piece.map_err(UpkeepError::file(log))?.line else {
            bad.push(lines);
            continue;
        };
        if missing.get(&line.seq).is_some_and(|end| end.job == line.job_id) {
            missing.remove(&line.seq);
            last = line.seq;
        }
        if !ended.get(&line.seq).is_some_and(|end| end.is_told_by(&line)) {
            continue;
        }
        if !told.insert(line.seq) {
            repeated.push(lines);
        } else if line.seq < newest {
            misplaced.push(lines);
        }
        newest = newest.max(line.seq);
    }
    let behind = missing.split_off(&last);
    let few = |jobs: &BTreeMap<u64, _>| Some((jobs.len(), *jobs.first_key_value()?.0));
    let those = |lines: &[u64]| lines.first().map(|first| (lines.len(), *first));
    Ok(Found {
        lines,
        first: begins_after + 1,
        unreadable: those(&bad),
        repeated: those(&repeated),
        misplaced: those(&misplaced),
        gaps: few(&missing),
        behind: few(&behind),
    })
}
