//! How each decision becomes rows: one function for each, inside the transaction of its batch.

use std::net::IpAddr;

use c2_shared::blob::BlobId;
use c2_shared::id::{AttemptId, JobId, WorkerId};
use c2_shared::job::{JobSpec, JobState, Outcome};

use crate::engine::Batch;
use crate::sched::Decision;
use crate::sched::decision::{Back, JobRecord, KeyRecord, WorkerRecord};
use crate::sched::fit::Share;
use crate::store::columns::{condition_number, int, state_number, to_json};
use crate::store::sql::{Params, Transaction, params};
use crate::store::{StoreError, batches, payload, rules, schedules, wishes, write_output};

pub(super) type Written = Result<(), StoreError>;

/// Writes a batch into a transaction.
pub(super) fn batch(t: &Transaction<'_>, batch: &Batch, output_keep_bytes: u64) -> Written {
    for decision in &batch.decisions {
        one(t, decision)?;
    }
    for written in &batch.outputs {
        write_output::add(t, written, output_keep_bytes)?;
    }
    Ok(())
}

fn one(t: &Transaction<'_>, decision: &Decision) -> Written {
    match decision {
        Decision::AddJob(record) => add_job(t, record),
        Decision::SetWaiting { job, state } => set_state(t, *job, *state),
        Decision::Place { job, place } => must_change(
            t,
            "UPDATE job SET terms = json_set(terms, '$.place', ?2) WHERE id = ?1 AND state < 4",
            (int(job.0), place),
        ),
        Decision::Change(record) => change(t, record),
        Decision::Fulfil { job, on } => must_change(
            t,
            "UPDATE dependency SET fulfilled = 1 WHERE job = ?1 AND requires = ?2",
            (int(job.0), int(on.0)),
        ),
        Decision::Pin { job, worker } => {
            must_change(t, "UPDATE job SET pinned = ?2 WHERE id = ?1 AND state < 3", (int(job.0), worker.as_str()))
        }
        Decision::Assign { attempt, worker, ip, share, ahead, at_ms } => {
            assign(t, *attempt, (worker, *ip), (share, *ahead), *at_ms)
        }
        Decision::Wish { attempt, wish } => must_change(
            t,
            "UPDATE hold SET wish = ?3 WHERE job = ?1 AND number = ?2 AND ahead = 1",
            (int(attempt.job.0), attempt.number, wish.as_ref().map(wishes::written)),
        ),
        Decision::MarkCancelling { job } => {
            must_change(t, "UPDATE job SET cancelling = 1 WHERE id = ?1 AND state < 4", [int(job.0)])
        }
        Decision::Requeue { attempt, outcome, back, at_ms } => requeue(t, *attempt, outcome, *back, *at_ms),
        Decision::Readopt { attempt, .. } => must_change(
            t,
            "UPDATE job SET state = 3 WHERE id = ?1 AND attempt = ?2 AND state = 2",
            (int(attempt.job.0), attempt.number),
        ),
        Decision::Deliver { attempt, worker, outcome } => deliver(t, *attempt, worker, outcome),
        Decision::Free { attempt, worker } => free(t, *attempt, worker),
        Decision::End { job, attempt, outcome, started_ms, at_ms, seq } => {
            end(t, AttemptId { job: *job, number: *attempt }, outcome, *started_ms, *at_ms, *seq)
        }
        Decision::PutWorker(record) => put_worker(t, record),
        Decision::RemoveWorker { worker } => must_change(t, "DELETE FROM worker WHERE id = ?1", [worker.as_str()]),
        Decision::RememberKey(key) => remember_key(t, key),
        Decision::ForgetKey { key } => must_change(t, "DELETE FROM idempotency WHERE key = ?1", [key]),
        Decision::SetPaused { paused } => run(
            t,
            "INSERT INTO meta VALUES ('paused', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [if *paused { "1" } else { "0" }],
        ),
        Decision::LimitBatch { batch, max_running } => batches::limit(t, batch, *max_running),
        Decision::PutSchedule(record) => schedules::put(t, record),
        Decision::RemoveSchedule { name } => must_change(t, "DELETE FROM schedule WHERE name = ?1", [name]),
        Decision::PutRule(record) => rules::put(t, record),
        Decision::RemoveRule { name } => must_change(t, "DELETE FROM rule WHERE name = ?1", [name]),
        Decision::AddNotice(record) => rules::add_notice(t, record),
        Decision::ForgetNotice { id } => must_change(t, "DELETE FROM notice WHERE id = ?1", [int(*id)]),
        Decision::Answer { .. } | Decision::Wake { .. } => Ok(()),
    }
}

fn add_job(t: &Transaction<'_>, job: &JobRecord) -> Written {
    let sql = "INSERT INTO job (id, state, payload, digest, name, terms, pinned, retries_left, submitted_ms, attempt,
        worker, started_ms, cancelling, crashes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let values = params![
        int(job.id.0),
        state_number(job.state),
        &*job.payload,
        payload::digest(&job.payload),
        job.name.as_deref(),
        to_json(&job.terms),
        job.pinned.as_ref().map(WorkerId::as_str),
        job.retries_left,
        int(job.submitted_ms),
        job.attempt,
        job.worker.as_ref().map(WorkerId::as_str),
        job.started_ms.map(int),
        job.cancelling,
        job.crashes,
    ];
    run(t, sql, values)?;
    add_dependencies(t, job)?;
    use_blobs(t, job.id, needed(&job.payload))
}

fn add_dependencies(t: &Transaction<'_>, job: &JobRecord) -> Written {
    for (edge, place) in job.depends.iter().zip(0_i64..) {
        let values = (int(job.id.0), place, int(edge.on.0), condition_number(edge.condition), edge.fulfilled);
        run(t, "INSERT INTO dependency VALUES (?1, ?2, ?3, ?4, ?5)", values)?;
    }
    Ok(())
}

/// A change brings no contents, so the blobs that the job needs are as before.
fn change(t: &Transaction<'_>, job: &JobRecord) -> Written {
    let sql = "UPDATE job SET state = ?2, payload = ?3, digest = ?4, name = ?5, terms = ?6, pinned = ?7,
        retries_left = ?8 WHERE id = ?1 AND state < 4";
    let values = params![
        int(job.id.0),
        state_number(job.state),
        &*job.payload,
        payload::digest(&job.payload),
        job.name.as_deref(),
        to_json(&job.terms),
        job.pinned.as_ref().map(WorkerId::as_str),
        job.retries_left,
    ];
    must_change(t, sql, values)?;
    run(t, "DELETE FROM dependency WHERE job = ?1", [int(job.id.0)])?;
    add_dependencies(t, job)
}

/// The blobs that a job needs.
pub(super) fn needed(payload: &str) -> Vec<BlobId> {
    // Most jobs name none, and reading their specifications for it would cost each submit.
    if !payload.contains("sha256\"") {
        return Vec::new();
    }
    let spec: JobSpec = serde_json::from_str(payload).expect("what was just accepted can be read");
    spec.blobs().map(|needed| needed.blob).collect()
}

/// Keeps blobs for as long as the job is kept.
pub(super) fn use_blobs(t: &Transaction<'_>, job: JobId, blobs: impl IntoIterator<Item = BlobId>) -> Written {
    for blob in blobs {
        run(t, "INSERT INTO blob_use VALUES (?1, ?2) ON CONFLICT DO NOTHING", (blob.0, int(job.0)))?;
    }
    Ok(())
}

fn set_state(t: &Transaction<'_>, job: JobId, state: JobState) -> Written {
    must_change(t, "UPDATE job SET state = ?2 WHERE id = ?1 AND state < 3", (int(job.0), state_number(state)))
}

fn assign(
    t: &Transaction<'_>,
    attempt: AttemptId,
    (worker, ip): (&WorkerId, IpAddr),
    (share, ahead): (&Share, bool),
    at_ms: u64,
) -> Written {
    let (job, number, worker, ip) = (int(attempt.job.0), attempt.number, worker.as_str(), ip.to_string());
    must_change(
        t,
        "UPDATE job SET state = 3, attempt = ?2, worker = ?3, started_ms = ?4, address = ?5
            WHERE id = ?1 AND state = 2 AND attempt = ?2 - 1",
        (job, number, worker, int(at_ms), &ip),
    )?;
    let values = (job, number, worker, int(at_ms), &ip);
    run(t, "INSERT INTO attempt (job, number, worker, started_ms, address) VALUES (?1, ?2, ?3, ?4, ?5)", values)?;
    let takes = Some(&share.takes).filter(|takes| !takes.is_none()).map(to_json);
    let sql = "INSERT INTO hold (job, number, worker, takes, card, ahead) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    run(t, sql, (job, number, worker, takes, share.card, ahead))?;
    for (tag, place) in share.tags.iter().zip(0_i64..) {
        run(t, "INSERT INTO lock VALUES (?1, ?2, ?3, ?4, ?5)", (worker, tag, job, number, place))?;
    }
    Ok(())
}

fn requeue(t: &Transaction<'_>, attempt: AttemptId, outcome: &Outcome, back: Back, at_ms: u64) -> Written {
    if back.is_fault() {
        let sql = "INSERT INTO fault (job, worker, times) SELECT id, worker, 1 FROM job WHERE id = ?1
            ON CONFLICT (job, worker) DO UPDATE SET times = fault.times + 1";
        must_change(t, sql, [int(attempt.job.0)])?;
    }
    must_change(
        t,
        "UPDATE job SET state = CASE state WHEN 3 THEN 2 ELSE state END, crashes = crashes + ?3,
            retries_left = retries_left - ?4, worker = CASE WHEN ?5 = 1 THEN NULL ELSE worker END
            WHERE id = ?1 AND attempt = ?2 AND state < 4",
        (int(attempt.job.0), attempt.number, back.is_crash(), back.is_retry(), back.is_settled()),
    )?;
    if back.is_void() {
        return run(t, "DELETE FROM attempt WHERE job = ?1 AND number = ?2", (int(attempt.job.0), attempt.number));
    }
    end_attempt(t, attempt, outcome, at_ms)
}

fn deliver(t: &Transaction<'_>, attempt: AttemptId, worker: &WorkerId, outcome: &Outcome) -> Written {
    let (job, number) = (int(attempt.job.0), attempt.number);
    let sql = "UPDATE hold SET outcome = ?4 WHERE job = ?1 AND number = ?2 AND worker = ?3 AND outcome IS NULL";
    must_change(t, sql, (job, number, worker.as_str(), to_json(outcome)))?;
    run(t, "DELETE FROM lock WHERE job = ?1 AND number = ?2", (job, number))
}

fn free(t: &Transaction<'_>, attempt: AttemptId, worker: &WorkerId) -> Written {
    let values = (int(attempt.job.0), attempt.number, worker.as_str());
    must_change(t, "DELETE FROM hold WHERE job = ?1 AND number = ?2 AND worker = ?3", values)?;
    run(t, "DELETE FROM lock WHERE job = ?1 AND number = ?2", (int(attempt.job.0), attempt.number))
}

fn end(
    t: &Transaction<'_>,
    attempt: AttemptId,
    outcome: &Outcome,
    started_ms: Option<u64>,
    at_ms: u64,
    seq: u64,
) -> Written {
    let (job, number, state) = (int(attempt.job.0), attempt.number, state_number(outcome.state()));
    must_change(
        t,
        "UPDATE job SET state = ?3, outcome = ?4, ended_ms = ?5, seq = ?6, started_ms = coalesce(?7, started_ms)
            WHERE id = ?1 AND attempt = ?2 AND state < 4",
        (job, number, state, to_json(outcome), int(at_ms), int(seq), started_ms.map(int)),
    )?;
    if number > 0 {
        end_attempt(t, attempt, outcome, at_ms)?;
    }
    Ok(())
}

/// Notes how an attempt ended. A result that comes after the attempt was given up says more than
/// "lost" did; a job that ends while it waits for another attempt says nothing about the last.
fn end_attempt(t: &Transaction<'_>, attempt: AttemptId, outcome: &Outcome, at_ms: u64) -> Written {
    run(
        t,
        "UPDATE attempt SET ended_ms = ?3, outcome = ?4
            WHERE job = ?1 AND number = ?2 AND (outcome IS NULL OR outcome = ?5)",
        (int(attempt.job.0), attempt.number, int(at_ms), to_json(outcome), to_json(&Outcome::Lost)),
    )
}

fn put_worker(t: &Transaction<'_>, worker: &WorkerRecord) -> Written {
    let intro = &worker.intro;
    run(
        t,
        "INSERT INTO worker (id, ip, hostname, boot_id, machine, folder, session, slots, version, hardware, groups, tags,
            drained, passed_on, quarantine, has, resources, mac, asleep)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
            ON CONFLICT (id) DO UPDATE SET ip = ?2, hostname = ?3, boot_id = ?4, machine = ?5, folder = ?6, session = ?7,
            slots = ?8, version = ?9, hardware = ?10, groups = ?11, tags = ?12, drained = ?13, passed_on = ?14,
            quarantine = ?15, has = ?16, resources = ?17, mac = ?18, asleep = ?19",
        params![
            intro.id.as_str(),
            intro.ip.to_string(),
            intro.hostname,
            intro.place.boot_id,
            intro.place.machine,
            intro.place.folder,
            intro.session.to_string(),
            intro.slots,
            intro.version,
            &*intro.hardware,
            to_json(&worker.groups),
            to_json(&worker.tags),
            worker.drained,
            worker.passed_on,
            worker.quarantine,
            to_json(&intro.has),
            to_json(&worker.resources),
            intro.mac.map(|mac| mac.to_string()),
            worker.asleep,
        ],
    )
}

fn remember_key(t: &Transaction<'_>, key: &KeyRecord) -> Written {
    let values = (&key.key, &key.digest, to_json(&key.jobs), int(key.expires_ms));
    run(t, "INSERT INTO idempotency VALUES (?1, ?2, ?3, ?4)", values)
}

pub(super) fn run(t: &Transaction<'_>, sql: &str, values: impl Params) -> Written {
    t.write(sql, values, false)
}

/// Runs an update whose row must be there and in the state that it expects.
fn must_change(t: &Transaction<'_>, sql: &str, values: impl Params) -> Written {
    t.write(sql, values, true)
}
