//! Running lines, and what comes back of them.

use super::{result, watch};
use crate::app::Effect;
use crate::app::model::Model;
use crate::app::report::{Report, RunId};
use crate::app::row_verb::RowVerb;
use crate::app::runs::Bulk;
use crate::app::toast::Kind;
use crate::command::{self, Entered, Verb};

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
    result::ended(model, present.line, report);
    run_next(model, effects);
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
    let Bulk { past, done, failed } = bulk;
    model.runs.status = Some(i32::from(!failed.is_empty()));
    if failed.is_empty() {
        return model.toasts.say(Kind::Good, format!("{past} {done}"), model.now);
    }
    model.toasts.say(Kind::Bad, format!("{past} {done}, failed {}", failed.len()), model.now);
    let lines = failed.iter().flat_map(|(line, report)| std::iter::once(line.clone()).chain(result::lines_of(report)));
    let lines: Vec<String> = lines.collect();
    result::show(model, line, &lines, 1);
}
