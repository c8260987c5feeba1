//! `jobs.log`: one line of JSON for each ended job, in order, for people and scripts.
//!
//! It is only ever appended to. A start looks at its last whole line and adds what is missing; a
//! line that a crash cut short is ended and written again below, never over.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use c2_shared::api::jobs::LogEntry;
use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::folder::private;
use crate::store::history::entries_after;
use crate::store::stored::StoredJob;

/// How much of the end of the file a start reads first; lines are far shorter.
const TAIL_BYTES: u64 = 256 * 1024;
/// Lines that are written at once while catching up.
const LINES_AT_ONCE: usize = 1_000;

/// The open log.
#[derive(Debug)]
pub(super) struct JobsLog {
    path: PathBuf,
    file: File,
    /// The last line in the file.
    last: u64,
}

impl JobsLog {
    /// Opens the log and adds what a crash kept from it. `last_seq` is the database's last.
    pub(super) fn open(path: &Path, connection: &Connection, last_seq: u64) -> Result<Self, StoreError> {
        let mut file = private().append(true).open(path).map_err(StoreError::file(path))?;
        let (last, torn) = last_line(&mut file).map_err(StoreError::file(path))?;
        let mut log = Self { path: path.to_owned(), file, last };
        if torn {
            log.write(b"\n")?;
        }
        if last > last_seq {
            // The database is older than its log: it was restored from a backup. The file keeps
            // what it has, and new lines follow under their own numbers.
            tracing::warn!("{path:?} knows {last} ended jobs, the database {last_seq}: was it restored from a backup?");
            log.last = last_seq;
        }
        log.catch_up(connection)?;
        log.sync();
        Ok(log)
    }

    /// Appends every ended job that is not in the file yet.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Result<(), StoreError> {
        loop {
            let jobs = entries_after(connection, self.last, LINES_AT_ONCE)?;
            let Some((seq, _)) = jobs.last() else { return Ok(()) };
            let seq = *seq;
            let mut lines = Vec::new();
            for (seq, job) in &jobs {
                let entry = entry(*seq, job);
                serde_json::to_writer(&mut lines, &entry)
                    .map_err(|e| StoreError::Unreadable { what: e.to_string() })?;
                lines.push(b'\n');
            }
            self.write(&lines)?;
            self.last = seq;
            if jobs.len() < LINES_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// The last line in the file.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Asks the disk to keep what was written; the database has it in any case.
    pub(super) fn sync(&self) {
        if let Err(e) = self.file.sync_data() {
            tracing::error!("{:?} may be behind after a power cut: {e}", self.path);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(StoreError::file(&self.path))
    }
}

/// An ended job as a line of the log.
pub(crate) fn entry(seq: u64, job: &StoredJob) -> LogEntry {
    let ended_ms = i64::try_from(job.view.ended_ms.unwrap_or(0)).unwrap_or(i64::MAX);
    let ended_at = jiff::Timestamp::from_millisecond(ended_ms).unwrap_or_default();
    LogEntry { seq, ended_at: format!("{ended_at:.3}"), job: job.row() }
}

/// The number of the last line that can be read, and whether the file ends in the middle of one.
fn last_line(file: &mut File) -> std::io::Result<(u64, bool)> {
    let len = file.metadata()?.len();
    let start = len.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let torn = tail.last().is_some_and(|byte| *byte != b'\n');
    let numbers = tail.split(|byte| *byte == b'\n').filter_map(number);
    match numbers.max() {
        Some(last) => Ok((last, torn)),
        None if start == 0 => Ok((0, torn)),
        None => {
            // Nothing readable near the end: look through all of it once.
            file.seek(SeekFrom::Start(0))?;
            let lines = BufReader::new(file).split(b'\n');
            let last = lines.map_while(Result::ok).filter_map(|line| number(&line)).max();
            Ok((last.unwrap_or(0), torn))
        }
    }
}

fn number(line: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        seq: u64,
    }
    serde_json::from_slice::<Numbered>(line).ok().map(|line| line.seq)
}
