//! Everything that is durable moved from SQLite in a data folder to a database on a server, or back.
//!
//! The target is complete or empty, and of the two only one can be started: before the target counts, the
//! source is marked. A move that was broken off is begun again, or finished, by the same command.

mod contents;
mod rows;

use std::fmt;
use std::path::{Path, PathBuf};

use c2_shared::advice::Advice;

use crate::store::folder::{self, DATABASE, Folder, MOVED, NEW};
use crate::store::leader::{Candidate, Leadership};
use crate::store::sql::postgres::Postgres;
use crate::store::sql::{Connection, Target};
use crate::store::{StoreError, memo, node, schema};

/// What SQLite may leave beside a database.
const SIDE_FILES: [&str; 2] = ["-wal", "-shm"];

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Folder(PathBuf),
    Database(Target),
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub jobs: u64,
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("one of the two must be a data folder, and the other a database on a server")]
    SameKind,
    #[error("{0:?} has no database of c2d")]
    NoFolder(PathBuf),
    #[error("{0} has no tables of c2d")]
    NoTables(Target),
    #[error("a c2d uses {0}")]
    InUse(Target),
    #[error("{0} is not empty")]
    NotEmpty(String),
    #[error("everything was moved to {0} already")]
    Moved(String),
    #[error("{0} is not the same on both sides after it was copied")]
    Differs(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Advice for MigrationError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SameKind => "write it like: c2d migrate ~/.local/state/c2d postgres://c2@10.0.0.5/c2".to_owned(),
            Self::NoFolder(_) => "name the folder that c2d keeps its data in".to_owned(),
            Self::NoTables(_) => "check the name of the database, and its schema".to_owned(),
            Self::InUse(_) => "stop all c2d first, also those that stand by; nothing was changed".to_owned(),
            Self::NotEmpty(_) => "name an empty database or another folder; nothing was changed".to_owned(),
            Self::Moved(_) => "start c2d there".to_owned(),
            Self::Differs(_) => "this is a defect of c2d; please report it; the source is as it was".to_owned(),
            Self::Store(StoreError::Locked { .. }) => "stop c2d first; nothing was changed".to_owned(),
            Self::Store(error) => return error.hint(),
        })
    }

    fn status(&self) -> u8 {
        if let Self::Store(error) = self { error.status() } else { c2_shared::exit::FAILED }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(dir) => dir.display().fmt(f),
            Self::Database(target) => target.fmt(f),
        }
    }
}

/// Moves everything; blocks.
pub fn migrate(from: &Place, to: &Place) -> Result<Report, MigrationError> {
    match (from, to) {
        (Place::Folder(dir), Place::Database(target)) => to_database(dir, target),
        (Place::Database(target), Place::Folder(dir)) => to_folder(target, dir),
        _ => Err(MigrationError::SameKind),
    }
}

fn to_database(dir: &Path, target: &Target) -> Result<Report, MigrationError> {
    let marked = folder::store_of(dir);
    let is_begun = match marked {
        Some(store) if store != target.to_string() => {
            return Err(StoreError::Elsewhere { dir: dir.to_owned(), store }.into());
        }
        other => other.is_some(),
    };
    match (folder::has_queue(dir), is_begun && dir.join(MOVED).is_file()) {
        (true, _) => {}
        (false, true) => return Err(MigrationError::Moved(target.to_string())),
        (false, false) => return Err(MigrationError::NoFolder(dir.to_owned())),
    }
    let folder = Folder::open(dir)?;
    let source = schema::open(&folder)?;
    let leadership = alone(target)?;
    let sink = writer(target, &leadership, dir)?;
    let found = if rows::is_empty(&sink)? { None } else { Some(rows::compare(&source, &sink)) };
    let report = match found {
        None => {
            folder.mark(target)?;
            let copied = copy_to_database(&source, sink, dir);
            if copied.is_err() && !is_begun {
                folder.unmark()?;
            }
            copied?
        }
        // It was broken off behind the commit.
        Some(Ok(report)) if is_begun => report,
        Some(_) => return Err(MigrationError::NotEmpty(target.to_string())),
    };
    source.close()?;
    rename(&folder, DATABASE, MOVED)?;
    leadership.resign();
    Ok(report)
}

/// All of it is one transaction.
fn copy_to_database(source: &Connection, mut sink: Connection, dir: &Path) -> Result<Report, MigrationError> {
    let t = sink.transaction()?;
    rows::copy(source, &t)?;
    memo::share_all(&t, dir)?;
    let sql = "SELECT setval(pg_get_serial_sequence('schedule', 'number'),
        (SELECT greatest(coalesce(max(number), 1), 1) FROM schedule))";
    t.value::<i64>(sql, ())?;
    let (files, bytes) = contents::send(dir, &t)?;
    let report = Report { files, bytes, ..rows::compare(source, &t)? };
    t.commit()?;
    Ok(report)
}

fn to_folder(target: &Target, dir: &Path) -> Result<Report, MigrationError> {
    if let Some(store) = folder::store_of(dir).filter(|store| *store != target.to_string()) {
        return Err(StoreError::Elsewhere { dir: dir.to_owned(), store }.into());
    }
    if folder::has_queue(dir) {
        return Err(MigrationError::NotEmpty(dir.display().to_string()));
    }
    let leadership = alone(target)?;
    let folder = Folder::open(dir)?;
    let source = writer(target, &leadership, dir)?;
    let here = node(dir);
    let moved = memo::moved(&source)?;
    if moved.as_ref().is_some_and(|there| *there != here) {
        return Err(MigrationError::Moved(moved.unwrap_or_default()));
    }
    if rows::is_empty(&source)? {
        return Err(MigrationError::NoTables(target.clone()));
    }
    let new = dir.join(NEW);
    let report = if moved.is_some() && new.is_file() {
        // It was broken off after the database was marked.
        let (files, bytes) = contents::fetch(&source, dir)?;
        Report { files, bytes, ..rows::compare(&source, &schema::open_at(&new)?)? }
    } else {
        remove(&new)?;
        let report = copy_to_folder(&source, &folder, &new)?;
        memo::mark_moved(&source, &here)?;
        report
    };
    rename(&folder, NEW, DATABASE)?;
    folder.unmark()?;
    leadership.resign();
    Ok(report)
}

fn copy_to_folder(source: &Connection, folder: &Folder, new: &Path) -> Result<Report, MigrationError> {
    let mut sink = schema::open_at(new)?;
    let t = sink.transaction()?;
    rows::copy(source, &t)?;
    t.commit()?;
    let report = rows::compare(source, &sink)?;
    sink.fold();
    sink.close()?;
    memo::take_over(source, folder.dir())?;
    let (files, bytes) = contents::fetch(source, folder.dir())?;
    folder.sync()?;
    Ok(Report { files, bytes, ..report })
}

/// Copies everything of a database into one of SQLite and a folder of files, as of one moment, while c2d works.
/// Texts about one c2d are those of the one whose folder this is.
pub fn snapshot(target: &Target, dir: &Path, to: &Path, files: &Path) -> Result<(), MigrationError> {
    let source = Postgres::writer(target, None, &node(dir))?;
    source.batch("SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let source = Connection::Postgres(Box::new(source));
    let mut sink = schema::open_at(to)?;
    let t = sink.transaction()?;
    rows::copy(&source, &t)?;
    t.commit()?;
    rows::compare(&source, &sink)?;
    contents::fetch(&source, files)?;
    sink.fold();
    Ok(sink.close()?)
}

/// What one c2d alone may do with a database, for as long as the value lives.
#[derive(Debug)]
pub struct Alone {
    leadership: Leadership,
    connection: Connection,
    dir: PathBuf,
}

impl Alone {
    /// Fails where any c2d leads or stands by, and where the folder is about something else. The files that all c2d have alike are in the folder then.
    pub fn with(target: &Target, dir: &Path) -> Result<Self, MigrationError> {
        folder::belongs_to(dir, Some(target))?;
        let leadership = alone(target)?;
        let connection = writer(target, &leadership, dir)?;
        memo::take_over(&connection, dir)?;
        Ok(Self { leadership, connection, dir: dir.to_owned() })
    }

    /// Has all c2d know these files as they are now, and the next one write a word into its audit log.
    pub fn share(self, note: &str) -> Result<(), StoreError> {
        memo::share_all(&self.connection, &self.dir)?;
        memo::put(&self.connection, memo::NOTE, note)?;
        self.leadership.resign();
        Ok(())
    }
}

/// Leads a database that no c2d uses.
fn alone(target: &Target) -> Result<Leadership, MigrationError> {
    let in_use = || MigrationError::InUse(target.clone());
    let mut candidate = Candidate::alone(target)?.ok_or_else(in_use)?;
    candidate.try_lead()?.ok_or_else(in_use)
}

fn writer(target: &Target, leadership: &Leadership, dir: &Path) -> Result<Connection, StoreError> {
    let epoch = leadership.epoch().map(u64::cast_signed);
    let writer = Postgres::writer(target, epoch, &node(dir))?;
    writer.migrate()?;
    // Large files take long, and no other session waits for this one.
    writer.batch("SET idle_in_transaction_session_timeout = 0")?;
    Ok(Connection::Postgres(Box::new(writer)))
}

/// Gives a database that is closed another name.
fn rename(folder: &Folder, from: &str, to: &str) -> Result<(), StoreError> {
    let dir = folder.dir();
    let to = dir.join(to);
    remove(&to)?;
    for side in SIDE_FILES {
        remove(&dir.join(format!("{from}{side}")))?;
    }
    std::fs::rename(dir.join(from), &to).map_err(StoreError::file(&to))?;
    folder.sync()
}

/// Removes a database that does not count, with what belongs to it.
fn remove(path: &Path) -> Result<(), StoreError> {
    let sides = SIDE_FILES.iter().map(|side| PathBuf::from(format!("{}{side}", path.display())));
    for path in std::iter::once(path.to_owned()).chain(sides) {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(StoreError::file(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}
