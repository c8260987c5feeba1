//! Questions about the past, answered by connections that only read, away from the one that writes.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use c2_shared::api::jobs::{AttemptRow, LogQuery};
use c2_shared::api::output::{Output, OutputBlob};
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{Dependency, DependsOn, JobState};
use c2_shared::limits::LOG_LEN;
use tokio::sync::oneshot;

use crate::store::batches::IN_BATCH;
use crate::store::columns::{
    STDERR, STDOUT, StoredFiles, StoredJob, StoredOrder, StoredOutput, address, condition, int, json, small,
    state_number, uint,
};
use crate::store::sql::postgres::Postgres;
use crate::store::sql::{Connection, Params, Row, Target, Value};
use crate::store::{ServerState, StoreError, inspection, schema, wishes};

/// Threads that read; a slow question holds up half of the others at most.
const READERS: usize = 2;
/// Questions that may wait for each of them.
const WAITING_MAX: usize = 256;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// Answers questions; cheap to clone.
#[derive(Clone, Debug)]
pub struct History {
    readers: Arc<[SyncSender<Question>]>,
    next: Arc<AtomicUsize>,
}

/// Where those who read connect to.
pub(super) enum Reader {
    Sqlite(PathBuf),
    Postgres(Target),
}

impl Reader {
    fn connect(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Connection::Sqlite(schema::open_reader(path)?),
            Self::Postgres(target) => Connection::Postgres(Box::new(Postgres::reader(target)?)),
        })
    }
}

/// Whose jobs are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Those of a worker, wherever it was.
    Worker(WorkerId),
    /// Those of whoever had this address then and is forgotten now.
    Address(IpAddr),
}

impl Owner {
    fn condition(&self) -> (&'static str, Value) {
        match self {
            Self::Worker(id) => ("worker = ?", id.to_string().into()),
            Self::Address(ip) => ("address = ?", ip.to_string().into()),
        }
    }
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only this state.
    pub state: Option<JobState>,
    /// Ended jobs too.
    pub ended: bool,
    /// Only this name.
    pub name: Option<String>,
    /// Only jobs that asked for this group.
    pub group: Option<String>,
    /// Only jobs of this batch.
    pub batch: Option<String>,
    /// Only jobs that asked for this tag.
    pub tag: Option<String>,
    /// Only jobs whose latest attempt was given to this worker.
    pub worker: Option<Owner>,
    /// Only jobs whose command contains this.
    pub text: Option<String>,
    /// The newest first.
    pub newest: bool,
    /// Only jobs behind this one, in the order asked for.
    pub after: Option<JobId>,
    /// At most so many.
    pub limit: usize,
}

impl History {
    pub(super) fn open(reader: &Reader) -> Result<Self, StoreError> {
        let mut readers = Vec::new();
        for n in 0..READERS {
            let connection = reader.connect()?;
            let (ask, questions) = sync_channel::<Question>(WAITING_MAX);
            std::thread::Builder::new()
                .name(format!("history-{n}"))
                .spawn(move || questions.into_iter().for_each(|question| question(&connection)))
                .map_err(StoreError::file(Path::new("the threads that read")))?;
            readers.push(ask);
        }
        Ok(Self { readers: readers.into(), next: Arc::default() })
    }

    /// One job with its attempts and what it depends on; [`StoreError::Gone`] when it was removed.
    pub async fn job(&self, id: JobId) -> Result<Option<StoredJob>, StoreError> {
        self.ask(move |c| with_attempts(c, id)).await
    }

    /// One job as [`Self::job`] gives it, and what its latest ended attempt wrote.
    pub async fn job_with_output(&self, id: JobId) -> Result<Option<(StoredJob, Option<StoredOutput>)>, StoreError> {
        self.ask(move |c| {
            let Some(job) = with_attempts(c, id)? else { return Ok(None) };
            Ok(Some((job, written(c, id, None)?)))
        })
        .await
    }

    /// Jobs in the order of their ids, or against it.
    pub async fn jobs(&self, filter: JobFilter) -> Result<Vec<StoredJob>, StoreError> {
        self.ask(move |c| {
            let mut conditions = vec!["TRUE"];
            let mut values: Vec<Value> = Vec::new();
            let mut only = |condition, value| {
                conditions.push(condition);
                values.push(value);
            };
            if let Some(id) = filter.after {
                only(if filter.newest { "id < ?" } else { "id > ?" }, int(id.0).into());
            }
            if let Some(state) = filter.state {
                // What was given ahead may wait where it is: only the present knows.
                let condition = if state == JobState::Queued { wishes::QUEUED } else { "state = ?" };
                only(condition, state_number(state).into());
            }
            if let Some(name) = filter.name {
                only("name = ?", name.into());
            }
            if let Some(group) = filter.group {
                only("grp = ?", group.into());
            }
            if let Some(batch) = filter.batch {
                only(IN_BATCH, batch.into());
            }
            if let Some(tag) = filter.tag {
                only("tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag.into());
            }
            if let Some((condition, value)) = filter.worker.as_ref().map(Owner::condition) {
                only(condition, value);
            }
            if let Some(text) = filter.text {
                only("instr(json_extract(payload, '$.command'), ?) > 0", text.into());
            }
            // Written as in the indexes of the active and the ended jobs, so that they are used.
            if !filter.ended {
                conditions.push("state < 4");
            } else if filter.state.is_some_and(JobState::is_terminal) {
                conditions.push("state >= 4");
            }
            values.push(i64::try_from(filter.limit).unwrap_or(i64::MAX).into());
            let order = if filter.newest { "DESC" } else { "ASC" };
            let condition = format!("{} ORDER BY id {order} LIMIT ?", conditions.join(" AND "));
            list(c, &condition, values)
        })
        .await
    }

    /// These jobs in this order, with what they would depend on if they were submitted again; one that is not there
    /// is left out.
    pub async fn jobs_to_repeat(&self, ids: Vec<JobId>) -> Result<Vec<StoredJob>, StoreError> {
        self.ask(move |c| {
            let asked = ids.iter().copied().collect();
            let found = ids.iter().map(|id| {
                let Some(mut job) = one(c, *id)? else { return Ok(None) };
                for dependency in &mut job.depends {
                    let DependsOn::Job(on) = &mut dependency.on else { continue };
                    *on = standing_for(c, *on, &asked)?;
                }
                Ok(Some(job))
            });
            found.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// The jobs that ended last, oldest first, each with its place in the log: those that the
    /// query wants, at most as many lines as it says; those of one worker, if one is named.
    pub async fn log(&self, query: LogQuery, worker: Option<Owner>) -> Result<Vec<(u64, StoredJob)>, StoreError> {
        let jobs = self.ask(move |c| {
            let mut conditions = vec!["seq IS NOT NULL"];
            let mut values: Vec<Value> = Vec::new();
            let mut only = |condition, value| {
                conditions.push(condition);
                values.push(value);
            };
            if let Some(seq) = query.before {
                only("seq < ?", int(seq).into());
            }
            if let Some(state) = query.state {
                only("state = ?", state_number(state).into());
            }
            if let Some((condition, value)) = worker.as_ref().map(Owner::condition) {
                only(condition, value);
            }
            if let Some(batch) = query.batch {
                only("batch = ?", batch.into());
            }
            if let Some(name) = query.name {
                only("name = ?", name.into());
            }
            values.push(i64::try_from(query.lines.unwrap_or(LOG_LEN)).unwrap_or(i64::MAX).into());
            let condition = format!("{} ORDER BY seq DESC LIMIT ?", conditions.join(" AND "));
            list(c, &condition, values)
        });
        Ok(jobs.await?.into_iter().rev().filter_map(|job| Some((job.seq?, job))).collect())
    }

    /// What this attempt of a job wrote, or else its latest ended one.
    pub async fn output(&self, id: JobId, attempt: Option<u32>) -> Result<Option<StoredOutput>, StoreError> {
        self.ask(move |c| written(c, id, attempt)).await
    }

    /// The files that a job left.
    pub async fn files(&self, id: JobId) -> Result<StoredFiles, StoreError> {
        self.ask(move |c| {
            let sql = "SELECT number, files, problems, sha256 FROM listing WHERE job = ?1 ORDER BY number DESC LIMIT 1";
            let found = c.first(sql, [int(id.0)], |row| {
                let (files, problems) = (json(row.text(1)?)?, json(row.text(2)?)?);
                let long = row.get::<_, Option<_>>(3)?.map(BlobId);
                Ok(StoredFiles { attempt: small(row.get(0)?)?, long, files, problems })
            });
            Ok(found?.unwrap_or_default())
        })
        .await
    }

    /// Identity of the result that an attempt delivered.
    pub async fn digest(&self, attempt: AttemptId) -> Result<Option<[u8; 32]>, StoreError> {
        self.ask(move |c| {
            let sql = "SELECT digest FROM output WHERE job = ?1 AND number = ?2";
            c.optional(sql, [int(attempt.job.0), attempt.number.into()])
        })
        .await
    }

    /// The jobs that ended last, as the lines of the log.
    pub async fn log_entries(
        &self,
        query: LogQuery,
        worker: Option<Owner>,
    ) -> Result<Vec<c2_shared::api::jobs::LogEntry>, StoreError> {
        let jobs = self.log(query, worker).await?;
        Ok(jobs.iter().map(|(seq, job)| crate::store::jobs_log::entry(*seq, job)).collect())
    }

    /// How the server of the database is; nothing where it is a file.
    pub async fn server(&self) -> Result<Option<ServerState>, StoreError> {
        self.ask(|c| match c {
            Connection::Sqlite(_) => Ok(None),
            Connection::Postgres(_) => inspection::look(c).map(Some),
        })
        .await
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        let (reply, replied) = oneshot::channel();
        let question: Question = Box::new(move |c| drop(reply.send(question(c))));
        self.readers[reader].try_send(question).map_err(|_| StoreError::Closed)?;
        replied.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Ended jobs beyond a line of the log, in order; also for the log itself.
pub(super) fn entries_after(c: &Connection, seq: u64, limit: usize) -> Result<Vec<(u64, StoredJob)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let jobs = list(c, "seq > ?1 ORDER BY seq LIMIT ?2", (int(seq), limit))?;
    Ok(jobs.into_iter().filter_map(|job| Some((job.seq?, job))).collect())
}

pub(super) fn list(c: &Connection, condition: &str, values: impl Params) -> Result<Vec<StoredJob>, StoreError> {
    let sql = format!("SELECT {} FROM job WHERE {condition}", StoredJob::COLUMNS);
    c.query(&sql, values, StoredJob::read)
}

/// One job with what it depends on.
fn one(c: &Connection, id: JobId) -> Result<Option<StoredJob>, StoreError> {
    let Some(mut job) = list(c, "id = ?1", [int(id.0)])?.pop() else { return Ok(None) };
    let sql = "SELECT condition, requires FROM dependency WHERE job = ?1 ORDER BY place";
    job.depends = c.query(sql, [int(id.0)], |row| {
        let on = DependsOn::Job(JobId(uint(row.get(1)?)));
        Ok(Dependency { condition: condition(row.get(0)?)?, on })
    })?;
    Ok(Some(job))
}

/// The job that stands for one that was submitted again; those that are submitted again now stand for themselves.
fn standing_for(c: &Connection, mut id: JobId, asked: &BTreeSet<JobId>) -> Result<JobId, StoreError> {
    while !asked.contains(&id) {
        let later = "SELECT id FROM job WHERE retry_of = ?1 ORDER BY id DESC LIMIT 1";
        let Some(later) = c.first(later, [int(id.0)], |row| Ok(JobId(uint(row.get(0)?))))? else { break };
        id = later;
    }
    Ok(id)
}

fn with_attempts(c: &Connection, id: JobId) -> Result<Option<StoredJob>, StoreError> {
    let Some(mut job) = one(c, id)? else { return absent(c, id) };
    job.attempts = attempts(c, id)?;
    Ok(Some(job))
}

fn written(c: &Connection, id: JobId, attempt: Option<u32>) -> Result<Option<StoredOutput>, StoreError> {
    let sql = "SELECT number, digest, runs, stdout_head, stdout_dropped, stdout_tail, stdout_reason, stderr_head,
        stderr_dropped, stderr_tail, stderr_reason
        FROM output WHERE job = ?1 AND number = coalesce(?2, number) ORDER BY number DESC LIMIT 1";
    let found = c.first(sql, (int(id.0), attempt), |row| {
        let attempt = AttemptId { job: id, number: small(row.get(0)?)? };
        let runs = StoredOrder::Here(row.get::<_, Option<_>>(2)?.unwrap_or_default());
        let (stdout, stderr) = (stream(row, 3)?, stream(row, 7)?);
        Ok(StoredOutput { attempt, digest: row.get(1)?, stdout, stderr, order: runs })
    })?;
    let Some(mut output) = found else { return Ok(None) };
    let sql = "SELECT part, sha256, size, dropped_at FROM output_blob WHERE job = ?1 AND number = ?2";
    c.query(sql, [int(id.0), output.attempt.number.into()], |row| {
        let sha256 = BlobId(row.get(1)?);
        let blob = Some(OutputBlob { sha256, size: uint(row.get(2)?), dropped_at: uint(row.get(3)?) });
        match row.get(0)? {
            STDOUT => output.stdout.blob = blob,
            STDERR => output.stderr.blob = blob,
            _ => output.order = StoredOrder::Blob(sha256),
        }
        Ok(())
    })?;
    Ok(Some(output))
}

/// A job that is not there: either it was removed, or it never was.
fn absent(c: &Connection, id: JobId) -> Result<Option<StoredJob>, StoreError> {
    let removed: bool = c.value("SELECT EXISTS (SELECT 1 FROM removed WHERE id = ?1)", [int(id.0)])?;
    if removed { Err(StoreError::Gone { job: id }) } else { Ok(None) }
}

fn attempts(c: &Connection, id: JobId) -> Result<Vec<AttemptRow>, StoreError> {
    let sql =
        "SELECT a.number, coalesce((SELECT ip FROM worker WHERE worker.id = a.worker), address), a.started_ms, a.ended_ms,
        a.outcome, o.job IS NOT NULL, worker,
        CASE WHEN o.started_ms BETWEEN 1 AND o.ended_ms THEN o.ended_ms - o.started_ms END, a.address,
        o.peak_bytes, o.cpu_ms
        FROM attempt a LEFT JOIN output o ON o.job = a.job AND o.number = a.number
        WHERE a.job = ?1 ORDER BY a.number";
    c.query(sql, [int(id.0)], |row| {
        Ok(AttemptRow {
            number: small(row.get(0)?)?,
            worker: address(Some(row.get(1)?))?.expect("an address was given"),
            worker_id: row.get::<_, Option<String>>(6)?.map(WorkerId::from),
            given_at: row.get::<_, String>(8)?.parse().ok(),
            started_ms: uint(row.get(2)?),
            ended_ms: row.get::<_, Option<i64>>(3)?.map(uint),
            took_ms: row.get::<_, Option<i64>>(7)?.map(uint),
            peak_bytes: row.get::<_, Option<i64>>(9)?.map(uint),
            cpu_ms: row.get::<_, Option<i64>>(10)?.map(uint),
            outcome: row.get::<_, Option<String>>(4)?.as_deref().map(json).transpose()?,
            output_kept: Some(row.get(5)?),
        })
    })
}

/// A stream from four columns.
fn stream(row: &Row<'_>, first: usize) -> Result<Output, StoreError> {
    let bytes = |i| row.get::<_, Option<Vec<u8>>>(i).map(|bytes| Bytes64(bytes.unwrap_or_default()));
    let (head, dropped, tail) = (bytes(first)?, uint(row.get(first + 1)?), bytes(first + 2)?);
    let reason = row.get::<_, Option<String>>(first + 3)?.unwrap_or_default();
    Ok(Output { head, dropped, tail, reason, blob: None })
}
