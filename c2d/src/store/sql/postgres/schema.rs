//! The schema for PostgreSQL: that of SQLite at the version from which on there are two, and the steps since.
//!
//! A test compares the two schemas table by table, but for what only several c2d need: who leads, and the
//! contents of files. Texts are compared byte by byte here as there, and
//! functions of SQLite that statements use are functions here.

#[cfg(test)]
use crate::store::sql::Connection;
use crate::store::sql::SqlError;
use crate::store::sql::postgres::Postgres;
use crate::store::{StoreError, schema};

/// The version of the schema that [`BASE`] makes.
const BASE_VERSION: i64 = 15;

/// Each step leads from the version of its place, after [`BASE_VERSION`], to the next; it has the place of a
/// step for SQLite.
const STEPS: &[&str] = &[];

/// Who leads. It is there before everything else, and never older than what else is there.
const LEADER: &str = "
CREATE TABLE IF NOT EXISTS leader (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL,
    address text NOT NULL,
    left_well boolean NOT NULL,
    version bigint NOT NULL
);
INSERT INTO leader VALUES (true, 0, '', true, 0) ON CONFLICT DO NOTHING;
";

const FUNCTIONS: &str = "
CREATE FUNCTION json_extract(text, text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN $1::json #>> string_to_array(substr($2, 3), '.');
CREATE FUNCTION json_set(text, text, bigint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN jsonb_set($1::jsonb, string_to_array(substr($2, 3), '.'), to_jsonb($3))::text;
CREATE FUNCTION json_each(text) RETURNS TABLE (value text) LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC SELECT json_array_elements_text($1::json); END;
CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN strpos($1, $2);
";

const BASE: &str = r#"
CREATE TABLE job (
    id bigint PRIMARY KEY,
    state bigint NOT NULL CHECK (state BETWEEN 0 AND 6),
    payload text NOT NULL,
    digest bytea,
    name text COLLATE "C",
    terms text NOT NULL,
    grp text COLLATE "C" GENERATED ALWAYS AS (json_extract(terms, '$.placement.group')) STORED,
    tags text GENERATED ALWAYS AS (json_extract(terms, '$.placement.tags')) STORED,
    pinned text COLLATE "C",
    retries_left bigint NOT NULL CHECK (retries_left >= 0),
    submitted_ms bigint NOT NULL,
    attempt bigint NOT NULL,
    worker text COLLATE "C",
    started_ms bigint,
    cancelling bigint NOT NULL,
    crashes bigint NOT NULL,
    ended_ms bigint,
    outcome text,
    seq bigint,
    address text,
    batch text COLLATE "C" GENERATED ALWAYS AS (json_extract(terms, '$.batch')) STORED,
    retry_of bigint GENERATED ALWAYS AS (CAST(substr(json_extract(terms, '$.retry_of'), 5) AS bigint)) STORED,
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
CREATE INDEX job_batch ON job (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX job_batch_state ON job (batch, state, submitted_ms, ended_ms) WHERE batch IS NOT NULL;
CREATE INDEX job_retry_of ON job (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX job_named ON job (seq) WHERE name IS NOT NULL AND seq IS NOT NULL;
CREATE FUNCTION job_is_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'an ended job never changes' USING ERRCODE = 'check_violation';
END $$;
-- Before an update it could change what columns are made of, so each of them would be made again.
CREATE TRIGGER job_ended_is_final AFTER UPDATE ON job FOR EACH ROW WHEN (OLD.state >= 4)
    EXECUTE FUNCTION job_is_final();

CREATE TABLE dependency (
    job bigint NOT NULL,
    place bigint NOT NULL,
    requires bigint NOT NULL,
    condition bigint NOT NULL,
    fulfilled bigint NOT NULL,
    PRIMARY KEY (job, place)
);
CREATE INDEX dependency_requires ON dependency (requires);

CREATE TABLE attempt (
    job bigint NOT NULL,
    number bigint NOT NULL CHECK (number >= 1),
    worker text COLLATE "C" NOT NULL,
    started_ms bigint NOT NULL,
    ended_ms bigint,
    outcome text,
    address text NOT NULL DEFAULT '',
    PRIMARY KEY (job, number)
);

CREATE TABLE hold (
    job bigint NOT NULL,
    number bigint NOT NULL,
    worker text COLLATE "C" NOT NULL,
    outcome text,
    takes text,
    card bigint,
    ahead bigint NOT NULL DEFAULT 0,
    wish text,
    PRIMARY KEY (job, number)
);

CREATE TABLE lock (
    worker text COLLATE "C" NOT NULL,
    tag text COLLATE "C" NOT NULL,
    job bigint NOT NULL,
    number bigint NOT NULL,
    place bigint NOT NULL,
    PRIMARY KEY (worker, tag)
);
CREATE INDEX lock_holder ON lock (job, number);

CREATE TABLE output (
    job bigint NOT NULL,
    number bigint NOT NULL,
    digest bytea NOT NULL,
    started_ms bigint NOT NULL,
    ended_ms bigint NOT NULL,
    swept bigint NOT NULL,
    stdout_head bytea, stdout_dropped bigint NOT NULL, stdout_tail bytea,
    stderr_head bytea, stderr_dropped bigint NOT NULL, stderr_tail bytea,
    runs bytea,
    stdout_reason text,
    stderr_reason text,
    peak_bytes bigint,
    cpu_ms bigint,
    UNIQUE (job, number)
);
CREATE TABLE output_blob (
    job bigint NOT NULL,
    number bigint NOT NULL,
    part bigint NOT NULL CHECK (part BETWEEN 0 AND 2),
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    dropped_at bigint NOT NULL,
    PRIMARY KEY (job, number, part)
);
CREATE INDEX output_blob_sha256 ON output_blob (sha256);
CREATE FUNCTION output_takes_its_blobs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM output_blob WHERE job = OLD.job AND number = OLD.number;
    RETURN NULL;
END $$;
CREATE TRIGGER output_takes_its_blobs AFTER DELETE ON output FOR EACH ROW EXECUTE FUNCTION output_takes_its_blobs();

CREATE TABLE listing (
    job bigint NOT NULL,
    number bigint NOT NULL,
    files text NOT NULL,
    problems text NOT NULL,
    sha256 bytea,
    PRIMARY KEY (job, number)
);
CREATE INDEX listing_long ON listing (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE blob_use (
    sha256 bytea NOT NULL,
    job bigint NOT NULL,
    PRIMARY KEY (sha256, job)
);
CREATE INDEX blob_use_job ON blob_use (job);

CREATE TABLE worker (
    id text COLLATE "C" PRIMARY KEY,
    ip text NOT NULL,
    hostname text NOT NULL,
    boot_id text NOT NULL,
    machine text NOT NULL,
    folder text NOT NULL,
    session text NOT NULL,
    slots bigint NOT NULL,
    version text NOT NULL,
    hardware text NOT NULL,
    groups text NOT NULL,
    tags text NOT NULL,
    drained bigint NOT NULL,
    passed_on bigint NOT NULL,
    quarantine text,
    has text,
    resources text,
    mac text,
    asleep bigint NOT NULL DEFAULT 0
);
CREATE TABLE fault (
    job bigint NOT NULL,
    worker text COLLATE "C" NOT NULL,
    times bigint NOT NULL,
    PRIMARY KEY (job, worker)
);
CREATE FUNCTION job_takes_what_is_its_own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM listing WHERE job = OLD.id;
    DELETE FROM blob_use WHERE job = OLD.id;
    DELETE FROM fault WHERE job = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER job_takes_what_is_its_own AFTER DELETE ON job FOR EACH ROW EXECUTE FUNCTION job_takes_what_is_its_own();

CREATE TABLE idempotency (
    key text COLLATE "C" PRIMARY KEY,
    digest text NOT NULL,
    jobs text NOT NULL,
    expires_ms bigint NOT NULL
);
CREATE TABLE meta (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);
CREATE TABLE removed (
    id bigint PRIMARY KEY,
    state bigint NOT NULL CHECK (state BETWEEN 4 AND 6),
    worker text COLLATE "C",
    seq bigint NOT NULL
);

CREATE TABLE schedule (
    number bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    cron text NOT NULL,
    timezone text NOT NULL,
    overlap text NOT NULL,
    missed text NOT NULL,
    paused bigint NOT NULL,
    payload text NOT NULL,
    digest bytea NOT NULL,
    job_name text,
    terms text NOT NULL,
    depends text NOT NULL,
    added_ms bigint NOT NULL,
    next_ms bigint,
    looked_ms bigint NOT NULL,
    runs text NOT NULL
);
CREATE FUNCTION schedule_takes_its_files() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM blob_use WHERE job = -OLD.number;
    RETURN NULL;
END $$;
CREATE TRIGGER schedule_takes_its_files AFTER DELETE ON schedule FOR EACH ROW
    EXECUTE FUNCTION schedule_takes_its_files();

CREATE TABLE rule (
    name text COLLATE "C" PRIMARY KEY,
    events text NOT NULL,
    target text NOT NULL,
    grp text,
    job_name text,
    schedule text,
    seq bigint NOT NULL,
    notice bigint NOT NULL
);
CREATE TABLE notice (
    id bigint PRIMARY KEY,
    kind text NOT NULL,
    at_ms bigint NOT NULL,
    text text NOT NULL
);
CREATE TABLE batch (name text COLLATE "C" PRIMARY KEY, max_running bigint NOT NULL);

CREATE TABLE blob (sha256 bytea PRIMARY KEY, size bigint NOT NULL);
CREATE TABLE blob_piece (sha256 bytea NOT NULL, place bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (sha256, place));
ALTER TABLE blob_piece ALTER COLUMN bytes SET STORAGE EXTERNAL;
"#;

/// Makes the table of leaders, if it is missing.
pub(in crate::store) fn settle(connection: &Postgres) -> Result<(), StoreError> {
    let server: i64 = number(connection, "SELECT current_setting('server_version_num')::bigint")?;
    if server < 140_000 {
        return Err(StoreError::OldServer { version: server / 10_000 });
    }
    // Several c2d may come at once.
    let locked = format!("BEGIN; SELECT pg_advisory_xact_lock(1127350273, -1); {LEADER} COMMIT");
    connection.batch(&locked)
}

/// Makes the tables, or brings them to today's version; in a transaction of the leader.
pub(super) fn migrate(connection: &Postgres) -> Result<(), StoreError> {
    let found = number(connection, "SELECT version FROM leader")?;
    let known = schema::known();
    if found > known {
        let path = "the store".into();
        return Err(StoreError::Newer { path, found, known });
    }
    if found == known {
        return Ok(());
    }
    connection.begin();
    let mut sql = String::new();
    if found == 0 {
        sql += FUNCTIONS;
        sql += BASE;
    }
    let done = usize::try_from(found.max(BASE_VERSION) - BASE_VERSION).unwrap_or_default();
    STEPS[done..].iter().for_each(|step| sql += step);
    sql += &format!("UPDATE leader SET version = {known};");
    let made = connection.batch(&sql);
    if let Err(error) = made {
        connection.roll_back();
        return Err(error);
    }
    connection.commit()
}

fn number(connection: &Postgres, sql: &str) -> Result<i64, StoreError> {
    let mut found = None;
    connection.query(sql, &(), &mut |row| {
        found = Some(row.get(0)?);
        Ok(false)
    })?;
    Ok(found.ok_or(SqlError::NoRow)?)
}

/// All columns of our tables, for a comparison with those of SQLite.
#[cfg(test)]
pub(in crate::store) fn columns(connection: &Connection) -> Vec<String> {
    let sql = "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name NOT IN ('leader', 'blob', 'blob_piece') ORDER BY 1";
    connection.query(sql, (), |row| Ok(row.get(0)?)).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_since_the_two_schemas_stands_in_both_lists() {
        assert_eq!(BASE_VERSION + i64::try_from(STEPS.len()).unwrap(), schema::known());
    }
}
