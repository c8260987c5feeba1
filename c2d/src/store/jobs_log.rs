//! `jobs.log`: one line of JSON for each ended job, in order, for people and scripts.
//!
//! It is only ever appended to. A start finds the last of its lines that the database knows, cuts off
//! what is no line at its end, and adds what is missing. While its disk is full it is behind: the
//! database keeps everything until it is written here.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use c2_shared::api::jobs::LogEntry;
use c2_shared::id::JobId;

use crate::store::StoreError;
use crate::store::columns::{StoredJob, int, uint};
use crate::store::derived::Derived;
use crate::store::folder::{is_moved, lock_file, private};
use crate::store::history::entries_after;
use crate::store::lines::Lines;
use crate::store::memo;
use crate::store::sql::Connection;

/// How much of the end of the file a start reads first; lines are far shorter.
const TAIL_BYTES: u64 = 256 * 1024;
/// Lines that are written at once while catching up.
const LINES_AT_ONCE: usize = 1_000;
/// Under this name the database keeps after which line the file begins.
const BEGINS: &str = "jobs_log_begins";
/// What each line begins with.
const BEGIN: &[u8] = b"{\"seq\":";

/// The open log.
#[derive(Debug)]
pub(super) struct JobsLog {
    lines: Lines<File>,
    state: Derived,
    /// The last ended job of the database whose line is in the file, or in one before it.
    last: u64,
    /// How long the file was after the last line.
    len: u64,
}

/// What tells one line of the log from all others.
#[derive(Debug, serde::Deserialize)]
pub struct LogLine {
    /// Its number.
    pub seq: u64,
    /// Its job.
    pub job_id: JobId,
    ended_at: String,
}

impl LogLine {
    /// Whether its job ended then.
    pub(super) fn is_of(&self, ended_ms: u64) -> bool {
        self.ended_at.parse().is_ok_and(|at: jiff::Timestamp| at == timestamp(ended_ms))
    }
}

/// Some bytes of the log, up to a line feed or the end of the file.
#[derive(Debug)]
pub struct Piece {
    /// Where it ends.
    pub end: u64,
    /// Whether it ends with a line feed.
    pub is_closed: bool,
    /// What it says, if that can be read.
    pub line: Option<LogLine>,
}

/// What the end of the log is like.
#[derive(Debug, Default)]
struct Ending {
    /// Where the last line that can be read ends.
    end: u64,
    is_closed: bool,
    /// The last line that the database knows: its number, and where it ends.
    known: Option<(u64, u64)>,
}

impl JobsLog {
    /// Opens the log and adds what a crash or a full disk kept from it.
    pub(super) fn open(path: &Path, connection: &Connection) -> Result<Self, StoreError> {
        let mut file = private().append(true).open(path).map_err(StoreError::file(path))?;
        lock_file(&file, path)?;
        let ending = ending(&file, path, connection)?;
        let len = file.metadata().map_err(StoreError::file(path))?.len();
        if ending.end == 0 && !begins_like_a_log(&file).map_err(StoreError::file(path))? {
            return Err(StoreError::NotALog { path: path.to_owned() });
        }
        if ending.end < len {
            tracing::warn!("{path:?} ends with {} bytes that are no line; they are cut off", len - ending.end);
        } else if !ending.is_closed && len > 0 {
            io::Write::write_all(&mut file, b"\n").map_err(StoreError::file(path))?;
        }
        // Without a line it is missing, or it was put aside and this one begins after it.
        let (last, known_end) = ending.known.unwrap_or((begins_after(connection)?, 0));
        if known_end < ending.end {
            tracing::warn!("{path:?} has lines of jobs that the database does not know: was it restored?");
        }
        let torn_at = (ending.end < len).then_some(ending.end);
        let mut log = Self { lines: Lines::new(file, torn_at), state: Derived::new(path.to_owned()), last, len };
        log.keep_up(connection);
        log.sync();
        Ok(log)
    }

    /// Appends every ended job that is not in the file yet. What fails is for the next call.
    pub(super) fn keep_up(&mut self, connection: &Connection) {
        let result = self.catch_up(connection);
        self.state.note(result);
    }

    /// Whether ended jobs wait to be written.
    pub(super) const fn is_behind(&self) -> bool {
        self.state.is_behind()
    }

    fn catch_up(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.look(connection)?;
        loop {
            let jobs = entries_after(connection, self.last, LINES_AT_ONCE)?;
            let mut text = Vec::new();
            for (seq, job) in &jobs {
                serde_json::to_writer(&mut text, &entry(*seq, job))
                    .map_err(|e| StoreError::Unreadable { what: e.to_string() })?;
                text.push(b'\n');
            }
            // Also without a line, as something may have to be cut off.
            let (written, result) = self.lines.append(&text);
            if let Some((seq, _)) = written.checked_sub(1).and_then(|last| jobs.get(last)) {
                self.last = *seq;
            }
            self.len = self.lines.file().metadata().map_or(self.len, |meta| meta.len());
            result.map_err(StoreError::file(self.state.path()))?;
            if jobs.len() < LINES_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Somebody may have put the log aside, or emptied it, to keep it small: then what comes next begins
    /// a new one, and the database knows after which line.
    fn look(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let path = self.state.path().to_owned();
        let open = self.lines.file().metadata().map_err(StoreError::file(&path))?;
        if is_moved(&path, self.lines.file()) {
            let file = private().append(true).open(&path).map_err(StoreError::file(&path))?;
            lock_file(&file, &path)?;
            if !begins_like_a_log(&file).map_err(StoreError::file(&path))? {
                return Err(StoreError::NotALog { path });
            }
            memo::put(connection, BEGINS, &self.last.to_string())?;
            self.len = file.metadata().map_err(StoreError::file(&path))?.len();
            self.lines = Lines::new(file, None);
        } else if open.len() < self.len {
            memo::put(connection, BEGINS, &self.last.to_string())?;
            self.len = open.len();
        } else {
            return Ok(());
        }
        tracing::info!("{path:?} begins again after the ended job number {}", self.last);
        Ok(())
    }

    /// The last ended job of the database whose line is in the file.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Asks the disk to keep what was written; the database has it in any case.
    pub(super) fn sync(&self) {
        if let Err(e) = self.lines.file().sync_data() {
            tracing::error!("{:?} may be behind after a power cut: {e}", self.state.path());
        }
    }
}

/// An ended job as a line of the log.
pub(crate) fn entry(seq: u64, job: &StoredJob) -> LogEntry {
    let ended_at = timestamp(job.view.ended_ms.unwrap_or(0));
    LogEntry { seq, ended_at: format!("{ended_at:.3}"), job: job.row() }
}

fn timestamp(ms: u64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(i64::try_from(ms).unwrap_or(i64::MAX)).unwrap_or_default()
}

/// After which line the log begins: those before are in files that were put aside.
pub(super) fn begins_after(connection: &Connection) -> Result<u64, StoreError> {
    Ok(memo::get(connection, BEGINS)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Reads a log, from some byte on.
pub fn pieces(file: &File, from: u64) -> io::Result<impl Iterator<Item = io::Result<Piece>>> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(from))?;
    let (mut end, mut bytes) = (from, Vec::new());
    Ok(std::iter::from_fn(move || {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(count) => {
                end += count as u64;
                let line = serde_json::from_slice(&bytes).ok();
                Some(Ok(Piece { end, is_closed: bytes.ends_with(b"\n"), line }))
            }
            Err(error) => Some(Err(error)),
        }
    }))
}

/// The last line of a log that a database knows: its number, and where it ends.
pub(super) fn last_known(file: &File, path: &Path, connection: &Connection) -> Result<(u64, u64), StoreError> {
    Ok(ending(file, path, connection)?.known.unwrap_or_default())
}

/// Looks at the end of the file, and at all of it only if nothing there is known.
fn ending(file: &File, path: &Path, connection: &Connection) -> Result<Ending, StoreError> {
    let len = file.metadata().map_err(StoreError::file(path))?.len();
    let tail = len.saturating_sub(TAIL_BYTES);
    let found = ending_from(file, tail, path, connection)?;
    if found.known.is_none() && tail > 0 { ending_from(file, 0, path, connection) } else { Ok(found) }
}

fn ending_from(file: &File, from: u64, path: &Path, connection: &Connection) -> Result<Ending, StoreError> {
    let mut ending = Ending::default();
    for piece in pieces(file, from).map_err(StoreError::file(path))? {
        let Piece { end, is_closed, line } = piece.map_err(StoreError::file(path))?;
        if let Some(line) = line {
            (ending.end, ending.is_closed) = (end, is_closed);
            if is_known(connection, &line)? {
                ending.known = Some((line.seq, end));
            }
        }
    }
    Ok(ending)
}

/// Whether the database has this very end of a job. Numbers alone do not tell: after a restore they
/// are given once more.
fn is_known(connection: &Connection, line: &LogLine) -> Result<bool, StoreError> {
    let (seq, id) = (int(line.seq), int(line.job_id.0));
    let kept = "SELECT ended_ms FROM job WHERE seq = ?1 AND id = ?2";
    let ended_ms: Option<Option<i64>> = connection.optional(kept, (seq, id))?;
    if let Some(ended_ms) = ended_ms {
        return Ok(line.is_of(ended_ms.map_or(0, uint)));
    }
    connection.value("SELECT EXISTS (SELECT 1 FROM removed WHERE id = ?2 AND seq = ?1)", (seq, id))
}

/// Sees that a file can be the log, and makes it if it is missing.
pub(super) fn look(path: &Path) -> Result<(), StoreError> {
    let file = private().append(true).open(path).map_err(StoreError::file(path))?;
    let is_log = || -> io::Result<bool> {
        Ok(begins_like_a_log(&file)? || pieces(&file, 0)?.any(|piece| piece.is_ok_and(|piece| piece.line.is_some())))
    };
    if is_log().map_err(StoreError::file(path))? { Ok(()) } else { Err(StoreError::NotALog { path: path.to_owned() }) }
}

/// Whether a file without any line may become the log: it is empty, or the beginning of a first line,
/// or what a power cut leaves. Nothing else is ever cut or appended to.
fn begins_like_a_log(file: &File) -> io::Result<bool> {
    let mut bytes = [0; BEGIN.len()];
    let count = file.read_at(&mut bytes, 0)?;
    let begin = &bytes[..count];
    Ok(BEGIN.starts_with(begin) || begin.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace()))
}
