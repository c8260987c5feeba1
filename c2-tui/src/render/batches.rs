//! Batches as text: a table of all, one in full, and how far one has come in a line.

use c2_shared::api::batches::{BatchList, BatchRow};
use c2_shared::job::JobState;
use c2_shared::time::span;

use crate::render::look::Look;
use crate::render::table::{Cell, Table, fields, flexible, numbers, words};

pub(crate) fn list(look: &Look, list: &BatchList) -> String {
    if list.batches.is_empty() {
        return "there is no batch\n`batch FILE --batch=NAME` begins one\n".to_owned();
    }
    let mut table = Table::new([
        flexible("BATCH"),
        numbers("JOBS"),
        numbers("DONE"),
        numbers("FAILED"),
        numbers("RUNNING"),
        numbers("WAITING"),
        numbers("LIMIT").dispensable(),
        words("READY IN"),
        words("SUBMITTED").dispensable(),
    ]);
    for row in &list.batches {
        let count = |n: usize| Cell::from(if n == 0 { String::new() } else { n.to_string() });
        let failed = if row.failed == 0 { count(0) } else { Cell::styled(row.failed.to_string(), JobState::Failed) };
        table.row([
            Cell::from(&row.batch),
            Cell::from(row.jobs.to_string()),
            count(row.ended()),
            failed,
            count(row.running),
            count(row.waiting()),
            Cell::from(row.max_running.map(|n| n.to_string()).unwrap_or_default()),
            Cell::from(ready_in(row.eta_s)),
            Cell::from(look.table_time(row.submitted_ms)),
        ]);
    }
    table.render(look)
}

pub(crate) fn show(look: &Look, row: &BatchRow) -> String {
    let count = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    fields(
        look,
        &[
            ("batch", row.batch.clone()),
            ("jobs", row.jobs.to_string()),
            ("succeeded", count(row.succeeded)),
            ("failed", count(row.failed)),
            ("cancelled", count(row.cancelled)),
            ("running", count(row.running)),
            ("queued", count(row.queued)),
            ("blocked", count(row.blocked)),
            ("held", count(row.held)),
            ("at once", row.max_running.map(|n| format!("at most {n}")).unwrap_or_default()),
            ("ready in", ready_in(row.eta_s)),
            ("submitted", look.table_time(row.submitted_ms)),
            ("ended", row.ended_ms.map(|at| look.table_time(at)).unwrap_or_default()),
        ],
    )
}

/// How far it has come, in one line.
pub(crate) fn progress(row: &BatchRow) -> String {
    let mut text = format!("{} of {} jobs have ended", row.ended(), row.jobs);
    let not = row.failed + row.cancelled;
    if not > 0 {
        text.push_str(&format!(", {not} of them did not succeed"));
    }
    for (count, doing) in [(row.running, "running"), (row.waiting(), "waiting")] {
        if count > 0 {
            text.push_str(&format!("; {count} {doing}"));
        }
    }
    if let Some(eta_s) = row.eta_s.filter(|eta| *eta > 0) {
        text.push_str(&format!("; ready in about {}", span(eta_s * 1_000)));
    }
    text
}

/// How long something takes still, as far as that is known and it is not longer under way than that.
pub(super) fn ready_in(eta_s: Option<u64>) -> String {
    eta_s.filter(|eta_s| *eta_s > 0).map(|eta_s| format!("about {}", span(eta_s * 1_000))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_a_batch_has_come() {
        let row = BatchRow {
            jobs: 100,
            succeeded: 38,
            failed: 1,
            cancelled: 1,
            running: 4,
            queued: 56,
            ..BatchRow::default()
        };
        let line = "40 of 100 jobs have ended, 2 of them did not succeed; 4 running; 56 waiting";
        assert_eq!(progress(&row), line);
        assert_eq!(progress(&BatchRow { eta_s: Some(90), ..row }), format!("{line}; ready in about 1m30s"));
        assert_eq!(progress(&BatchRow { jobs: 1, succeeded: 1, ..BatchRow::default() }), "1 of 1 jobs have ended");
    }
}
