//! Running lines, and what comes back of them.

use c2_shared::id::JobId;

use super::{guard, prompt, watch};
use crate::app::Effect;
use crate::app::model::{Focus, Model, ResultView};
use crate::app::msg::{Report, RunId};
use crate::app::overlay::Then;
use crate::app::pager::Pager;
use crate::app::runs::Bulk;
use crate::app::text;
use crate::app::toast::Kind;
use crate::command::cancel::Cancel;
use crate::command::job_name::{JobName, JobNames};
use crate::command::{Command, Complaint, Entered};
use crate::exit;

/// Runs a line now, or behind what runs already.
pub(super) fn run(model: &mut Model, line: Entered, effects: &mut Vec<Effect>) {
    if line.command.streams() {
        watch::begin(model, line, effects);
    } else if model.runs.present.is_some() {
        model.runs.waiting.push_back(line);
    } else {
        let run = model.runs.begin(line.text.clone(), model.now.mono, None);
        effects.push(Effect::Execute { run, line });
    }
}

fn run_next(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(line) = model.runs.waiting.pop_front() {
        run(model, line, effects);
    }
}

/// Shows why a line is not run.
pub(super) fn refuse(model: &mut Model, line: String, complaint: Complaint) {
    let report = Report { status: exit::status(complaint.kind), fault: Some(complaint.into()), ..Report::default() };
    ended(model, line, &report);
}

/// What follows a yes.
pub(super) fn answer(model: &mut Model, then: Then, effects: &mut Vec<Effect>) {
    match then {
        Then::Run(line) => guard::run(model, *line, true, effects),
        Then::RunAll(lines) => prompt::run_pasted(model, &lines, effects),
        Then::Quit => effects.push(Effect::Quit),
        Then::Save(what, path) => effects.push(Effect::Save { what, path, overwrite: true }),
        Then::Cancel(jobs) => {
            // The next one is about other jobs.
            if let Some((grid, _)) = model.grid_mut(model.focus) {
                grid.unmark_all();
            }
            let lines: Vec<Entered> = jobs.into_iter().map(cancel).collect();
            let title = if lines.len() == 1 { lines[0].text.clone() } else { format!("cancel {} jobs", lines.len()) };
            let bulk = Bulk { deed: "cancelled", ..Bulk::default() };
            let run = model.runs.begin(title, model.now.mono, Some(bulk));
            effects.push(Effect::ExecuteAll { run, lines });
        }
    }
}

fn cancel(job: JobId) -> Entered {
    let jobs = vec![JobNames::One(JobName::Id(job))];
    Entered { text: format!("cancel {job}"), command: Command::Cancel(Cancel { jobs }) }
}

/// A line ended: its text goes into the result view.
pub(super) fn on_finished(model: &mut Model, run: RunId, report: &Report, effects: &mut Vec<Effect>) {
    if watch::on_finished(model, run, report) {
        return;
    }
    let Some(present) = model.runs.end(run) else { return };
    ended(model, present.line, report);
    run_next(model, effects);
}

fn ended(model: &mut Model, line: String, report: &Report) {
    model.runs.status = Some(report.status);
    model.runs.note(model.now.wall_ms, line.clone(), report.status);
    let lines = lines_of(report);
    if !lines.is_empty() {
        show(model, line, &lines, report.status);
    }
}

/// One of several lines ended, or all of them have.
pub(super) fn on_bulk(model: &mut Model, run: RunId, one: Option<(String, Report)>, effects: &mut Vec<Effect>) {
    if let Some((line, report)) = &one {
        model.runs.note(model.now.wall_ms, line.clone(), report.status);
    }
    let Some(present) = model.runs.present.as_mut().filter(|p| p.run == run) else { return };
    let Some(bulk) = &mut present.bulk else { return };
    match one {
        Some((_, report)) if report.fault.is_none() => bulk.done += 1,
        Some(failed) => bulk.failed.push(failed),
        None => {
            let (bulk, line) = (std::mem::take(bulk), std::mem::take(&mut present.line));
            model.runs.end(run);
            end_bulk(model, bulk, line);
            run_next(model, effects);
        }
    }
}

fn end_bulk(model: &mut Model, bulk: Bulk, line: String) {
    let Bulk { deed, done, failed } = bulk;
    model.runs.status = Some(i32::from(!failed.is_empty()));
    if failed.is_empty() {
        return model.toasts.say(Kind::Good, format!("{deed} {done}"), model.now);
    }
    model.toasts.say(Kind::Bad, format!("{deed} {done}, failed {}", failed.len()), model.now);
    let lines = failed.iter().flat_map(|(line, report)| std::iter::once(line.clone()).chain(lines_of(report)));
    let lines: Vec<String> = lines.collect();
    show(model, line, &lines, 1);
}

/// Puts lines into the result view.
pub(super) fn show(model: &mut Model, title: String, lines: &[String], status: i32) {
    model.result = Some(ResultView { title, text: Pager::of_lines(lines), status });
}

/// Closes the result view.
pub(super) fn close_result(model: &mut Model) {
    model.result = None;
    if model.focus == Focus::Result {
        model.focus = Focus::Line;
    }
}

fn lines_of(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report.text.lines().map(str::to_owned).collect();
    if let Some(fault) = &report.fault {
        lines.extend(text::lines(&fault.message));
        lines.extend(fault.hint.iter().map(|hint| format!("\x1b[2mhint: {}", text::tame(hint))));
    }
    lines
}
