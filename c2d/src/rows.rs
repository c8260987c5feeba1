//! How the scheduler's views become the rows of the API: for HTTP, the log and the event stream
//! alike.

use c2_shared::api::jobs::JobRow;
use c2_shared::api::schedules::ScheduleRow;
use c2_shared::api::workers::WorkerRow;
use c2_shared::limits::SCHEDULE_RUNS_KEPT;

use crate::sched::decision::ScheduleRecord;
use crate::sched::{JobView, WorkerView};
use crate::store::payload;

/// Characters of a command that a row shows.
const COMMAND_CHARS: usize = 200;

/// A job's row.
pub fn job_row(view: &JobView) -> JobRow {
    let spec = payload::shown(&view.payload);
    let needs = spec.takes();
    JobRow {
        job_id: view.id,
        name: spec.name,
        state: view.state,
        command: cut(&spec.command),
        group: spec.group,
        batch: spec.batch,
        tags: spec.tags,
        needs,
        workers: spec.workers,
        begin_at: spec.begin_at,
        priority: spec.priority,
        worker: view.ip,
        worker_id: view.worker.clone(),
        attempt: view.attempt,
        cancelling: view.cancelling && !view.state.is_terminal(),
        unreachable: view.unreachable,
        delivering: view.delivering,
        frozen: view.frozen && !view.delivering,
        submitted_ms: view.submitted_ms,
        started_ms: view.started_ms,
        ended_ms: view.ended_ms,
        took_ms: view.figures.took_ms,
        peak_bytes: view.figures.peak_bytes,
        cpu_ms: view.figures.cpu_ms,
        outcome: view.outcome.clone(),
    }
}

/// A worker's row.
pub fn worker_row(view: WorkerView) -> WorkerRow {
    WorkerRow {
        ip: view.ip,
        worker_id: view.intro.id,
        hostname: view.intro.hostname,
        status: view.status,
        groups: view.groups,
        slots: view.slots,
        capacity: view.has,
        taken: view.taken,
        slots_used: view.slots_used,
        tags: view.tags,
        silent_ms: view.silent_ms,
        status_reason: view.fault,
        suspect: view.suspect,
        copied_at: view.cloned_at,
        passed_on: view.passed_on,
        past_lease: view.past_lease,
        mac: view.intro.mac,
        wakes_failed: view.wakes_failed,
        load: view.load,
        version: view.intro.version,
    }
}

/// A schedule's row.
pub fn schedule_row(record: &ScheduleRecord) -> ScheduleRow {
    ScheduleRow {
        name: record.name.clone(),
        cron: record.cron.clone(),
        timezone: record.timezone.clone(),
        overlap: record.overlap,
        missed: record.missed,
        paused: record.paused,
        next_ms: record.next_ms,
        last: record.runs.iter().rev().find(|run| run.job_id.is_some()).and_then(|run| run.state),
        spec: payload::shown(&record.job.payload),
        runs: record.runs.iter().rev().take(SCHEDULE_RUNS_KEPT).cloned().collect(),
    }
}

fn cut(command: &str) -> String {
    match command.char_indices().nth(COMMAND_CHARS) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_owned(),
    }
}
