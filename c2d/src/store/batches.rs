//! Batches as rows: those that have a limit; and what is counted of all, from their jobs.

use std::sync::Arc;

use c2_shared::api::batches::BatchRow;
use c2_shared::job::JobState;

use crate::store::columns::{rows, state, uint};
use crate::store::history::list;
use crate::store::sql::{Connection, Row, Transaction, Value};
use crate::store::write::{Written, run};
use crate::store::{History, StoreError, StoredJob};

/// The batch of a job is one of its terms. The second index has all that is counted.
pub(super) const TABLE: &str = "
CREATE TABLE batch (
    name TEXT PRIMARY KEY,
    max_running INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE job ADD COLUMN batch TEXT AS (terms ->> '$.batch');
CREATE INDEX job_batch ON job (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX job_batch_state ON job (batch, state, submitted_ms, ended_ms) WHERE batch IS NOT NULL;
";

/// Which job one is once more, and an index of what has a name.
pub(super) const RETRIES: &str = "
ALTER TABLE job ADD COLUMN retry_of INTEGER AS (CAST(substr(terms ->> '$.retry_of', 5) AS INTEGER));
CREATE INDEX job_retry_of ON job (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX job_named ON job (seq) WHERE name IS NOT NULL AND seq IS NOT NULL;
";

/// A job that was retried stands for nothing in its batch any more: the later one does.
pub(super) const IN_BATCH: &str = "batch = ? AND NOT EXISTS (SELECT 1 FROM job AS later WHERE later.retry_of = job.id)";

pub(super) fn limit(t: &Transaction<'_>, batch: &str, max_running: Option<u32>) -> Written {
    match max_running {
        Some(max_running) => run(
            t,
            "INSERT INTO batch VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET max_running = ?2",
            (batch, max_running),
        ),
        None => run(t, "DELETE FROM batch WHERE name = ?1", [batch]),
    }
}

/// Forgets the limits of batches of which no job is kept.
pub(super) fn forget(c: &Connection) -> Result<(), StoreError> {
    c.execute("DELETE FROM batch WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.batch = batch.name)", ())?;
    Ok(())
}

pub(super) fn load(c: &Connection) -> Result<Vec<(Arc<str>, u32)>, StoreError> {
    rows(c, ("batch", &["name"]), "SELECT name, max_running FROM batch ORDER BY name", |row| {
        Ok((Arc::from(row.get::<_, String>(0)?), row.get(1)?))
    })
}

impl History {
    /// All batches of which any job is kept, or the one of this name, without what only the scheduler knows;
    /// those that were begun last first.
    pub async fn batches(&self, name: Option<String>) -> Result<Vec<BatchRow>, StoreError> {
        self.ask(move |c| {
            let only = if name.is_some() { IN_BATCH.to_owned() } else { IN_BATCH.replace("= ?", "IS NOT NULL") };
            let sql = format!(
                "SELECT batch, state, count(*), min(submitted_ms), max(ended_ms) FROM job
                    WHERE {only} GROUP BY batch, state ORDER BY batch, state"
            );
            let mut batches: Vec<BatchRow> = Vec::new();
            let values: Vec<Value> = name.into_iter().map(Value::from).collect();
            c.query(&sql, values, |row| add(&mut batches, row))?;
            for batch in batches.iter_mut().filter(|batch| batch.ended() < batch.jobs) {
                batch.ended_ms = None;
            }
            batches.sort_by_key(|batch| std::cmp::Reverse(batch.submitted_ms));
            Ok(batches)
        })
        .await
    }

    /// The jobs with a name that ran and ended last, oldest first.
    pub async fn named_runs(&self, limit: usize) -> Result<Vec<StoredJob>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.ask(move |c| {
            let condition =
                "name IS NOT NULL AND seq IS NOT NULL AND started_ms IS NOT NULL ORDER BY seq DESC LIMIT ?1";
            list(c, condition, [limit])
        });
        let mut found = found.await?;
        found.reverse();
        Ok(found)
    }
}

/// Adds what is counted of the jobs of one state.
fn add(batches: &mut Vec<BatchRow>, row: &Row<'_>) -> Result<(), StoreError> {
    let (name, submitted_ms): (String, _) = (row.get(0)?, uint(row.get(3)?));
    let count = usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX);
    if batches.last().is_none_or(|last| last.batch != name) {
        batches.push(BatchRow { batch: name, submitted_ms, ..BatchRow::default() });
    }
    let batch = batches.last_mut().expect("one was pushed if there was none");
    batch.jobs += count;
    batch.submitted_ms = batch.submitted_ms.min(submitted_ms);
    batch.ended_ms = batch.ended_ms.max(row.get::<_, Option<i64>>(4)?.map(uint));
    match state(row.get(1)?)? {
        JobState::Blocked => batch.blocked = count,
        JobState::Held => batch.held = count,
        JobState::Queued => batch.queued = count,
        JobState::Running => batch.running = count,
        JobState::Succeeded => batch.succeeded = count,
        JobState::Failed => batch.failed = count,
        JobState::Cancelled => batch.cancelled = count,
    }
    Ok(())
}
