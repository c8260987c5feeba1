//! How long ended jobs are kept: by age, by number, by the size of the database.
//!
//! The thread that writes removes the oldest a few at a time, when nothing waits to be committed.
//! What goes is everything that a job was and wrote; what stays is its verdict, a few bytes, so that
//! counts stay true, ids are never given twice and a dependency on it still means what it meant.
//! `jobs.log` is not touched, and a job that has no line there yet is not removed. A job is too old
//! when both its date says so and the days that c2d has seen since.

use c2_shared::config;
use c2_shared::time::Mono;

use crate::sched::event::Now;
use crate::store::columns::int;
use crate::store::sql::{Connection, Transaction};
use crate::store::uptime::{DAY_MS, Uptime};
use crate::store::{Blobs, StoreError, holders};

/// Jobs looked at in one transaction; some milliseconds at most.
const BITE: i64 = 100;
/// How often the oldest jobs are looked at.
const EVERY_MS: u64 = 10 * 60 * 1_000;
/// While there is something to remove, a busy store does so once in so many commits.
const COMMITS_PER_BITE: u32 = 64;

/// The way through the ended jobs, oldest first.
#[derive(Debug)]
pub(super) struct Retention {
    keep: config::Retention,
    uptime: Uptime,
    /// The time of the last commit; there is no other here.
    now: Now,
    next: Mono,
    /// The place in the log up to which it came; none while nothing is due.
    at: Option<u64>,
    commits: u32,
    blobs: Blobs,
    /// What the database holds, as far as it is not measured anew each time.
    in_use: Option<u64>,
    /// The place in the log up to which ended jobs have let go of their blobs.
    freed: u64,
}

/// An ended job as far as its removal is concerned.
struct Candidate {
    id: i64,
    seq: u64,
    ended_ms: u64,
}

impl Retention {
    pub(super) fn new(keep: config::Retention, uptime: Uptime, blobs: Blobs) -> Self {
        Self { keep, uptime, now: Now::default(), next: Mono(0), at: None, commits: 0, blobs, in_use: None, freed: 0 }
    }

    /// Whether something may be left to remove.
    pub(super) const fn is_going_on(&self) -> bool {
        self.at.is_some()
    }

    /// Notes a commit, after which the log stands at `logged`; answers whether a bite is due although
    /// the store is busy.
    pub(super) fn committed(&mut self, now: Now, logged: u64) -> bool {
        self.now = now;
        self.uptime.pass(now.mono, logged, self.keep.keep_days);
        if self.at.is_none() && now.mono >= self.next {
            self.at = Some(0);
            self.next = now.mono.after_ms(EVERY_MS);
        }
        self.commits = (self.commits + 1) % COMMITS_PER_BITE;
        self.is_going_on() && self.commits == 0
    }

    /// Nothing happened, and time passed all the same.
    pub(super) fn time_passes(&mut self, connection: &Connection, now: Mono, logged: u64) {
        self.uptime.pass(now, logged, self.keep.keep_days);
        if now >= self.next {
            self.next = now.after_ms(EVERY_MS);
            self.keep_time(connection);
        }
    }

    /// Writes down how much time was seen. What fails here is tried again, and costs some minutes.
    pub(super) fn keep_time(&self, connection: &Connection) {
        if let Err(error) = self.uptime.save(connection) {
            tracing::debug!("the time that passed is not kept yet: {error}");
        }
    }

    /// How long c2d has run, in all of its runs.
    pub(super) const fn seen_ms(&self) -> u64 {
        self.uptime.seen_ms()
    }

    /// Stops looking until the next time.
    pub(super) const fn give_up(&mut self) {
        self.at = None;
    }

    /// Removes a few jobs, of those that stand in the log up to `logged`.
    pub(super) fn bite(&mut self, connection: &mut Connection, logged: u64) -> Result<(), StoreError> {
        let Some(at) = self.at else { return Ok(()) };
        let transaction = connection.transaction()?;
        if at == 0 {
            self.uptime.save(&transaction)?;
        }
        let found = candidates(&transaction, at, logged)?;
        let newest: Option<i64> = transaction.value("SELECT max(seq) FROM job", ())?;
        let newest = newest.map_or(0, i64::unsigned_abs);
        let known = self.in_use.filter(|_| at > 0);
        let mut in_use = known.map_or_else(|| transaction.bytes_in_use(self.keep.keep_bytes), Ok)?;
        let whole = i64::try_from(found.len()) == Ok(BITE);
        let last = found.last().map(|job| job.seq);
        let oldest_ms = self.now.wall_ms.saturating_sub(self.keep.keep_days.saturating_mul(DAY_MS));
        let old_until = self.uptime.old_until(self.keep.keep_days);
        let (mut all_due, mut left) = (true, known);
        for job in found {
            let surplus = newest.saturating_sub(job.seq) >= self.keep.keep_jobs;
            let too_large = in_use > self.keep.keep_bytes;
            all_due = surplus || too_large || (job.seq <= old_until && job.ended_ms < oldest_ms);
            if !all_due {
                break;
            }
            if !is_needed(&transaction, job.id)? {
                if let Some(bytes) = transaction.bytes_of(job.id)? {
                    in_use = in_use.saturating_sub(bytes);
                    left = Some(in_use);
                }
                remove(&transaction, job.id)?;
            }
        }
        transaction.commit()?;
        self.in_use = left;
        self.at = last.filter(|_| whole && all_due);
        Ok(())
    }
}

impl Retention {
    /// Lets the oldest ended jobs go without their blobs, a bite of them, until these have so many bytes.
    /// Answers how many they have; none when no job is left that has any.
    pub(super) fn free(&mut self, connection: &mut Connection, bytes: u64) -> Result<u64, StoreError> {
        let transaction = connection.transaction()?;
        let mut freed = 0;
        for (job, seq) in holders::oldest(&transaction, self.freed, BITE)? {
            if freed >= bytes {
                break;
            }
            // A job of which nothing else was left counts as well, so that the next one has its turn.
            freed += holders::let_go(&transaction, &self.blobs, job)?.max(1);
            self.freed = seq;
        }
        transaction.commit()?;
        Ok(freed)
    }
}

fn candidates(t: &Transaction<'_>, after: u64, logged: u64) -> Result<Vec<Candidate>, StoreError> {
    let sql = "SELECT id, seq, ended_ms FROM job WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
    t.query(sql, [int(after), int(logged), BITE], |row| {
        let (seq, ended_ms): (i64, Option<i64>) = (row.get(1)?, row.get(2)?);
        let ended_ms = ended_ms.map_or(0, i64::unsigned_abs);
        Ok(Candidate { id: row.get(0)?, seq: seq.unsigned_abs(), ended_ms })
    })
}

/// Whether an active job depends on it, or a worker has not let go of it.
fn is_needed(t: &Transaction<'_>, id: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM hold WHERE job = ?1) OR EXISTS (
        SELECT 1 FROM dependency d JOIN job j ON j.id = d.job WHERE d.requires = ?1 AND j.state < 4)";
    t.value(sql, [id])
}

fn remove(t: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
    for sql in [
        "INSERT INTO removed SELECT id, state, worker, seq FROM job WHERE id = ?1",
        "DELETE FROM output WHERE job = ?1",
        "DELETE FROM attempt WHERE job = ?1",
        "DELETE FROM dependency WHERE job = ?1",
        "DELETE FROM job WHERE id = ?1",
    ] {
        t.execute(sql, [id])?;
    }
    Ok(())
}
