//! Reads back everything that the scheduler goes on with. Only active jobs are read in full; of the
//! ended ones an index alone is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use c2_shared::id::{AttemptId, JobId, Session, WorkerId};
use c2_shared::job::{JobState, Terms};
use c2_shared::limits::IDEMPOTENCY_MS;
use c2_shared::resources::Capacity;
use c2_shared::worker::Hardware;

use crate::sched::Saved;
use crate::sched::decision::{
    DependencyEdge, EndedRecord, FaultRecord, GrantRecord, JobRecord, KeyRecord, WorkerRecord,
};
use crate::sched::event::{Introduction, Place};
use crate::sched::fit::Share;
use crate::store::columns::{address, condition, int, json, rows, small, state, state_number, uint};
use crate::store::copy::LAST_JOB;
use crate::store::sql::{Connection, Row};
use crate::store::{StoreError, batches, payload, rules, schedules, wishes};

/// The verdicts of all jobs that ever ended, also of those that were removed since.
const ENDED: &str = "SELECT id, state, worker FROM job WHERE state >= 4
    UNION ALL SELECT id, state, worker FROM removed ORDER BY 1";

/// Requests that must not be done twice.
const KEYS: &str = "SELECT key, digest, jobs, expires_ms FROM idempotency ORDER BY key";

/// What workers could not start of jobs that have not ended.
const FAULTS: &str = "SELECT f.job, f.worker, f.times FROM fault f JOIN job j ON j.id = f.job WHERE j.state < 4
    ORDER BY f.job, f.worker";

/// More than c2d may have run before a crash without having noted it.
const UNSEEN_MS: u64 = 60 * 60 * 1_000;

/// Everything that has not ended, and what may still be asked of what has.
pub(super) fn load(c: &Connection, seen_ms: u64) -> Result<Saved, StoreError> {
    let number = |sql| c.value::<Option<i64>>(sql, ()).map(|n| uint(n.unwrap_or(0)));
    let paused = c.value("SELECT count(*) FROM meta WHERE name = 'paused' AND value = '1'", ())?;
    let ((jobs, defects), workers, grants) = (jobs(c)?, workers(c)?, grants(c)?);
    let known: BTreeSet<&WorkerId> = workers.iter().map(|worker| &worker.intro.id).collect();
    if let Some(grant) = grants.iter().find(|grant| !known.contains(&grant.worker)) {
        let AttemptId { job, number } = grant.attempt;
        let what = format!("table hold, job {}, number {number}: no worker is {:?}", job.0, grant.worker.as_str());
        return Err(StoreError::Unreadable { what });
    }
    Ok(Saved {
        jobs,
        defects,
        ended: rows(c, ("job or removed", &["id"]), ENDED, ended)?,
        workers,
        grants,
        faults: rows(c, ("fault", &["job", "worker"]), FAULTS, fault)?,
        limits: batches::load(c)?,
        schedules: schedules::load(c)?,
        rules: rules::load(c)?,
        notices: rules::load_notices(c)?,
        keys: rows(c, ("idempotency", &["key"]), KEYS, |row| key(row, seen_ms))?,
        last_job: number(LAST_JOB)?,
        last_seq: number(
            "SELECT max(seq) FROM (SELECT max(seq) AS seq FROM job UNION ALL SELECT max(seq) FROM removed) AS ends",
        )?,
        paused,
    })
}

/// Marks the jobs that cannot run as held, so that lists from the database show it.
pub(super) fn hold_defects(c: &Connection, saved: &Saved) -> Result<(), StoreError> {
    let held = state_number(JobState::Held);
    for (job, _) in &saved.defects {
        c.execute("UPDATE job SET state = ?2 WHERE id = ?1 AND state < 3", (int(job.0), held))?;
    }
    Ok(())
}

/// All workers by id.
pub(super) fn workers(c: &Connection) -> Result<Vec<WorkerRecord>, StoreError> {
    rows(c, ("worker", &["id"]), "SELECT * FROM worker ORDER BY id", worker)
}

/// Jobs that cannot run, and why.
type Defects = Vec<(JobId, String)>;

/// Active jobs, and why some of them cannot run.
fn jobs(c: &Connection) -> Result<(Vec<JobRecord>, Defects), StoreError> {
    let sql = "SELECT d.job, d.requires, d.condition, d.fulfilled FROM dependency d JOIN job j ON j.id = d.job
        WHERE j.state < 4 ORDER BY d.job, d.place";
    let mut depends: BTreeMap<i64, Vec<DependencyEdge>> = BTreeMap::new();
    rows(c, ("dependency", &["job", "requires"]), sql, |row| {
        let (condition, on) = (condition(row.get(2)?)?, JobId(uint(row.get(1)?)));
        let edge = DependencyEdge { condition, on, fulfilled: row.get(3)? };
        depends.entry(row.get(0)?).or_default().push(edge);
        Ok(())
    })?;
    let sql = "SELECT id, state, payload, digest, name, terms, pinned, retries_left, submitted_ms, attempt, worker,
        started_ms, cancelling, crashes FROM job WHERE state < 4 ORDER BY id";
    let mut defects = Vec::new();
    let mut before = (String::new(), Arc::default());
    let jobs = rows(c, ("job", &["id"]), sql, |row| {
        let mut job = job(row, &mut depends, &mut before)?;
        let digest = row.bytes(3)?;
        if let Some(reason) = payload::defect(&job.payload, digest) {
            tracing::error!("{} cannot run: {reason}", job.id);
            if job.state != JobState::Running {
                job.state = JobState::Held;
            }
            defects.push((job.id, reason));
        }
        Ok(job)
    })?;
    Ok((jobs, defects))
}

/// A job, of which most ask for the same as the one before.
fn job(
    row: &Row<'_>,
    depends: &mut BTreeMap<i64, Vec<DependencyEdge>>,
    before: &mut (String, Arc<Terms>),
) -> Result<JobRecord, StoreError> {
    let number: i64 = row.get(0)?;
    let terms = row.text(5)?;
    if before.0 != terms {
        *before = (terms.to_owned(), json(terms)?);
    }
    Ok(JobRecord {
        id: JobId(uint(number)),
        state: state(row.get(1)?)?,
        payload: Arc::from(row.text(2)?),
        name: row.get::<_, Option<String>>(4)?.map(Into::into),
        terms: Arc::clone(&before.1),
        depends: depends.remove(&number).unwrap_or_default(),
        pinned: id(row, 6)?,
        retries_left: small(row.get(7)?)?,
        submitted_ms: uint(row.get(8)?),
        attempt: small(row.get(9)?)?,
        worker: id(row, 10)?,
        started_ms: row.get::<_, Option<i64>>(11)?.map(uint),
        cancelling: row.get(12)?,
        crashes: small(row.get(13)?)?,
    })
}

fn ended(row: &Row<'_>) -> Result<EndedRecord, StoreError> {
    Ok(EndedRecord { job: JobId(uint(row.get(0)?)), state: state(row.get(1)?)?, worker: id(row, 2)? })
}

fn worker(row: &Row<'_>) -> Result<WorkerRecord, StoreError> {
    let ip = address(Some(row.get("ip")?))?.expect("an address was given");
    let hardware = Arc::from(row.get::<_, String>("hardware")?);
    let told = |column| row.get::<_, Option<String>>(column);
    let found: Hardware = serde_json::from_str(&hardware).unwrap_or_default();
    let has = match told("has")? {
        Some(has) => json(&has)?,
        // It was introduced to a c2d that did not ask.
        None => Capacity::detected(&found),
    };
    let intro = Introduction {
        id: row.get::<_, String>("id")?.into(),
        ip,
        hostname: row.get("hostname")?,
        place: Place { boot_id: row.get("boot_id")?, machine: row.get("machine")?, folder: row.get("folder")? },
        session: Session::from(row.get::<_, String>("session")?),
        slots: small(row.get("slots")?)?,
        has,
        // What an older c2d could not have written, or a newer one writes otherwise, wakes nothing.
        mac: told("mac")?.and_then(|mac| mac.parse().ok()),
        unfenced: found.via.is_some(),
        version: row.get("version")?,
        hardware,
    };
    Ok(WorkerRecord {
        intro,
        groups: json(&row.get::<_, String>("groups")?)?,
        tags: json(&row.get::<_, String>("tags")?)?,
        resources: told("resources")?.map(|text| json(&text)).transpose()?.unwrap_or_default(),
        drained: row.get("drained")?,
        passed_on: row.get("passed_on")?,
        quarantine: row.get("quarantine")?,
        asleep: row.get("asleep")?,
    })
}

/// A worker's id, where there is one.
fn id(row: &Row<'_>, column: usize) -> Result<Option<WorkerId>, StoreError> {
    Ok(row.get::<_, Option<String>>(column)?.map(WorkerId::from))
}

fn grants(c: &Connection) -> Result<Vec<GrantRecord>, StoreError> {
    let mut tags: BTreeMap<AttemptId, Vec<String>> = BTreeMap::new();
    let attempt = |row: &Row<'_>| -> Result<AttemptId, StoreError> {
        Ok(AttemptId { job: JobId(uint(row.get(0)?)), number: small(row.get(1)?)? })
    };
    let sql = "SELECT job, number, tag FROM lock ORDER BY job, number, place";
    rows(c, ("lock", &["job", "number"]), sql, |row| {
        tags.entry(attempt(row)?).or_default().push(row.get(2)?);
        Ok(())
    })?;
    let sql = "SELECT job, number, worker, outcome, takes, card, ahead, wish FROM hold ORDER BY job, number";
    rows(c, ("hold", &["job", "number"]), sql, |row| {
        let attempt = attempt(row)?;
        let worker = WorkerId::from(row.get::<_, String>(2)?);
        let outcome = row.get::<_, Option<String>>(3)?.map(|text| json(&text)).transpose()?;
        let share = match outcome {
            None => Share {
                tags: tags.remove(&attempt).unwrap_or_default(),
                takes: row.get::<_, Option<String>>(4)?.map(|text| json(&text)).transpose()?.unwrap_or_default(),
                card: row.get(5)?,
            },
            // Nothing is held any more.
            Some(_) => Share::default(),
        };
        let wish = row.get::<_, Option<String>>(7)?.map(|text| wishes::read(&text)).transpose()?;
        Ok(GrantRecord { attempt, worker, share, outcome, ahead: row.get(6)?, wish })
    })
}

fn fault(row: &Row<'_>) -> Result<FaultRecord, StoreError> {
    let worker = WorkerId::from(row.get::<_, String>(1)?);
    Ok(FaultRecord { job: JobId(uint(row.get(0)?)), worker, times: small(row.get(2)?)? })
}

/// A key is good for a day, whatever c2d 0.1.0 wrote, which were dates.
fn key(row: &Row<'_>, seen_ms: u64) -> Result<KeyRecord, StoreError> {
    let (written_ms, longest_ms) = (uint(row.get(3)?), seen_ms.saturating_add(IDEMPOTENCY_MS));
    let beyond = written_ms.saturating_sub(longest_ms) > UNSEEN_MS;
    Ok(KeyRecord {
        key: row.get(0)?,
        digest: row.get(1)?,
        jobs: json(&row.get::<_, String>(2)?)?,
        expires_ms: if beyond { longest_ms } else { written_ms },
    })
}
