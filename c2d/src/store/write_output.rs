//! How what an attempt wrote becomes rows, and which outputs of a job stay: those of its first and of
//! its last attempts, as far as they are not too large together.

use c2_shared::api::output::Output;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::{AttemptId, JobId};
use c2_shared::limits::LAST_OUTPUTS_LEN;

use crate::engine::AttemptOutput;
use crate::store::StoreError;
use crate::store::columns::{ORDER, STDERR, STDOUT, int, to_json, uint};
use crate::store::sql::{Transaction, params};
use crate::store::write::{Written, run, use_blobs};

/// Adds what an attempt wrote, and removes what is too much for its job then.
pub(super) fn add(t: &Transaction<'_>, written: &AttemptOutput, keep_bytes: u64) -> Written {
    let (result, attempt) = (&written.result, written.result.attempt);
    let (out, err) = (stream(&result.stdout), stream(&result.stderr));
    run(t, "DELETE FROM output WHERE job = ?1 AND number = ?2", (int(attempt.job.0), attempt.number))?;
    run(
        t,
        "INSERT INTO output (job, number, digest, started_ms, ended_ms, swept, runs, stdout_head, stdout_dropped,
            stdout_tail, stdout_reason, stderr_head, stderr_dropped, stderr_tail, stderr_reason, peak_bytes, cpu_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            int(attempt.job.0),
            attempt.number,
            written.digest,
            int(result.started_ms),
            int(result.ended_ms),
            result.swept,
            bytes(&result.order),
            out.0,
            out.1,
            out.2,
            out.3,
            err.0,
            err.1,
            err.2,
            err.3,
            result.peak_bytes.map(int),
            result.cpu_ms.map(int),
        ],
    )?;
    for (part, output) in [(STDOUT, &result.stdout), (STDERR, &result.stderr)] {
        if let Some(blob) = output.blob {
            add_blob(t, attempt, part, blob.sha256, (blob.size, blob.dropped_at))?;
        }
    }
    if let Some(order) = written.order {
        add_blob(t, attempt, ORDER, order, (0, 0))?;
    }
    thin_out(t, attempt)?;
    bound(t, attempt, keep_bytes)?;
    list(t, written)
}

/// The columns of a stream.
type Columns<'a> = (Option<&'a [u8]>, i64, Option<&'a [u8]>, Option<&'a str>);

fn stream(output: &Output) -> Columns<'_> {
    let reason = Some(output.reason.as_str()).filter(|reason| !reason.is_empty());
    (bytes(&output.head), int(output.dropped), bytes(&output.tail), reason)
}

fn bytes(bytes: &Bytes64) -> Option<&[u8]> {
    Some(bytes.0.as_slice()).filter(|bytes| !bytes.is_empty())
}

fn add_blob(t: &Transaction<'_>, of: AttemptId, part: i64, blob: BlobId, (size, dropped_at): (u64, u64)) -> Written {
    let values = (int(of.job.0), of.number, part, blob.0, int(size), int(dropped_at));
    run(t, "INSERT INTO output_blob VALUES (?1, ?2, ?3, ?4, ?5, ?6)", values)
}

/// Adds the list of the files that it left; where it is long, the blob of it stands for all of them.
fn list(t: &Transaction<'_>, written: &AttemptOutput) -> Written {
    let result = &written.result;
    if result.files.is_empty() && result.problems.is_empty() && result.listing.is_none() {
        return Ok(());
    }
    let named = result.files.iter().map(|file| file.sha256).chain(result.listing);
    use_blobs(t, result.attempt.job, named)?;
    let (files, problems) = (to_json(&result.files), to_json(&result.problems));
    run(
        t,
        "INSERT INTO listing (job, number, files, problems, sha256) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (job, number) DO UPDATE SET files = ?3, problems = ?4, sha256 = ?5",
        (int(result.attempt.job.0), result.attempt.number, files, problems, result.listing.map(|blob| blob.0)),
    )
}

/// Removes the outputs between those of a job's first and last attempts.
fn thin_out(t: &Transaction<'_>, newest: AttemptId) -> Written {
    // Few jobs have so many attempts, and each result would pay for the search.
    if newest.number <= 1 + LAST_OUTPUTS_LEN {
        return Ok(());
    }
    run(
        t,
        "DELETE FROM output WHERE job = ?1 AND number > (SELECT min(number) FROM output WHERE job = ?1)
            AND number < (SELECT number FROM output WHERE job = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        (int(newest.job.0), LAST_OUTPUTS_LEN - 1),
    )
}

/// Removes outputs of a job that are too large together: the older ones first, then the first, and
/// never the newest.
fn bound(t: &Transaction<'_>, newest: AttemptId, keep_bytes: u64) -> Written {
    if newest.number == 1 {
        return Ok(());
    }
    let mut older = sizes(t, newest.job)?;
    let mut total: u64 = older.iter().map(|(_, size)| size).sum();
    older.retain(|(number, _)| *number != newest.number);
    for (number, size) in older.iter().skip(1).chain(older.first()) {
        if total <= keep_bytes {
            break;
        }
        total -= size;
        run(t, "DELETE FROM output WHERE job = ?1 AND number = ?2", (int(newest.job.0), number))?;
    }
    Ok(())
}

/// The attempts of a job whose outputs are long, with the bytes of each.
fn sizes(t: &Transaction<'_>, job: JobId) -> Result<Vec<(u32, u64)>, StoreError> {
    let sql =
        "SELECT number, CAST(sum(size) AS BIGINT) FROM output_blob WHERE job = ?1 GROUP BY number ORDER BY number";
    t.query(sql, [int(job.0)], |row| Ok((row.get(0)?, uint(row.get(1)?))))
}
