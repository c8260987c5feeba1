//! The result of the last command: what came of a line, or why it is not run.

use crate::app::focus::Focus;
use crate::app::model::{Model, ResultView};
use crate::app::pager::Pager;
use crate::app::report::Report;
use crate::app::text;
use crate::command::{CommandError, Kind};
use crate::exit;

/// Shows why a line is not run.
pub(super) fn refuse(model: &mut Model, line: String, error: CommandError) {
    let report = Report { status: exit::status(error.kind), fault: Some(error.into()), ..Report::default() };
    ended(model, line, &report, &[]);
}

/// Keeps what came of a line, and shows its text.
pub(super) fn ended(model: &mut Model, line: String, report: &Report, notes: &[String]) {
    model.runs.status = Some(report.status);
    model.runs.note(model.now.wall_ms, line.clone(), report.status);
    let lines: Vec<String> = lines_of(report).into_iter().chain(noted(notes)).collect();
    if let Some(pasted) = model.runs.pasted.as_mut().filter(|pasted| pasted.count > 1) {
        // What came of one does not take the place of what came of another.
        if report.status != 0 {
            pasted.failed += 1;
            pasted.status = report.status;
        }
        pasted.said.push(format!("\x1b[1m{}", text::sanitize(&line)));
        pasted.said.extend(lines);
        let (title, said, status) = (format!("{} lines", pasted.count), pasted.said.clone(), pasted.status);
        model.runs.status = Some(status);
        show(model, title, &said, status);
    } else if !lines.is_empty() {
        show(model, line, &lines, report.status);
    }
}

/// Puts lines into the result view.
pub(super) fn show(model: &mut Model, title: String, lines: &[String], status: i32) {
    let mut text = Pager::of_lines(lines);
    text.wrap_lines();
    let mut result = ResultView { title, text, rows: 0, status, is_folded: false };
    result.measure(model.size.0);
    model.result = Some(result);
}

/// There is a connection: a result that only says there is none goes.
pub(super) fn cured(model: &mut Model) {
    let about_connection = [Kind::Unreachable, Kind::Unauthorized].map(exit::status);
    if model.result.as_ref().is_some_and(|result| about_connection.contains(&result.status)) {
        close(model);
        model.runs.status = None;
    }
}

pub(super) fn close(model: &mut Model) {
    model.result = None;
    if model.focus == Focus::Result {
        model.focus = Focus::Line;
    }
}

/// What a command said meanwhile, below what came of it.
pub(super) fn noted(notes: &[String]) -> impl Iterator<Item = String> {
    notes.iter().map(|note| format!("\x1b[33mnote: {note}"))
}

pub(super) fn lines_of(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report.text.lines().map(str::to_owned).collect();
    if let Some(fault) = &report.fault {
        lines.extend(text::lines(&fault.message));
        lines.extend(fault.hint.iter().map(|hint| format!("\x1b[2mhint: {}", text::sanitize(hint))));
    }
    lines
}
