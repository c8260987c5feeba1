//! The database's shape, its settings, and the steps from older shapes.
//!
//! The constraints restate what the scheduler promises, so that a defect there becomes a failed
//! commit here and never a wrong answer: an ended job never changes, an attempt number is never
//! given twice, a tag has one holder.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::store::folder::{Folder, private, sync_dir};
use crate::store::{StoreError, batches, by_identity, rules, schedules, sql, wishes, workers};

/// Marks a file as ours: "C2", and a number.
const APPLICATION_ID: i64 = 0x4332_0001;

/// Each step leads from the version of its place to the next.
const STEPS: &[Step] = &[
    Step::Sql(V1),
    Step::Sql(V2),
    Step::Sql(V3),
    Step::Sql(V4),
    Step::Code(by_identity::migrate),
    Step::Sql(OUTPUTS),
    Step::Sql(BLAME),
    Step::Sql(schedules::TABLE),
    Step::Sql(rules::TABLES),
    Step::Sql(batches::TABLE),
    Step::Sql(workers::RESOURCES),
    Step::Sql(batches::RETRIES),
    Step::Sql(FIGURES),
    Step::Sql(wishes::AHEAD),
    Step::Sql(workers::SLEEP),
];

/// How a step is done.
#[derive(Clone, Copy)]
enum Step {
    Sql(&'static str),
    Code(fn(&Transaction<'_>) -> Result<(), StoreError>),
}

const V1: &str = "
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    payload TEXT NOT NULL,
    name TEXT,
    grp TEXT,
    tags TEXT,
    exclude TEXT,
    same_machine INTEGER NOT NULL,
    pinned TEXT,
    priority INTEGER NOT NULL,
    retries_left INTEGER NOT NULL CHECK (retries_left >= 0),
    begin_at INTEGER,
    on_lost INTEGER NOT NULL,
    submitted_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT,
    started_ms INTEGER,
    cancelling INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    ended_ms INTEGER,
    outcome TEXT,
    seq INTEGER,
    CHECK ((state >= 4) = (seq IS NOT NULL)),
    CHECK ((state >= 4) = (outcome IS NOT NULL))
);
CREATE INDEX job_live ON job (id) WHERE state < 4;
CREATE INDEX job_ended ON job (id, state, worker) WHERE state >= 4;
CREATE INDEX job_name ON job (name, id) WHERE name IS NOT NULL;
CREATE INDEX job_group ON job (grp, id) WHERE grp IS NOT NULL;
CREATE INDEX job_worker ON job (worker, id) WHERE worker IS NOT NULL;
CREATE INDEX job_tagged ON job (id) WHERE tags IS NOT NULL;
CREATE UNIQUE INDEX job_seq ON job (seq) WHERE seq IS NOT NULL;
CREATE TRIGGER job_ended_is_final BEFORE UPDATE ON job WHEN OLD.state >= 4
    BEGIN SELECT RAISE(ABORT, 'an ended job never changes'); END;

CREATE TABLE dependency (
    job INTEGER NOT NULL,
    place INTEGER NOT NULL,
    requires INTEGER NOT NULL,
    condition INTEGER NOT NULL,
    fulfilled INTEGER NOT NULL,
    PRIMARY KEY (job, place)
) WITHOUT ROWID;

CREATE TABLE attempt (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 1),
    worker TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    outcome TEXT,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE hold (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    worker TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE lock (
    worker TEXT NOT NULL,
    tag TEXT NOT NULL,
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (worker, tag)
) WITHOUT ROWID;
CREATE INDEX lock_holder ON lock (job, number);

CREATE TABLE output (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    swept INTEGER NOT NULL,
    stdout_head BLOB, stdout_dropped INTEGER NOT NULL, stdout_tail BLOB,
    stderr_head BLOB, stderr_dropped INTEGER NOT NULL, stderr_tail BLOB,
    UNIQUE (job, number)
);

CREATE TABLE listing (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    files TEXT NOT NULL,
    problems TEXT NOT NULL,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE blob_use (
    sha256 BLOB NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (sha256, job)
) WITHOUT ROWID;
CREATE INDEX blob_use_job ON blob_use (job);
CREATE TRIGGER job_takes_its_files AFTER DELETE ON job BEGIN
    DELETE FROM listing WHERE job = OLD.id;
    DELETE FROM blob_use WHERE job = OLD.id;
END;

CREATE TABLE worker (
    ip TEXT PRIMARY KEY,
    hostname TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    slots INTEGER NOT NULL,
    version TEXT NOT NULL,
    hardware TEXT NOT NULL,
    groups TEXT NOT NULL,
    tags TEXT NOT NULL,
    drained INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    jobs TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// What stays of ended jobs that were removed, and how to find who depends on a job.
const V2: &str = "
CREATE TABLE removed (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 4 AND 6),
    worker TEXT,
    seq INTEGER NOT NULL
);
CREATE INDEX dependency_requires ON dependency (requires);
";

/// The version from which on specifications have digests.
pub(super) const WITH_DIGESTS: i64 = 3;
/// The version from which on jobs have terms.
pub(super) const WITH_TERMS: i64 = 4;

/// Tells a specification that was changed on the disk from the one that was submitted.
const V3: &str = "
ALTER TABLE job ADD COLUMN digest BLOB;
";

/// What a job asks for is one value. Group and tags are read from it, for those who look for them.
const V4: &str = "
CREATE TABLE new_job (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    payload TEXT NOT NULL,
    digest BLOB,
    name TEXT,
    terms TEXT NOT NULL,
    grp TEXT AS (terms ->> '$.placement.group'),
    tags TEXT AS (terms -> '$.placement.tags'),
    pinned TEXT,
    retries_left INTEGER NOT NULL CHECK (retries_left >= 0),
    submitted_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT,
    started_ms INTEGER,
    cancelling INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    ended_ms INTEGER,
    outcome TEXT,
    seq INTEGER,
    CHECK ((state >= 4) = (seq IS NOT NULL)),
    CHECK ((state >= 4) = (outcome IS NOT NULL))
);
INSERT INTO new_job SELECT id, state, payload, digest, name,
    json_patch('{}', json_object(
        'placement', json_object('group', grp, 'tags', json(tags), 'exclude', json(exclude)),
        'same_machine', json(iif(same_machine, 'true', NULL)),
        'priority', priority,
        'retries', retries_left,
        'begin_at', begin_at,
        'on_lost', CASE on_lost WHEN 1 THEN 'fail' WHEN 2 THEN 'wait' END
    )),
    pinned, retries_left, submitted_ms, attempt, worker, started_ms, cancelling, crashes, ended_ms, outcome, seq
    FROM job;
DROP TABLE job;
ALTER TABLE new_job RENAME TO job;
CREATE INDEX job_live ON job (id) WHERE state < 4;
CREATE INDEX job_ended ON job (id, state, worker) WHERE state >= 4;
CREATE INDEX job_name ON job (name, id) WHERE name IS NOT NULL;
CREATE INDEX job_group ON job (grp, id) WHERE grp IS NOT NULL;
CREATE INDEX job_worker ON job (worker, id) WHERE worker IS NOT NULL;
CREATE INDEX job_tagged ON job (id) WHERE tags IS NOT NULL;
CREATE UNIQUE INDEX job_seq ON job (seq) WHERE seq IS NOT NULL;
CREATE TRIGGER job_ended_is_final BEFORE UPDATE ON job WHEN OLD.state >= 4
    BEGIN SELECT RAISE(ABORT, 'an ended job never changes'); END;
CREATE TRIGGER job_takes_its_files AFTER DELETE ON job BEGIN
    DELETE FROM listing WHERE job = OLD.id;
    DELETE FROM blob_use WHERE job = OLD.id;
END;
";

/// What is long of a result is in blobs, which stay for as long as its row: the streams (parts 0 and
/// 1) and their order (2). A long list of files is a blob of its job.
const OUTPUTS: &str = "
ALTER TABLE output ADD COLUMN runs BLOB;
ALTER TABLE output ADD COLUMN stdout_reason TEXT;
ALTER TABLE output ADD COLUMN stderr_reason TEXT;
CREATE TABLE output_blob (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    part INTEGER NOT NULL CHECK (part BETWEEN 0 AND 2),
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    dropped_at INTEGER NOT NULL,
    PRIMARY KEY (job, number, part)
) WITHOUT ROWID;
CREATE INDEX output_blob_sha256 ON output_blob (sha256);
CREATE TRIGGER output_takes_its_blobs AFTER DELETE ON output BEGIN
    DELETE FROM output_blob WHERE job = OLD.job AND number = OLD.number;
END;
ALTER TABLE listing ADD COLUMN sha256 BLOB;
CREATE INDEX listing_long ON listing (sha256) WHERE sha256 IS NOT NULL;
";

/// What has ended holds no slot while its result is under way; and what machines could not start counts against
/// them until it ends.
const BLAME: &str = "
ALTER TABLE hold ADD COLUMN outcome TEXT;
ALTER TABLE worker ADD COLUMN quarantine TEXT;
CREATE TABLE fault (
    job INTEGER NOT NULL,
    worker TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (job, worker)
) WITHOUT ROWID;
CREATE TRIGGER job_takes_its_faults AFTER DELETE ON job BEGIN
    DELETE FROM fault WHERE job = OLD.id;
END;
";

/// What attempts used.
const FIGURES: &str = "
ALTER TABLE output ADD COLUMN peak_bytes INTEGER;
ALTER TABLE output ADD COLUMN cpu_ms INTEGER;
";

/// Opens the one connection that writes.
pub(super) fn open(folder: &Folder) -> Result<sql::Connection, StoreError> {
    open_at(&folder.database())
}

/// The same for a database that does not count yet.
pub(super) fn open_at(path: &Path) -> Result<sql::Connection, StoreError> {
    // SQLite gives its side files the mode of the database, so the database must be private first.
    drop(private().open(path).map_err(StoreError::file(path))?);
    let mut connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(64);
    let found = recognise(&connection, path)?;
    settle(&connection)?;
    if found < known() {
        migrate(&mut connection, usize::try_from(found).unwrap_or(0))?;
        path.parent().map_or(Ok(()), sync_dir)?;
    }
    Ok(sql::Connection::Sqlite(connection))
}

/// A database without rows.
pub(super) fn empty() -> Result<sql::Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, 0)?;
    Ok(sql::Connection::Sqlite(connection))
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    pragma(&connection, "query_only", "ON", "1")?;
    keep_plans(&connection)?;
    Ok(connection)
}

pub(super) fn known() -> i64 {
    i64::try_from(STEPS.len()).expect("few schema versions exist")
}

/// The schema version of a file that is ours and not too new. Changes nothing.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let (found, known) = (identify(connection, path)?, known());
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

/// The schema version of a file that is ours; 0 for an empty one. Changes nothing.
fn identify(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |name| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let foreign = |_| StoreError::Foreign { path: path.to_owned() };
    let (application, version) = (number("application_id").map_err(foreign)?, number("user_version").map_err(foreign)?);
    let empty = application == 0 && version == 0 && number("schema_version").map_err(foreign)? == 0;
    if application != APPLICATION_ID && !empty {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    Ok(version)
}

/// Sets what durability and safety depend on, and reads it back: SQLite ignores a setting that it
/// cannot take without an error.
fn settle(connection: &Connection) -> Result<(), StoreError> {
    pragma(connection, "journal_mode", "WAL", "wal")?;
    pragma(connection, "synchronous", "FULL", "2")?;
    pragma(connection, "foreign_keys", "ON", "1")?;
    pragma(connection, "trusted_schema", "OFF", "0")?;
    pragma(connection, "cell_size_check", "ON", "1")?;
    pragma(connection, "mmap_size", "0", "0")?;
    pragma(connection, "wal_autocheckpoint", "4000", "4000")?;
    pragma(connection, "cache_size", "-4000", "-4000")?;
    keep_plans(connection)
}

/// Makes plans independent of the values that are bound. Otherwise each statement with a `LIMIT ?`
/// is compiled anew each time.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn pragma(connection: &Connection, name: &'static str, value: &str, wanted: &'static str) -> Result<(), StoreError> {
    connection.pragma_update(None, name, value)?;
    let found = connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
    let found = match found {
        Ok(rusqlite::types::Value::Integer(n)) => n.to_string(),
        Ok(rusqlite::types::Value::Text(text)) => text,
        // A build without memory mapping has no such setting, which is what is asked for.
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(()),
        Ok(other) => format!("{other:?}"),
        Err(e) => return Err(e.into()),
    };
    if found == wanted { Ok(()) } else { Err(StoreError::Pragma { pragma: name, found, wanted }) }
}

fn migrate(connection: &mut Connection, from: usize) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &STEPS[from..] {
        match step {
            Step::Sql(sql) => transaction.execute_batch(sql)?,
            Step::Code(step) => step(&transaction)?,
        }
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(STEPS.len()).expect("few schema versions exist"))?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use c2_shared::job::Terms;

    use super::*;
    use crate::store::columns::json;

    #[test]
    fn terms_are_made_of_the_columns_of_old() {
        let mut connection = Connection::open_in_memory().unwrap();
        for step in [V1, V2, V3] {
            connection.execute_batch(step).unwrap();
        }
        let rows = r#"INSERT INTO job VALUES
            (1, 2, '{}', NULL, NULL, NULL, NULL, 0, NULL, 0, 0, NULL, 0, 5, 0, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL),
            (2, 5, 'no JSON', 'n', 'gpu', '["a","b"]', '["pi"]', 1, '10.0.0.2', -3, 4, 99, 2, 5, 1, '10.0.0.2', 7, 1,
             2, 8, '{}', 1, x'01')"#;
        connection.execute_batch(rows).unwrap();
        migrate(&mut connection, 3).unwrap();
        let read = |id: i64| {
            let sql = "SELECT terms, grp, tags FROM job WHERE id = ?1";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
            let (terms, group, tags): (_, Option<String>, Option<String>) =
                connection.query_row(sql, [id], row).unwrap();
            (json::<Terms>(&terms).unwrap(), group, tags)
        };
        assert_eq!(read(1), (Terms::default(), None, None));
        let terms = r#"{"placement":{"group":"gpu","tags":["a","b"],"exclude":["pi"]},"same_machine":true,
            "priority":-3,"retries":4,"begin_at":99,"on_lost":"wait"}"#;
        let terms = json(terms).unwrap();
        assert_eq!(read(2), (terms, Some("gpu".into()), Some(r#"["a","b"]"#.into())));
        let changed = connection.execute("UPDATE job SET state = 4 WHERE id = 2", []);
        assert!(changed.is_err(), "an ended job never changes");
    }

    #[test]
    fn what_was_given_before_jobs_were_given_ahead_has_its_slot() {
        let mut connection = Connection::open_in_memory().unwrap();
        let before = STEPS.len() - 1;
        let transaction = connection.transaction().unwrap();
        for step in &STEPS[..before] {
            match step {
                Step::Sql(sql) => transaction.execute_batch(sql).unwrap(),
                Step::Code(step) => step(&transaction).unwrap(),
            }
        }
        let hold = "INSERT INTO hold (job, number, worker, takes, card) VALUES (1, 2, 'id', NULL, NULL)";
        transaction.execute_batch(hold).unwrap();
        transaction.commit().unwrap();
        migrate(&mut connection, before).unwrap();
        assert_eq!(values(&connection, "SELECT job, number, worker, ahead, wish FROM hold"), ["1 2 id 0 -"]);
    }

    /// All values of a query, rows by lines.
    fn values(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>, i| match row.get(i)? {
            rusqlite::types::Value::Text(text) => Ok(text),
            rusqlite::types::Value::Integer(number) => Ok(number.to_string()),
            _ => Ok::<_, rusqlite::Error>("-".to_owned()),
        };
        let line = |row: &rusqlite::Row<'_>| (0..columns).map(|i| text(row, i)).collect::<Result<Vec<_>, _>>();
        let rows = statement.query_map([], |row| line(row)).unwrap();
        rows.map(|row| row.unwrap().join(" ")).collect()
    }

    #[test]
    fn workers_by_address_become_workers_by_identity_with_all_that_they_have() {
        let mut connection = Connection::open_in_memory().unwrap();
        for step in [V1, V2, V3, V4] {
            connection.execute_batch(step).unwrap();
        }
        let rows = r#"
            INSERT INTO worker VALUES
                ('10.0.0.11', 'laptop', 'moved', 'boot', 4, '0.1.0', '{}', '["a"]', '["disk"]', 1),
                ('10.0.0.12', 'Laptop', 'moved', 'boot', 4, '0.1.0', '{}', '["b"]', '["gpu:0"]', 0),
                ('10.0.0.13', 'pi', 'copied', 'boot', 4, '0.1.0', '{}', '[]', '["disk"]', 0),
                ('10.0.0.14', 'pi', 'copied', 'boot', 4, '0.1.0', '{}', '[]', '["disk"]', 0),
                ('10.0.0.15', 'plain', '', '', 4, '', '{}', '["c"]', '[]', 0);
            INSERT INTO job (id, state, payload, terms, pinned, retries_left, submitted_ms, attempt, worker,
                cancelling, crashes, outcome, seq) VALUES
                (1, 3, '{}', '{}', NULL, 0, 5, 1, '10.0.0.11', 0, 0, NULL, NULL),
                (2, 3, '{}', '{}', NULL, 0, 5, 1, '10.0.0.12', 0, 0, NULL, NULL),
                (3, 3, '{}', '{}', NULL, 0, 5, 1, '10.0.0.13', 0, 0, NULL, NULL),
                (4, 3, '{}', '{}', NULL, 0, 5, 1, '10.0.0.14', 0, 0, NULL, NULL),
                (5, 2, '{}', '{"placement":{"exclude":["10.0.0.12","PLAIN","pi","nobody"]}}', '10.0.0.11', 0, 5, 0,
                    NULL, 0, 0, NULL, NULL),
                (6, 4, '{}', '{}', '10.0.0.15', 0, 5, 1, '10.0.0.15', 0, 0, '{}', 1),
                (7, 4, '{}', '{}', NULL, 0, 5, 1, '10.0.0.99', 0, 0, '{}', 2);
            INSERT INTO attempt VALUES (1, 1, '10.0.0.11', 6, NULL, NULL), (2, 1, '10.0.0.12', 9, NULL, NULL),
                (3, 1, '10.0.0.13', 7, NULL, NULL), (4, 1, '10.0.0.14', 8, NULL, NULL), (6, 1, '10.0.0.15', 1, 2, '{}');
            INSERT INTO hold VALUES (1, 1, '10.0.0.11'), (2, 1, '10.0.0.12'), (3, 1, '10.0.0.13'), (4, 1, '10.0.0.14');
            INSERT INTO lock VALUES ('10.0.0.11', 'disk', 1, 1, 0), ('10.0.0.12', 'gpu:0', 2, 1, 0),
                ('10.0.0.13', 'disk', 3, 1, 0), ('10.0.0.14', 'disk', 4, 1, 0);
            INSERT INTO removed VALUES (90, 4, '10.0.0.11', 3);"#;
        connection.execute_batch(rows).unwrap();
        migrate(&mut connection, 4).unwrap();
        let workers = values(&connection, "SELECT id, ip, groups, tags, drained, passed_on FROM worker ORDER BY id");
        let expected = [
            "addr:10.0.0.13 10.0.0.13 [] [\"disk\"] 0 0",
            "addr:10.0.0.15 10.0.0.15 [\"c\"] [] 0 0",
            "copied 10.0.0.14 [] [\"disk\"] 0 0",
            "moved 10.0.0.12 [\"a\",\"b\"] [\"disk\",\"gpu:0\"] 1 0",
        ];
        assert_eq!(workers, expected, "one row for each identity, where it was used last; a lock has one holder");
        let holds = values(&connection, "SELECT job, number, worker FROM hold ORDER BY job");
        assert_eq!(holds, ["1 1 moved", "2 1 moved", "3 1 addr:10.0.0.13", "4 1 copied"]);
        let locks = values(&connection, "SELECT worker, tag, job FROM lock ORDER BY job");
        assert_eq!(locks, ["moved disk 1", "moved gpu:0 2", "addr:10.0.0.13 disk 3", "copied disk 4"]);
        let jobs = values(&connection, "SELECT id, worker, address, pinned FROM job ORDER BY id");
        let expected = [
            "1 moved 10.0.0.11 -",
            "2 moved 10.0.0.12 -",
            "3 addr:10.0.0.13 10.0.0.13 -",
            "4 copied 10.0.0.14 -",
            "5 - - moved",
            "6 addr:10.0.0.15 10.0.0.15 addr:10.0.0.15",
            "7 addr:10.0.0.99 10.0.0.99 -",
        ];
        assert_eq!(jobs, expected);
        let excluded = values(&connection, "SELECT terms -> '$.placement.exclude' FROM job WHERE id = 5");
        assert_eq!(excluded, [r#"["moved","addr:10.0.0.15","pi","nobody"]"#], "what means several stays a word");
        let attempts = values(&connection, "SELECT job, worker, address FROM attempt WHERE job IN (1, 6)");
        assert_eq!(attempts, ["1 moved 10.0.0.11", "6 addr:10.0.0.15 10.0.0.15"]);
        assert_eq!(values(&connection, "SELECT worker FROM removed"), ["moved"]);
        let changed = connection.execute("UPDATE job SET state = 5 WHERE id = 6", []);
        assert!(changed.is_err(), "an ended job never changes");
    }
}
