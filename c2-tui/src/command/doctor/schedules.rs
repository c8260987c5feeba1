//! What `doctor` says of schedules: that their runs are left out, that all of them failed lately, or that none can start.

use c2_shared::api::schedules::{CameTo, Run, ScheduleRow};
use c2_shared::checkup::Check;
use c2_shared::job::JobState;

use crate::command::{CommandError, Context, draft};

/// So many in a row are no accident.
const IN_A_ROW: usize = 3;
/// Schedules of which c2d is asked whether a run could start.
const ASKED_MAX: usize = 200;

/// All that is wrong with schedules, and what to do.
pub(super) async fn checks(context: &Context) -> Result<Vec<Check>, CommandError> {
    let rows = context.client.schedules().await?.schedules;
    let mut checks: Vec<Check> = rows.iter().filter_map(of_runs).collect();
    for row in rows.iter().filter(|row| !row.paused).take(ASKED_MAX) {
        let answer = draft::check(context, vec![row.spec.clone()]).await?;
        let refusal = answer.problems.into_iter().next().map(|problem| problem.error.message);
        let obstacle = refusal.or_else(|| answer.notes.into_iter().next().map(|note| note.message));
        checks.extend(obstacle.map(|obstacle| of_next(row, &obstacle)));
    }
    Ok(checks)
}

/// Of the latest runs, the newest first.
fn of_runs(row: &ScheduleRow) -> Option<Check> {
    let latest: Vec<&Run> = row.runs.iter().filter(|run| !run.is_gap()).collect();
    let name = &row.name;
    let alike = |kind: CameTo| latest.iter().take_while(|run| run.came_to() == kind).count();
    let skipped = alike(CameTo::Skipped);
    if skipped >= IN_A_ROW {
        let reason = latest[0].skipped.as_deref().unwrap_or_default();
        let words = format!("its last {skipped} runs were left out: {reason}");
        let hint = format!(
            "see that job, give runs an end with `schedule change {name} --timeout=DUR`, or let them wait with --overlap=queue"
        );
        return Some(Check::warn(what(row), words, hint));
    }
    let failed = alike(CameTo::Job(JobState::Failed));
    let newest = latest.first().and_then(|run| run.job_id)?;
    let words = format!("its last {failed} runs failed");
    let hint = format!("see `output {newest}`; `schedule pause {name}` leaves the runs out meanwhile");
    (failed >= IN_A_ROW).then(|| Check::fail(what(row), words, hint))
}

/// What keeps the next run from starting.
fn of_next(row: &ScheduleRow, obstacle: &str) -> Check {
    let hint = format!("change what it asks for with `schedule change {} --FLAG=..`, or see `list`", row.name);
    Check::warn(what(row), format!("a run of now would not start: {obstacle}"), hint)
}

fn what(row: &ScheduleRow) -> String {
    format!("schedule {}", row.name)
}

#[cfg(test)]
mod tests {
    use c2_shared::api::schedules::{Missed, Overlap};
    use c2_shared::checkup::State;
    use c2_shared::id::JobId;
    use c2_shared::job::JobSpec;

    use super::*;

    fn row(runs: Vec<Run>) -> ScheduleRow {
        ScheduleRow {
            name: "backup".to_owned(),
            cron: "@daily".to_owned(),
            timezone: "UTC".to_owned(),
            overlap: Overlap::Skip,
            missed: Missed::Once,
            paused: false,
            next_ms: None,
            last: None,
            spec: JobSpec::default(),
            runs,
        }
    }

    fn ran(state: JobState) -> Run {
        Run { job_id: Some(JobId(7)), state: Some(state), ..Run::default() }
    }

    fn skipped(reason: &str) -> Run {
        Run { skipped: Some(reason.to_owned()), ..Run::default() }
    }

    #[test]
    fn only_what_repeats_itself_is_told() {
        let late = || skipped("job-1 has not ended, it is running");
        let table = [
            (vec![], None),
            (vec![ran(JobState::Failed), ran(JobState::Failed)], None),
            (vec![ran(JobState::Running), ran(JobState::Failed), ran(JobState::Failed), ran(JobState::Failed)], None),
            (vec![late(), late(), ran(JobState::Succeeded)], None),
            // That c2d was off is no fault of the schedule.
            (vec![skipped(Run::MISSED), skipped(Run::MISSED), skipped(Run::MISSED)], None),
            (
                vec![ran(JobState::Failed), skipped(Run::MISSED), ran(JobState::Failed), ran(JobState::Failed)],
                Some((State::Fail, "its last 3 runs failed")),
            ),
            (
                vec![late(), late(), late(), late(), ran(JobState::Running)],
                Some((State::Warn, "its last 4 runs were left out: job-1 has not ended, it is running")),
            ),
        ];
        for (runs, expected) in table {
            let check = of_runs(&row(runs.clone()));
            let seen = check.as_ref().map(|check| (check.state, check.words.as_str()));
            assert_eq!(seen, expected, "{runs:?}");
        }
    }
}
