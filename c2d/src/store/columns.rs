//! Rows as values: how each type of the scheduler is written into a column and read back.

use std::net::IpAddr;
use std::sync::Arc;

use c2_shared::advice::with_causes;
use c2_shared::api::files::JobFile;
use c2_shared::api::jobs::{AttemptRow, JobRow};
use c2_shared::api::output::Output;
use c2_shared::api::work::AttemptResult;
use c2_shared::blob::BlobId;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{Condition, Dependency, JobSpec, JobState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::rows::job_row;
use crate::sched::{Figures, JobView};
use crate::store::sql::{Connection, Row, ValueRef};
use crate::store::{StoreError, payload};

/// A job as the store has it, active or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredJob {
    /// What is shown of it.
    pub view: JobView,
    /// Its place in the log, once it has ended.
    pub seq: Option<u64>,
    /// Its attempts, oldest first; only filled when one job was asked for.
    pub attempts: Vec<AttemptRow>,
    /// What it depends on, by id; only filled when it was asked for by its own.
    pub depends: Vec<Dependency>,
}

/// What an ended attempt wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutput {
    pub attempt: AttemptId,
    pub digest: [u8; 32],
    pub stdout: Output,
    pub stderr: Output,
    pub order: StoredOrder,
}

/// In which order an attempt wrote to its two streams, as [`c2_shared::order`] writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredOrder {
    Here(Vec<u8>),
    Blob(BlobId),
}

/// The parts of a result that may be blobs, as numbers in a column.
pub(super) const STDOUT: i64 = 0;
pub(super) const STDERR: i64 = 1;
pub(super) const ORDER: i64 = 2;

/// The files that the latest attempt left which left any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredFiles {
    pub attempt: u32,
    /// Where the two lists are, when they are long.
    pub long: Option<BlobId>,
    pub files: Vec<JobFile>,
    pub problems: Vec<String>,
}

impl StoredJob {
    /// Columns that [`Self::read`] expects, in order. One that was put back forgets its worker; where it ended so, its
    /// row says where it was last.
    pub(super) const COLUMNS: &str =
        "id, state, payload, attempt, coalesce(worker, (SELECT a.worker FROM attempt a WHERE a.job = job.id
            AND a.number = job.attempt)), cancelling, submitted_ms, started_ms, ended_ms, outcome, seq,
        coalesce((SELECT ip FROM worker WHERE worker.id = job.worker), address),
        (SELECT o.ended_ms - o.started_ms FROM output o WHERE o.job = job.id AND o.number = job.attempt
            AND o.started_ms BETWEEN 1 AND o.ended_ms),
        (SELECT o.peak_bytes FROM output o WHERE o.job = job.id AND o.number = job.attempt),
        (SELECT o.cpu_ms FROM output o WHERE o.job = job.id AND o.number = job.attempt)";

    pub(super) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let state = state(row.get(1)?)?;
        let figure = |i| Ok::<_, StoreError>(row.get::<_, Option<i64>>(i)?.map(uint).filter(|_| state.is_terminal()));
        let active = state == JobState::Running || state.is_terminal();
        let view = JobView {
            id: JobId(uint(row.get(0)?)),
            state,
            payload: Arc::from(row.get::<_, String>(2)?),
            attempt: small(row.get(3)?)?,
            worker: row.get::<_, Option<String>>(4)?.map(WorkerId::from).filter(|_| active),
            ip: address(row.get(11)?)?.filter(|_| active),
            cancelling: row.get(5)?,
            unreachable: false,
            delivering: false,
            frozen: false,
            submitted_ms: uint(row.get(6)?),
            started_ms: row.get::<_, Option<i64>>(7)?.map(uint).filter(|_| active),
            ended_ms: row.get::<_, Option<i64>>(8)?.map(uint),
            figures: Figures { took_ms: figure(12)?, peak_bytes: figure(13)?, cpu_ms: figure(14)? },
            outcome: row.get::<_, Option<String>>(9)?.as_deref().map(json).transpose()?,
        };
        Ok(Self { view, seq: row.get::<_, Option<i64>>(10)?.map(uint), attempts: Vec::new(), depends: Vec::new() })
    }

    /// The row that operators see.
    pub fn row(&self) -> JobRow {
        job_row(&self.view)
    }

    /// What was submitted.
    pub fn spec(&self) -> Result<JobSpec, String> {
        payload::read(&self.view.payload)
    }
}

/// Identifies a result: a repeated delivery has the same digest, a different result another. Who sends
/// results in several forms says itself what they all are.
pub fn digest(result: &AttemptResult) -> [u8; 32] {
    if let Some(digest) = result.digest {
        return digest.0;
    }
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(to_json(&result.outcome).as_bytes());
    for output in [&result.stdout, &result.stderr] {
        part(&output.head.0);
        part(&output.dropped.to_le_bytes());
        part(&output.tail.0);
    }
    // Only where there are any, so that a plain client's results are what they always were.
    if !result.files.is_empty() || !result.problems.is_empty() {
        part(to_json(&result.files).as_bytes());
        part(to_json(&result.problems).as_bytes());
    }
    hash.finalize().into()
}

/// Reads rows of a table; of one that cannot be read it is said which one it is, by these columns.
pub(super) fn rows<T>(
    c: &Connection,
    (table, keys): (&str, &[&str]),
    sql: &str,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    c.query(sql, (), |row| {
        read(row).map_err(|error| {
            let why = if let StoreError::Unreadable { what } = error { what } else { with_causes(&error) };
            let key = |name: &&str| match row.get_ref(*name) {
                Ok(ValueRef::Int(n)) => format!("{name} {n}"),
                Ok(ValueRef::Text(text)) => format!("{name} {text:?}"),
                _ => format!("without {name}"),
            };
            let keys: Vec<String> = keys.iter().map(key).collect();
            StoreError::Unreadable { what: format!("table {table}, {}: {why}", keys.join(", ")) }
        })
    })
}

/// SQLite's integers are signed; ours are counters far below half their range.
pub(super) const fn int(n: u64) -> i64 {
    n.cast_signed()
}

pub(super) const fn uint(n: i64) -> u64 {
    n.cast_unsigned()
}

pub(super) fn small(n: i64) -> Result<u32, StoreError> {
    u32::try_from(n).map_err(|_| StoreError::Unreadable { what: format!("{n} is no count") })
}

/// The number of a state in its column. Statements, indexes and constraints write them out: below 3 a
/// job waits, below 4 it is active, from 4 on it has ended.
pub(super) const fn state_number(state: JobState) -> i64 {
    match state {
        JobState::Blocked => 0,
        JobState::Held => 1,
        JobState::Queued => 2,
        JobState::Running => 3,
        JobState::Succeeded => 4,
        JobState::Failed => 5,
        JobState::Cancelled => 6,
    }
}

pub(super) fn state(n: i64) -> Result<JobState, StoreError> {
    let found = JobState::ALL.into_iter().find(|state| state_number(*state) == n);
    found.ok_or_else(|| StoreError::Unreadable { what: format!("{n} is no job state") })
}

/// The number of a condition in its column.
pub(super) const fn condition_number(condition: Condition) -> i64 {
    match condition {
        Condition::Ok => 0,
        Condition::Any => 1,
        Condition::NotOk => 2,
    }
}

pub(super) fn condition(n: i64) -> Result<Condition, StoreError> {
    let found = [Condition::Ok, Condition::Any, Condition::NotOk].into_iter().find(|c| condition_number(*c) == n);
    found.ok_or_else(|| StoreError::Unreadable { what: format!("{n} is no condition") })
}

pub(super) fn address(text: Option<String>) -> Result<Option<IpAddr>, StoreError> {
    text.map(|text| text.parse().map_err(|_| StoreError::Unreadable { what: format!("{text:?} is no address") }))
        .transpose()
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own plain types become JSON")
}

pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Unreadable { what: e.to_string() })
}

#[cfg(test)]
mod tests {
    use c2_shared::job::OnLost;

    use super::*;

    /// Data folders are full of them.
    #[test]
    fn numbers_and_words_in_columns_never_change() {
        let states = [
            (0, JobState::Blocked),
            (1, JobState::Held),
            (2, JobState::Queued),
            (3, JobState::Running),
            (4, JobState::Succeeded),
            (5, JobState::Failed),
            (6, JobState::Cancelled),
        ];
        for (n, state) in states {
            assert_eq!((state_number(state), self::state(n).unwrap()), (n, state));
        }
        for (n, condition) in [(0, Condition::Ok), (1, Condition::Any), (2, Condition::NotOk)] {
            assert_eq!((condition_number(condition), self::condition(n).unwrap()), (n, condition));
        }
        assert!(state(7).is_err() && state(-1).is_err() && condition(3).is_err());
        for (word, on_lost) in [("requeue", OnLost::Requeue), ("fail", OnLost::Fail), ("wait", OnLost::Wait)] {
            assert_eq!(to_json(&on_lost), format!("{word:?}"));
        }
    }
}
