//! The durable store: SQLite is the only source of truth, `jobs.log` and `workers.json` are derived
//! from it.
//!
//! One thread owns the one connection that writes. It takes batches of decisions in order, commits
//! each as one transaction and only then says so. Readers have connections of their own for what
//! has ended. Nothing here knows HTTP, and nothing here decides anything: a decision that the
//! constraints refuse is a defect of the scheduler and stops c2d.

mod leader;
mod sql;

mod batches;
mod by_identity;
mod folder;
mod health;
mod schema;

mod load;
mod memo;
mod rules;
mod schedules;
mod write;
mod write_output;
mod writer;

mod blob_copies;
mod blob_table;
mod blobs;
mod columns;
mod copy;
mod history;
mod holders;
pub(crate) mod payload;
mod retention;
mod sent;
mod uptime;
mod uses;
mod verified;
mod wishes;

mod derived;
mod lines;

mod inspection;
mod jobs_log;
mod migration;
mod workers;
mod workers_json;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use c2_shared::advice::Advice;
use c2_shared::config::Retention;
use c2_shared::exit;
use c2_shared::id::JobId;

use crate::sched::Saved;
use crate::store::blob_table::BlobTable;
use crate::store::history::Reader;
use crate::store::sql::Connection;
use crate::store::sql::postgres::Postgres;
use crate::store::uptime::Uptime;

pub use blobs::{Blobs, FILES, Incoming, Stale, read_piece};
pub use columns::{StoredFiles, StoredJob, StoredOrder, StoredOutput, digest};
pub use copy::{
    EndOf, NamedBlob, copy, ended, examine, last_job, last_logged, leave_note, lock, lock_log, log_begins_after,
    look_at_workers, memo, move_ids_on, named_blobs,
};
pub(crate) use folder::is_moved;
pub use folder::{DATABASE, Folder, free_bytes, look_elsewhere};
pub use health::Health;
pub use history::{History, JobFilter, Owner};
pub use inspection::{ServerState, inspect};
pub use jobs_log::{LogLine, Piece, pieces};
pub use leader::{Candidate, Leadership};
pub use memo::{Memo, SHARED};
pub use migration::{Alone, MigrationError, Place, Report, migrate, snapshot};
pub use rules::EndedJob;
pub use sql::{SqlError, Target, TargetError};
pub use writer::{Space, Writer};

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// c2d's folder; made with mode 0700 if it is missing.
    pub dir: PathBuf,
    /// The log of ended jobs.
    pub jobs_log: PathBuf,
    /// The list of workers.
    pub workers_json: PathBuf,
    /// How long ended jobs are kept.
    pub keep: Retention,
    /// What keeps the database.
    pub engine: Engine,
}

/// What keeps the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in c2d's folder.
    Sqlite,
    /// A server, for the leader of this epoch.
    Postgres { target: Target, epoch: u64 },
}

impl Engine {
    const fn target(&self) -> Option<&Target> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { target, .. } => Some(target),
        }
    }
}

/// A store that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Takes decisions.
    pub writer: Writer,
    /// Answers questions about the past.
    pub history: History,
    /// Content of files.
    pub blobs: Blobs,
    /// Lets go of the blobs of old jobs.
    pub space: Space,
    /// What the scheduler goes on with.
    pub saved: Saved,
    /// How long c2d has run before, in all of its runs.
    pub seen_ms: u64,
    /// How far the audit log reached when that was last kept.
    pub audit: Option<String>,
    /// What somebody changed while c2d was down, in the list of workers or by a command.
    pub edits: Vec<String>,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another c2d is using {dir:?}{}", holder.map_or_else(String::new, |pid| format!(" (process {pid})")))]
    Locked { dir: PathBuf, holder: Option<u32> },
    #[error("{dir:?} holds secrets and is open to others (mode {mode:03o})")]
    Exposed { dir: PathBuf, mode: u32 },
    #[error("{dir:?} is open to others, and has files that are not c2d's")]
    InUse { dir: PathBuf },
    #[error("{dir:?} belongs to user {owner}")]
    OfAnother { dir: PathBuf, owner: u32 },
    #[error("{path:?} was written by a newer version of c2d (schema {found}, this one knows {known})")]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{path:?} is not a database of c2d")]
    Foreign { path: PathBuf },
    #[error("SQLite keeps {pragma} at {found:?} instead of {wanted:?}")]
    Pragma { pragma: &'static str, found: String, wanted: &'static str },
    #[error("the store refuses a decision of the scheduler: {what}")]
    Broken { what: String },
    #[error("{path:?} is not a log of ended jobs")]
    NotALog { path: PathBuf },
    #[error("the database failed")]
    Database(#[from] SqlError),
    #[error("cannot use {path:?}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("a stored value cannot be read: {what}")]
    Unreadable { what: String },
    #[error("{job} ended long ago and was removed")]
    Gone { job: JobId },
    #[error("another c2d leads now, and this one is deposed")]
    Deposed,
    #[error("this database is being moved elsewhere")]
    Moving,
    #[error("everything of this database was moved to {to}")]
    Moved { to: String },
    #[error("the server is PostgreSQL {version}, and 14 is the oldest that c2d can use")]
    OldServer { version: i64 },
    #[error("what {dir:?} is about is kept in {store}")]
    Elsewhere { dir: PathBuf, store: String },
    #[error("what {dir:?} is about is kept in {store}, and in no other database")]
    OtherStore { dir: PathBuf, store: String },
    #[error("{dir:?} has a queue of its own, in SQLite")]
    OwnQueue { dir: PathBuf },
    #[error("{dir:?} was in use, as {} shows, but its queue is gone: {DATABASE} is missing or empty", traces.join(", "))]
    NoQueue { dir: PathBuf, traces: Vec<&'static str> },
    #[error("the contents of files cannot be shared")]
    Contents(#[source] Box<BlobError>),
    #[error("the store is closed")]
    Closed,
}

impl From<BlobError> for StoreError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Database(error) => *error,
            error => Self::Contents(Box::new(error)),
        }
    }
}

/// Why a blob cannot be taken or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("another client is sending this blob")]
    Busy,
    #[error("the blob continues at {has}")]
    Offset { has: u64 },
    #[error("the content is not what its SHA-256 says")]
    Mismatch,
    #[error("the blob is larger than {} bytes", c2_shared::limits::BLOB_BYTES_MAX)]
    TooLarge,
    #[error("the disk of c2d is full")]
    Full,
    #[error("this token has sent {bytes} bytes in {count} files that no job uses")]
    Quota { count: usize, bytes: u64 },
    #[error("a file of c2d failed")]
    Disk(#[source] std::io::Error),
    #[error("the database of c2d failed")]
    Database(#[source] Box<StoreError>),
}

impl From<StoreError> for BlobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) if error.is_full() => Self::Full,
            error => Self::Database(Box::new(error)),
        }
    }
}

impl From<std::io::Error> for BlobError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Disk(error),
        }
    }
}

impl Advice for StoreError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Locked { .. } => "stop the other one, or give this one its own --data-dir",
            Self::Exposed { dir, .. } => {
                return Some(format!(
                    "close it with: chmod 700 {}; then change what may have been read with `c2d token rotate`",
                    dir.display()
                ));
            }
            Self::InUse { dir } => {
                return Some(format!("give c2d a folder of its own: --data-dir {}", dir.join("c2d").display()));
            }
            Self::OfAnother { .. } => "start c2d as that user, or name another folder with --data-dir",
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "this user may not write there: name another folder with --data-dir, or set HOME"
            }
            Self::Newer { .. } => "start the newer c2d, or give this one another --data-dir; nothing was changed",
            Self::Foreign { .. } => "move the file away, or use another --data-dir; nothing was changed",
            Self::NotALog { .. } => "give jobs_log_file a name of its own, or move the file away; nothing was changed",
            Self::Pragma { .. } => "use a local disk; network and overlay file systems may not support it",
            Self::Unreadable { .. } => {
                "keep a copy of the folder, and put a backup back: c2d restore FILE; if neither a disk nor anybody changed \
                 it, please report it"
            }
            Self::Broken { .. } => {
                "this is a defect of c2d: keep a copy of the folder and report it; a restart loses nothing"
            }
            Self::Database(SqlError::Postgres(_) | SqlError::NotReplicated | SqlError::Silent) => {
                "check that the database server runs and lets c2d in, then start c2d again; nothing that was accepted is lost"
            }
            Self::Database(_) | Self::File { .. } | Self::Contents(_) => {
                "check the disk and its free space, then start c2d again"
            }
            Self::Gone { .. } => "its line is still in jobs.log; keep_days, keep_jobs and keep_bytes say what is kept",
            Self::Deposed => "nothing is lost: the other one has everything; this one stands by when it starts again",
            Self::Moving => "wait for the end of `c2d migrate`, and start c2d where it moved everything",
            Self::Moved { .. } => "start c2d there, without --store",
            Self::OldServer { .. } => "upgrade the server, or name another one with --store",
            Self::Elsewhere { .. } => "start c2d with that --store, or give it another --data-dir",
            Self::OwnQueue { dir } => {
                return Some(format!(
                    "move it into the database with `c2d migrate {} URL`, or give c2d a new --data-dir; nothing was changed",
                    dir.display()
                ));
            }
            Self::OtherStore { dir, .. } => {
                return Some(format!(
                    "start c2d with that --store, or give it a new --data-dir; if this is the same database by another \
                     address, remove {}; nothing was changed",
                    dir.join(folder::STORE).display()
                ));
            }
            Self::NoQueue { dir, traces } => return Some(without_queue(dir, traces)),
            Self::Closed => "look for the first error above",
        };
        Some(hint.to_owned())
    }

    fn status(&self) -> u8 {
        if matches!(self, Self::NotALog { .. }) { exit::CONFIGURATION } else { exit::FAILED }
    }
}

/// The way on for a folder whose queue is gone.
fn without_queue(dir: &Path, traces: &[&str]) -> String {
    let dir_shown = dir.display();
    let way = if traces.contains(&folder::NEW) {
        format!("finish the move: c2d migrate URL {dir_shown}")
    } else if traces.contains(&folder::MOVED) {
        "start c2d with the --store that it was moved to".to_owned()
    } else {
        "put a backup back with `c2d restore FILE`, or start c2d with the --store that it had".to_owned()
    };
    format!("{way}; to begin a new queue, move {} away; nothing was changed", traces.join(", "))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl StoreError {
    /// Whether there is no space left.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_full())
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}

/// Opens the store, makes it if it is new, and mends what a crash left behind.
pub fn open(config: Config) -> Result<Opened, StoreError> {
    let folder = Folder::open(&config.dir)?;
    open_in(folder, config)
}

/// The same, in a folder that is locked already.
pub fn open_in(folder: Folder, config: Config) -> Result<Opened, StoreError> {
    folder::belongs_to(folder.dir(), config.engine.target())?;
    if let Some(target) = config.engine.target() {
        folder.mark(target)?;
    }
    let (mut connection, reader, table) = match &config.engine {
        Engine::Sqlite => (schema::open(&folder)?, Reader::Sqlite(folder.database()), None),
        Engine::Postgres { target, epoch } => {
            let connection = Postgres::writer(target, Some(epoch.cast_signed()), &node(&config.dir))?;
            connection.migrate()?;
            let connection = Connection::Postgres(Box::new(connection));
            if let Some(to) = memo::moved(&connection)? {
                return Err(StoreError::Moved { to });
            }
            let table = BlobTable::open(target, epoch.cast_signed())?;
            (connection, Reader::Postgres(target.clone()), Some(table))
        }
    };
    let mut edits = workers_json::import(&mut connection, &config.workers_json)?;
    edits.extend(memo::take(&connection, memo::NOTE)?);
    let audit = memo::get(&connection, crate::audit::MEMO)?;
    let uptime = Uptime::load(&connection)?;
    let seen_ms = uptime.seen_ms();
    batches::forget(&connection)?;
    let saved = load::load(&connection, seen_ms)?;
    load::hold_defects(&connection, &saved)?;
    let log = jobs_log::JobsLog::open(&config.jobs_log, &connection)?;
    let history = History::open(&reader)?;
    let blobs = Blobs::open(folder.dir(), config.keep.keep_blob_bytes, table)?;
    blobs.share()?;
    let output_keep_bytes = config.keep.output_keep_bytes;
    let retention = retention::Retention::new(config.keep, uptime, blobs.clone());
    let (writer, space) = Writer::start(connection, folder, log, config.workers_json, output_keep_bytes, retention)?;
    Ok(Opened { writer, history, blobs, space, saved, seen_ms, audit, edits })
}

/// Sees that a c2d could lead this database with this folder, so that one which could not says so before it stands by.
pub fn could_lead(folder: &Folder, target: &Target, jobs_log: &Path) -> Result<(), StoreError> {
    folder::belongs_to(folder.dir(), Some(target))?;
    jobs_log::look(jobs_log)
}

/// What tells a data folder from those of other c2d on the same database.
fn node(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    format!("{}:{}", rustix::system::uname().nodename().to_string_lossy(), dir.display())
}
