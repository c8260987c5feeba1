//! Carrying out actions, wherever they came from: keys, hints, clicks.

use c2_shared::id::JobId;

use super::{input, leave, open, output, prompt, run, watch};
use crate::app::Effect;
use crate::app::keymap::Action;
use crate::app::line::Editor;
use crate::app::model::{Focus, Model};
use crate::app::overlay::{Overlay, Question};
use crate::app::panes::Pane;
use crate::app::panes::jobs::CHIPS;
use crate::app::table::Step;
use crate::app::toast::Kind;
use crate::command::job::Job;
use crate::command::job_name::JobName;
use crate::command::{Command, Entered};

/// Titles named in a question; the rest are counted.
const TITLES_MAX: usize = 8;

pub(super) fn carry_out(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    model.leaving = model.leaving.filter(|(key, _)| *key == action);
    match action {
        Action::Interrupt => leave::interrupt(model, effects),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Repaint => effects.push(Effect::Repaint),
        Action::Quit => leave::quit(model, effects),
        Action::Retry => effects.push(Effect::RetryNow),
        Action::Palette => model.overlay = Some(Overlay::Palette { needle: String::new(), at: 0 }),
        Action::Help => toggle_help(model),
        Action::Mouse => toggle_mouse(model, effects),
        Action::Focus(pane) => focus(model, Focus::Pane(pane)),
        Action::FocusNext => focus_beside(model, 1),
        Action::FocusBack => focus_beside(model, -1),
        Action::ToLine => focus(model, Focus::Line),
        Action::Back => back(model),
        Action::Zoom => model.zoom = !model.zoom,
        Action::Grow => resize(model, 4),
        Action::Shrink => resize(model, -4),
        Action::Step(step) => move_by(model, step),
        Action::Open => open::open(model, effects),
        Action::Cancel => cancel(model),
        Action::Why => why(model, effects),
        Action::Copy => copy(model, effects),
        Action::Pager(command) => {
            if let Some(text) = model.pager_mut(model.focus) {
                text.command(command);
            }
        }
        Action::Fold => watch::fold(model),
        Action::Stream => output::other_stream(model, effects),
        Action::Beside(places) => output::beside(model, places, effects),
        Action::Chip => next_chip(model),
        Action::Filter
        | Action::Mark
        | Action::MarkStep(_)
        | Action::MarkAll
        | Action::Unmark
        | Action::SortNext
        | Action::SortBack
        | Action::SortTurn => on_table(model, action),
        Action::Edit(edit) if model.filtering.is_some() => input::edit_filter(model, |editor| editor.apply(edit)),
        Action::Accept | Action::Dismiss | Action::Yes | Action::No | Action::Rub | Action::Next | Action::Previous
            if model.overlay.is_some() =>
        {
            on_overlay(model, action, effects);
        }
        Action::Edit(_) | Action::Accept | Action::Dismiss if output::is_asked(model) => {
            output::on_prompt(model, action);
        }
        Action::Accept if model.filtering.is_some() => model.filtering = None,
        Action::Dismiss if model.filtering.is_some() => {
            input::edit_filter(model, |editor| editor.set(""));
            model.filtering = None;
        }
        Action::Edit(_)
        | Action::RightOrAccept
        | Action::DeleteOrQuit
        | Action::Accept
        | Action::Complete
        | Action::Older
        | Action::Newer
        | Action::Search
        | Action::TakeIntoLine
        | Action::Previous
        | Action::Next
        | Action::Dismiss
        | Action::Rub => prompt::carry_out(model, action, effects),
        Action::Yes | Action::No => {}
    }
}

fn toggle_help(model: &mut Model) {
    model.overlay = match model.overlay {
        Some(Overlay::Help { .. }) => None,
        _ => Some(Overlay::help(&model.contexts())),
    };
}

fn toggle_mouse(model: &mut Model, effects: &mut Vec<Effect>) {
    model.mouse = !model.mouse;
    effects.push(Effect::CaptureMouse(model.mouse));
    let text = if model.mouse { "the mouse works here" } else { "the mouse selects text, m gives it back" };
    model.toasts.say(Kind::Plain, text, model.now);
}

/// Gives the keys to a part.
pub(super) fn focus(model: &mut Model, to: Focus) {
    model.filtering = None;
    model.overlay = None;
    if let Some((grid, _)) = model.grid_mut(model.focus) {
        grid.rest();
    }
    if let Focus::Pane(pane) = to {
        // The panes lie below the pages, so whoever goes to one leaves the pages.
        watch::leave_pages(model);
        model.pane = pane;
    }
    model.focus = to;
    if to == Focus::Line {
        model.zoom = false;
    }
    if let Some((grid, _)) = model.grid_mut(to) {
        grid.wake();
    }
}

fn focus_beside(model: &mut Model, places: isize) {
    let mut parts = vec![Focus::Line];
    if model.pages.is_empty() {
        parts.extend(Pane::ALL.map(Focus::Pane));
    } else {
        parts.push(Focus::Page);
    }
    if model.result.is_some() {
        parts.push(Focus::Result);
    }
    let at = parts.iter().position(|p| *p == model.focus).unwrap_or(0);
    let next = (at + parts.len()).saturating_add_signed(places) % parts.len();
    focus(model, parts[next]);
}

/// One step out: of the help, a page, the zoom, a filter, a result, and at last to the line.
fn back(model: &mut Model) {
    if model.overlay.take().is_some() {
        return;
    }
    match model.focus {
        Focus::Page => {
            let from = watch::leave_page(model);
            focus(model, from.unwrap_or(Focus::Line));
        }
        Focus::Result => {
            model.result = None;
            focus(model, Focus::Line);
        }
        Focus::Pane(_) if model.zoom => model.zoom = false,
        Focus::Pane(_) => {
            let filtered = model.grid_mut(model.focus).filter(|(grid, _)| !grid.filter_text().is_empty());
            match filtered {
                Some((grid, store)) => grid.set_filter("", store),
                None => focus(model, Focus::Line),
            }
        }
        Focus::Line => {}
    }
}

fn resize(model: &mut Model, percent: i16) {
    match model.focus {
        Focus::Pane(Pane::Workers) => model.sizes.top += percent,
        Focus::Pane(Pane::Jobs) => model.sizes.side += percent,
        Focus::Pane(Pane::Queue) => model.sizes.foot += percent,
        Focus::Pane(Pane::Log) => model.sizes.side -= percent,
        Focus::Line | Focus::Page | Focus::Result => {}
    }
    model.sizes = model.sizes.within_bounds();
}

fn move_by(model: &mut Model, step: Step) {
    if let Some(Overlay::Help { entries, top }) = &mut model.overlay {
        *top = step.from(*top, entries.len(), usize::from(model.size.1).saturating_sub(4));
    } else if let Some((grid, _)) = model.grid_mut(model.focus) {
        grid.step(step);
    } else if let Some(text) = model.pager_mut(model.focus) {
        text.step(step);
    }
}

fn on_table(model: &mut Model, action: Action) {
    let Some((grid, store)) = model.grid_mut(model.focus) else { return };
    match action {
        Action::Mark => grid.toggle_mark(),
        Action::MarkStep(step) => grid.mark_and_step(step),
        Action::MarkAll => grid.mark_all(),
        Action::Unmark => grid.unmark_all(),
        Action::SortNext => grid.sort_beside(1, store),
        Action::SortBack => grid.sort_beside(-1, store),
        Action::SortTurn => grid.sort_turned(store),
        _ => {
            let mut editor = Editor::default();
            editor.insert(grid.filter_text());
            model.filtering = Some(editor);
        }
    }
}

fn next_chip(model: &mut Model) {
    let at = CHIPS.iter().position(|(_, scope)| scope == model.panes.jobs.scope()).unwrap_or(0);
    choose_chip(model, (at + 1) % CHIPS.len());
}

/// Shows another kind of jobs.
pub(super) fn choose_chip(model: &mut Model, at: usize) {
    if let Some((_, scope)) = CHIPS.get(at) {
        model.panes.jobs.set_scope(*scope, &model.store);
    }
}

fn cancel(model: &mut Model) {
    if model.settings.readonly {
        return model.toasts.say(Kind::Bad, "this console is read-only", model.now);
    }
    let alive = |id: &JobId| model.store.jobs.get(id).is_some_and(|j| !j.row.state.is_terminal());
    let jobs: Vec<JobId> = model.chosen_jobs().into_iter().filter(alive).collect();
    if jobs.is_empty() {
        return model.toasts.say(Kind::Plain, "no job here that could be cancelled", model.now);
    }
    let title = |id: &JobId| model.store.jobs.get(id).map(|j| format!("{id}  {}  {}", j.row.state, j.title));
    let mut titles: Vec<String> = jobs.iter().take(TITLES_MAX).filter_map(title).collect();
    if jobs.len() > TITLES_MAX {
        titles.push(format!("and {} more", jobs.len() - TITLES_MAX));
    }
    model.overlay = Some(Overlay::Question(Question::cancel(jobs, titles)));
}

/// About the row, not the marks: an explanation is read one at a time.
fn why(model: &mut Model, effects: &mut Vec<Effect>) {
    let selected = match model.focus {
        Focus::Pane(Pane::Jobs) => model.panes.jobs.selected(),
        Focus::Pane(Pane::Log) => model.panes.log.selected(),
        _ => model.chosen_jobs().first().copied(),
    };
    match selected {
        Some(job) => {
            let command = Command::Why(Job { job: JobName::Id(job) });
            run::run(model, Entered { text: format!("why {job}"), command }, effects);
        }
        None => model.toasts.say(Kind::Plain, "no job is selected", model.now),
    }
}

fn copy(model: &mut Model, effects: &mut Vec<Effect>) {
    let jobs = model.chosen_jobs();
    let text = if let Some(ip) = model.chosen_worker() {
        ip.to_string()
    } else {
        jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    if !text.is_empty() {
        effects.push(Effect::Copy(text));
        model.toasts.say(Kind::Good, "copied", model.now);
    }
}

fn on_overlay(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match model.overlay.take() {
        Some(Overlay::Question(mut question)) => match action {
            Action::Yes if question.count.is_none() => run::answer(model, question.then, effects),
            Action::Accept if question.is_confirmed() => run::answer(model, question.then, effects),
            Action::Rub => {
                question.typed.pop();
                model.overlay = Some(Overlay::Question(question));
            }
            Action::Yes => model.overlay = Some(Overlay::Question(question)),
            _ => {}
        },
        Some(Overlay::Palette { needle, at }) => prompt::on_palette(model, action, needle, at),
        other => model.overlay = other,
    }
}
