//! Running lines, and what comes back of them.

use c2_shared::id::JobId;

use super::{figures, output, pages, result, watch};
use crate::app::Effect;
use crate::app::live::Shown;
use crate::app::model::Model;
use crate::app::report::{Report, RunId};
use crate::app::row_verb::RowVerb;
use crate::app::runs::Bulk;
use crate::app::text;
use crate::app::toast::Kind;
use crate::command::job_name::JobName;
use crate::command::{self, Command, Entered, Verb};

/// Runs a line now, or behind what runs already.
pub(super) fn run(model: &mut Model, line: Entered, effects: &mut Vec<Effect>) {
    let is_viewed = is_viewed(&line.command);
    if let Some((job, shown)) = viewed(model, &line.command) {
        model.runs.note(model.now.wall_ms, line.text, 0);
        output::open(model, job, shown, effects);
    } else if let Command::Timeline(timeline) = &line.command {
        let since_s = timeline.since;
        model.runs.note(model.now.wall_ms, line.text, 0);
        figures::open_timeline(model, since_s);
    } else if line.command.streams() && !is_viewed {
        watch::begin(model, line, effects);
    } else if model.runs.present.is_some() {
        model.runs.waiting.push_back(line);
    } else {
        let run = model.runs.begin(line.text.clone(), model.now.mono, None);
        effects.push(Effect::Execute { run, line });
    }
}

/// Whether a line asks for an output that the viewer shows, as everywhere else and at its end.
fn is_viewed(command: &Command) -> bool {
    matches!(command, Command::Output(asked) if asked.attempt.is_none())
}

/// The job of which a line asks for the output, as far as this console knows which one is meant: c2d is asked
/// about other names, and says itself where there is no such job.
fn viewed(model: &Model, command: &Command) -> Option<(JobId, Shown)> {
    let Command::Output(asked) = command else { return None };
    let mut jobs = model.cache.jobs.values().map(|job| &job.row);
    let job = match &asked.job {
        JobName::Id(id) => Some(*id),
        JobName::Last => jobs.next_back().map(|job| job.job_id),
        JobName::Named(name) => {
            let mut named = jobs.filter(|job| job.name.as_ref() == Some(name));
            named.next().filter(|_| named.next().is_none()).map(|job| job.job_id)
        }
    };
    job.filter(|_| is_viewed(command)).map(|job| (job, Shown::of(asked)))
}

fn run_next(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some(line) = model.runs.waiting.pop_front() {
        run(model, line, effects);
    }
}

/// Does something with rows, one after the other.
pub(super) fn rows(model: &mut Model, verb: RowVerb, names: &[String], effects: &mut Vec<Effect>) {
    // The next one is about other rows.
    if let Some((grid, _)) = model.grid_mut(model.focus) {
        grid.unmark_all();
    }
    let word = verb.word();
    let title = if let [name] = names { format!("{word} {name}") } else { format!("{word} {} rows", names.len()) };
    let lines = names.iter().map(|name| format!("{word} {name}"));
    all(model, title, verb.past(), lines, effects);
}

/// Runs lines whatever becomes of each, and counts them together.
pub(super) fn all(
    model: &mut Model,
    title: String,
    past: &'static str,
    lines: impl Iterator<Item = String>,
    effects: &mut Vec<Effect>,
) {
    let entered = |text: String| match command::parse(&text) {
        Ok(Verb::Command(command)) => Some(Entered { text, command }),
        Ok(Verb::Console(_)) | Err(_) => None,
    };
    let bulk = Bulk { past, ..Bulk::default() };
    let run = model.runs.begin(title, model.now.mono, Some(bulk));
    effects.push(Effect::ExecuteAll { run, lines: lines.filter_map(entered).collect() });
}

/// A line ended: its text goes into the result view.
pub(super) fn on_finished(model: &mut Model, run: RunId, report: &Report, effects: &mut Vec<Effect>) {
    if watch::on_finished(model, run, report) {
        return;
    }
    let Some(present) = model.runs.end(run) else { return };
    figures::ask_schedules_again(model);
    match report.opens {
        None if report.page.is_some() => {
            model.runs.note(model.now.wall_ms, present.line, report.status);
            report.page.iter().for_each(|(title, bytes)| pages::at_its_end(model, title.clone(), bytes));
        }
        Some((job, shown)) => {
            model.runs.note(model.now.wall_ms, present.line, report.status);
            output::open(model, job, shown, effects);
        }
        None => result::ended(model, present.line, report, &present.notes),
    }
    run_next(model, effects);
}

/// From this age on a command that still runs says aloud what it has to say: it may take long.
const ALOUD_MS: u64 = 1_000;
/// Notes that are shown with what came of a command.
const NOTES_MAX: usize = 100;

/// A command said something; it is shown with what comes of it.
pub(super) fn on_noted(model: &mut Model, run: RunId, line: &str) {
    let now = model.now;
    let Some(present) = model.runs.present.as_mut().filter(|present| present.run == run) else { return };
    let line = text::sanitize(line);
    if now.mono.since_ms(present.since) >= ALOUD_MS {
        model.toasts.say(Kind::Plain, line.clone(), now);
    }
    if present.notes.len() < NOTES_MAX && present.notes.last() != Some(&line) {
        present.notes.push(line);
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
            let notes = std::mem::take(&mut present.notes);
            model.runs.end(run);
            end_bulk(model, bulk, line, &notes);
            run_next(model, effects);
        }
    }
}

fn end_bulk(model: &mut Model, bulk: Bulk, line: String, notes: &[String]) {
    let Bulk { past, done, failed } = bulk;
    let status = i32::from(!failed.is_empty());
    model.runs.status = Some(status);
    let lines = failed.iter().flat_map(|(line, report)| std::iter::once(line.clone()).chain(result::lines_of(report)));
    let lines: Vec<String> = lines.chain(result::noted(notes)).collect();
    if failed.is_empty() {
        model.toasts.say(Kind::Good, format!("{past} {done}"), model.now);
    } else {
        model.toasts.say(Kind::Bad, format!("{past} {done}, failed {}", failed.len()), model.now);
    }
    if !lines.is_empty() {
        result::show(model, line, &lines, status);
    }
}
