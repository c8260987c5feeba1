//! Schedules as rows: one for each, with its latest runs.

use std::sync::Arc;

use crate::sched::decision::ScheduleRecord;
use crate::sched::event::NewJob;
use crate::store::columns::{int, json, rows, to_json, uint};
use crate::store::sql::{Connection, Row, Transaction, params};
use crate::store::write::{Written, needed, run};
use crate::store::{StoreError, payload};

/// The blobs of what a schedule submits are used by a job whose number is that of the schedule, negative.
pub(super) const TABLE: &str = "
CREATE TABLE schedule (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    overlap TEXT NOT NULL,
    missed TEXT NOT NULL,
    paused INTEGER NOT NULL,
    payload TEXT NOT NULL,
    digest BLOB NOT NULL,
    job_name TEXT,
    terms TEXT NOT NULL,
    depends TEXT NOT NULL,
    added_ms INTEGER NOT NULL,
    next_ms INTEGER,
    looked_ms INTEGER NOT NULL,
    runs TEXT NOT NULL
);
CREATE TRIGGER schedule_takes_its_files AFTER DELETE ON schedule BEGIN
    DELETE FROM blob_use WHERE job = -OLD.number;
END;
";

pub(super) fn put(t: &Transaction<'_>, schedule: &ScheduleRecord) -> Written {
    let job = &schedule.job;
    let sql = "INSERT INTO schedule (name, cron, timezone, overlap, missed, paused, payload, digest, job_name, terms,
        depends, added_ms, next_ms, looked_ms, runs)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT (name) DO UPDATE SET paused = ?6, next_ms = ?13, looked_ms = ?14, runs = ?15";
    // What was changed on the disk stays as it is there, with the digest that tells.
    let asked = ", cron = ?2, timezone = ?3, overlap = ?4, missed = ?5, payload = ?7, digest = ?8, job_name = ?9,
        terms = ?10, depends = ?11, added_ms = ?12";
    let sql = if schedule.defect.is_none() { format!("{sql}{asked}") } else { sql.to_owned() };
    let values = params![
        schedule.name,
        schedule.cron,
        schedule.timezone,
        to_json(&schedule.overlap),
        to_json(&schedule.missed),
        schedule.paused,
        &*job.payload,
        payload::digest(&job.payload),
        job.name.as_deref(),
        to_json(&job.terms),
        to_json(&job.depends),
        int(schedule.added_ms),
        schedule.next_ms.map(int),
        int(schedule.looked_ms),
        to_json(&schedule.runs),
    ];
    run(t, &sql, values)?;
    if schedule.defect.is_some() {
        return Ok(());
    }
    run(t, "DELETE FROM blob_use WHERE job = (SELECT -number FROM schedule WHERE name = ?1)", [&schedule.name])?;
    for blob in needed(&job.payload) {
        let sql = "INSERT INTO blob_use SELECT ?1, -number FROM schedule WHERE name = ?2 ON CONFLICT DO NOTHING";
        run(t, sql, (blob.0, &schedule.name))?;
    }
    Ok(())
}

pub(super) fn load(c: &Connection) -> Result<Vec<ScheduleRecord>, StoreError> {
    rows(c, ("schedule", &["name"]), "SELECT * FROM schedule ORDER BY name", schedule)
}

fn schedule(row: &Row<'_>) -> Result<ScheduleRecord, StoreError> {
    let text = |column| row.get::<_, String>(column);
    let (name, payload) = (text("name")?, text("payload")?);
    let digest = row.bytes("digest")?;
    let defect = payload::defect(&payload, digest);
    if let Some(reason) = &defect {
        tracing::error!("schedule {name} cannot run: {reason}");
    }
    Ok(ScheduleRecord {
        name,
        cron: text("cron")?,
        timezone: text("timezone")?,
        overlap: json(&text("overlap")?)?,
        missed: json(&text("missed")?)?,
        paused: row.get("paused")?,
        job: NewJob {
            payload: Arc::from(payload),
            name: row.get::<_, Option<String>>("job_name")?.map(Into::into),
            terms: json(&text("terms")?)?,
            depends: json(&text("depends")?)?,
        },
        added_ms: uint(row.get("added_ms")?),
        next_ms: row.get::<_, Option<i64>>("next_ms")?.map(uint),
        looked_ms: uint(row.get("looked_ms")?),
        runs: json(&text("runs")?)?,
        defect,
    })
}
