//! The database as a whole: copied, looked through, and its ids moved on after a copy was put back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use c2_shared::blob::BlobId;
use c2_shared::id::JobId;
use rusqlite::OpenFlags;

use crate::store::columns::uint;
use crate::store::folder::private;
use crate::store::jobs_log::LogLine;
use crate::store::sql::Connection;
use crate::store::uptime::Uptime;
use crate::store::{StoreError, folder, jobs_log, load, payload, schema, workers_json};

/// Copies a database in one transaction, also one that c2d is writing to.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = read(from)?;
    // SQLite takes an empty file for the copy, which is for its owner alone before anything is in it.
    drop(private().open(to).map_err(StoreError::file(to))?);
    let name = to.to_str().ok_or_else(|| StoreError::File {
        path: to.to_owned(),
        source: std::io::Error::other("the name is not Unicode"),
    })?;
    source.execute("VACUUM INTO ?1", [name])?;
    Ok(())
}

/// Looks through a database, and reads all that a start reads of it; answers how many jobs are in it.
pub fn examine(path: &Path) -> Result<u64, StoreError> {
    let (connection, version) = recognised(path)?;
    // SQLite says of such a value neither where it is nor that it is one.
    let sql = "SELECT id FROM job WHERE NOT json_valid(terms) LIMIT 1";
    if version >= schema::WITH_TERMS
        && let Ok(Some(id)) = connection.optional::<i64>(sql, ())
    {
        return Err(StoreError::Unreadable { what: format!("table job, id {id}: terms are no JSON") });
    }
    let said: String = connection.value("PRAGMA integrity_check(1)", ())?;
    if said != "ok" {
        return Err(StoreError::Unreadable { what: said });
    }
    let digest = if version >= schema::WITH_DIGESTS { "digest" } else { "NULL" };
    let mut jobs = 0;
    connection.query(&format!("SELECT id, payload, {digest} FROM job ORDER BY id"), (), |row| {
        if let Some(reason) = payload::defect(row.text(1)?, row.bytes(2)?) {
            return Err(StoreError::Unreadable { what: format!("{}: {reason}", JobId(uint(row.get(0)?))) });
        }
        jobs += 1;
        Ok(())
    })?;
    // A start brings an older one up to date first.
    if version == schema::known() {
        has_all(&connection)?;
        let seen_ms = Uptime::load(&connection)?.seen_ms();
        load::load(&connection, seen_ms)?;
    }
    Ok(jobs)
}

/// Sees that nothing of the schema is missing.
fn has_all(connection: &Connection) -> Result<(), StoreError> {
    let names = |c: &Connection| {
        let sql = "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1";
        c.query(sql, (), |row| Ok(row.get::<_, String>(0)?))
    };
    let there = names(connection)?;
    match names(&schema::empty()?)?.into_iter().find(|name| !there.contains(name)) {
        Some(name) => Err(StoreError::Unreadable { what: format!("the {name} is missing") }),
        None => Ok(()),
    }
}

/// A file that something names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedBlob {
    pub blob: BlobId,
    /// What names it has not ended.
    pub is_needed: bool,
    /// Which job that is; none for a schedule.
    pub job: Option<JobId>,
}

/// All files that jobs and schedules name.
pub fn named_blobs(path: &Path) -> Result<BTreeSet<NamedBlob>, StoreError> {
    let (connection, version) = recognised(path)?;
    if version < schema::known() {
        return Ok(BTreeSet::new());
    }
    let sql = "SELECT sha256, job, job < 0 OR EXISTS (SELECT 1 FROM job WHERE id = named.job AND state < 4) FROM (
            SELECT sha256, job FROM blob_use UNION SELECT sha256, job FROM output_blob
            UNION SELECT sha256, job FROM listing WHERE sha256 IS NOT NULL
        ) AS named";
    let named = connection.query(sql, (), |row| {
        let job: i64 = row.get(1)?;
        Ok(NamedBlob { blob: BlobId(row.get(0)?), is_needed: row.get(2)?, job: (job > 0).then(|| JobId(uint(job))) })
    })?;
    Ok(named.into_iter().collect())
}

/// How a job ended, as its line in the log should have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOf {
    pub job: JobId,
    /// When it was; not known of one that was removed.
    at_ms: Option<u64>,
}

impl EndOf {
    /// Whether a line is about this very end, and not about one before a backup was put back.
    pub fn is_told_by(&self, line: &LogLine) -> bool {
        line.job_id == self.job && self.at_ms.is_some_and(|at_ms| line.is_of(at_ms))
    }
}

/// All ended jobs by their number in the log, also those that were removed since.
pub fn ended(path: &Path) -> Result<BTreeMap<u64, EndOf>, StoreError> {
    let connection = read(path)?;
    let sql = "SELECT seq, id, ended_ms FROM job WHERE seq IS NOT NULL UNION ALL SELECT seq, id, NULL FROM removed";
    let ended = connection.query(sql, (), |row| {
        let at_ms = row.get::<_, Option<i64>>(2)?.map(uint);
        Ok((uint(row.get(0)?), EndOf { job: JobId(uint(row.get(1)?)), at_ms }))
    })?;
    Ok(ended.into_iter().collect())
}

/// The last line of a log of ended jobs that this database knows: its number, and where it ends.
pub fn last_logged(path: &Path, log: &File, log_path: &Path) -> Result<(u64, u64), StoreError> {
    jobs_log::last_known(log, log_path, &read(path)?)
}

/// A text that was kept in a database under this name.
pub fn memo(path: &Path, name: &str) -> Result<Option<String>, StoreError> {
    super::memo::get(&read(path)?, name)
}

/// After which line the log of ended jobs begins.
pub fn log_begins_after(path: &Path) -> Result<u64, StoreError> {
    jobs_log::begins_after(&read(path)?)
}

/// The last id that was given to a job; 0 for none.
pub fn last_job(path: &Path) -> Result<u64, StoreError> {
    let last: i64 = read(path)?.value(&format!("SELECT coalesce(({LAST_JOB}), 0)"), ())?;
    Ok(u64::try_from(last).unwrap_or(0))
}

/// Leaves a word for the audit log of the next c2d, behind what is left there already.
pub fn leave_note(path: &Path, text: &str) -> Result<(), StoreError> {
    let connection = Connection::Sqlite(rusqlite::Connection::open(path)?);
    let before = super::memo::get(&connection, super::memo::NOTE)?;
    let text = before.map_or_else(|| text.to_owned(), |before| format!("{before}; {text}"));
    super::memo::put(&connection, super::memo::NOTE, &text)?;
    connection.close()
}

/// From this id on new jobs are counted, whatever is in the database.
pub fn move_ids_on(path: &Path, last: u64) -> Result<(), StoreError> {
    let connection = Connection::Sqlite(rusqlite::Connection::open(path)?);
    connection.execute(
        "INSERT INTO meta VALUES ('last_job', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [last.to_string()],
    )?;
    connection.close()
}

/// Looks at a list of workers: whether it is as it was written, or why it cannot be read. Fails where
/// there is none.
pub fn look_at_workers(list: &Path, database: &Path) -> Result<Result<bool, String>, StoreError> {
    let text = std::fs::read(list).map_err(StoreError::file(list))?;
    workers_json::look(&text, &read(database)?)
}

/// Locks a data folder as c2d does.
pub fn lock(dir: &Path) -> Result<File, StoreError> {
    folder::lock(dir)
}

/// Locks a log of ended jobs as c2d does, where it lies outside the data folder.
pub fn lock_log(path: &Path) -> Result<File, StoreError> {
    let file = File::open(path).map_err(StoreError::file(path))?;
    folder::lock_file(&file, path)?;
    Ok(file)
}

/// The last id that was given, also to jobs that were removed, also before a copy was put back.
pub(super) const LAST_JOB: &str = "SELECT max(id) FROM (SELECT max(id) AS id FROM job \
     UNION ALL SELECT max(id) FROM removed \
     UNION ALL SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'last_job') AS ids";

fn read(path: &Path) -> Result<Connection, StoreError> {
    Ok(recognised(path)?.0)
}

/// A database that is ours, and the version of its schema.
fn recognised(path: &Path) -> Result<(Connection, i64), StoreError> {
    let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let version = schema::recognise(&connection, path)?;
    Ok((Connection::Sqlite(connection), version))
}
