//! Schedules as text: a table of all, and one in full with its latest runs.

use c2_shared::api::schedules::{CameTo, Missed, Overlap, Run, ScheduleList, ScheduleOutlook, ScheduleRow};
use c2_shared::job::JobState;
use jiff::tz::TimeZone;

use crate::render::look::{Look, Style};
use crate::render::table::{Cell, Table, fields, flexible, numbers, words};
use crate::render::{jobs, sanitize};

/// Runs that a row of the table tells of.
const HISTORY_LEN: usize = 8;

pub(crate) fn list(look: &Look, list: &ScheduleList) -> String {
    if list.schedules.is_empty() {
        return "there is no schedule\n`schedule NAME \"0 3 * * *\" \"COMMAND\"` adds one\n".to_owned();
    }
    let mut table = Table::new([
        words("NAME"),
        words("NEXT"),
        words("LAST"),
        words("HISTORY").dispensable(),
        words("CRON"),
        words("ZONE").dispensable(),
        flexible("COMMAND"),
    ]);
    for row in &list.schedules {
        table.row([
            Cell::from(&row.name),
            if row.paused { Cell::styled("paused", Style::Waiting) } else { Cell::from(next(look, row)) },
            row.runs.first().map_or_else(|| Cell::from(""), came_to),
            Cell::from(history(&row.runs)),
            Cell::from(&row.cron),
            Cell::from(&row.timezone),
            Cell::from(&row.spec.command),
        ]);
    }
    table.render(look)
}

pub(crate) fn show(look: &Look, row: &ScheduleRow) -> String {
    let overlap = match row.overlap {
        Overlap::Skip => "skip: no run while an earlier one has not ended",
        Overlap::Queue => "queue: one run waits for the end of an earlier one",
        Overlap::CancelOld => "cancel-old: a run cancels an earlier one that has not ended",
    };
    let missed = match row.missed {
        Missed::Once => "once: one run for all that were missed",
        Missed::Skip => "skip: what was missed is left out",
        Missed::All => "all: each run that was missed is made up for",
    };
    let next = match row.next_ms {
        _ if row.paused => "paused; `schedule resume` resumes it".to_owned(),
        next => next.map(|at| instant(look, row, at)).unwrap_or_default(),
    };
    let mut pairs = vec![
        ("schedule", row.name.clone()),
        ("cron", row.cron.clone()),
        ("zone", row.timezone.clone()),
        ("next", next),
        ("overlap", overlap.to_owned()),
        ("missed", missed.to_owned()),
        ("name", row.spec.name.clone().filter(|name| *name != row.name).unwrap_or_default()),
    ];
    pairs.extend(jobs::asked(look, &row.spec));
    let mut text = fields(look, &pairs);
    if !row.runs.is_empty() {
        let mut table = Table::new([words("DUE"), words("JOB"), flexible("OUTCOME"), numbers("MISSED")]);
        for run in &row.runs {
            let outcome = match &run.skipped {
                Some(reason) => Cell::styled(format!("skipped: {reason}"), Style::Waiting),
                None => came_to(run),
            };
            let missed = if run.missed == 0 { String::new() } else { run.missed.to_string() };
            let job = run.job_id.map(|job| job.to_string()).unwrap_or_default();
            table.row([Cell::from(look.table_time(run.at_ms)), Cell::from(job), outcome, Cell::from(missed)]);
        }
        text.push_str(&format!("\n{}", table.render(look)));
    }
    text
}

/// What a schedule would be, and when it would run.
pub(crate) fn foreseen(look: &Look, outlook: &ScheduleOutlook, is_new: bool) -> String {
    let mut text = show(look, &outlook.schedule);
    if let [_, later @ ..] = outlook.instants_ms.as_slice()
        && !later.is_empty()
    {
        let later = later.iter().map(|at| format!("  {}\n", instant(look, &outlook.schedule, *at)));
        text.push_str(&format!("\nthen\n{}", later.collect::<String>()));
    }
    text + if is_new { "\nthe schedule would be added\n" } else { "\nthe schedule would be changed\n" }
}

fn next(look: &Look, row: &ScheduleRow) -> String {
    row.next_ms.map(|at| look.moment(at)).unwrap_or_default()
}

/// A run as a clock in the zone of the schedule shows it, and as one here does where that differs.
fn instant(look: &Look, row: &ScheduleRow, at_ms: u64) -> String {
    let here = look.moment(at_ms);
    match TimeZone::get(&row.timezone).map(|zone| look.moment_in(zone, at_ms)) {
        Ok(there) if there != here => format!("{there}, here {here}"),
        _ => here,
    }
}

/// What came of a run, in a word.
fn came_to(run: &Run) -> Cell {
    match run.came_to() {
        CameTo::Job(state) => Cell::styled(state.to_string(), state),
        CameTo::Forgotten => Cell::from("no longer kept"),
        CameTo::Skipped => Cell::styled("skipped", Style::Waiting),
    }
}

/// The latest runs, a letter for each, the newest last.
fn history(runs: &[Run]) -> String {
    let letter = |run: &Run| match run.came_to() {
        CameTo::Job(JobState::Succeeded) => '+',
        CameTo::Job(JobState::Failed | JobState::Cancelled) => '!',
        CameTo::Job(_) | CameTo::Forgotten => '.',
        CameTo::Skipped => '-',
    };
    sanitize::cell(&runs.iter().take(HISTORY_LEN).rev().map(letter).collect::<String>())
}
