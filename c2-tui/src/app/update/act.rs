//! Carrying out actions, wherever they came from: keys, hints, clicks.

use super::{ends, figures, filter, focus, leave, open, output, overlay, preview, prompt, rows, schedules, watch};
use crate::app::Effect;
use crate::app::finder::Kind as Listed;
use crate::app::focus::Focus;
use crate::app::keymap::Action;
use crate::app::layout;
use crate::app::line::Editor;
use crate::app::model::Model;
use crate::app::page::Page;
use crate::app::panes::jobs::CHIPS;
use crate::app::table::Step;
use crate::app::toast::Kind;

pub(super) fn carry_out(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    model.leaving = model.leaving.filter(|(key, _)| *key == action);
    if let Some(proposal) = model.proposal.take() {
        match action {
            Action::Accept => return overlay::answer(model, proposal.then, effects),
            Action::Dismiss | Action::Interrupt => return,
            _ => {}
        }
    }
    act(model, action, effects);
}

fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Interrupt => leave::interrupt(model, effects),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Repaint => effects.push(Effect::Repaint),
        Action::Quit => leave::quit(model, effects),
        Action::Retry => effects.push(Effect::RetryNow),
        Action::Palette => overlay::toggle(model, Listed::Everything),
        Action::Help => overlay::toggle(model, Listed::Keys),
        Action::Actions => overlay::toggle(model, Listed::Actions),
        Action::Mouse => toggle_mouse(model, effects),
        Action::Focus(pane) => focus::focus(model, Focus::Pane(pane)),
        Action::FocusNext => focus::focus_beside(model, 1),
        Action::FocusBack => focus::focus_beside(model, -1),
        Action::ToLine => focus::focus(model, Focus::Line),
        Action::Back => focus::back(model),
        Action::Leave => focus::leave(model),
        Action::Zoom => model.zoom = !model.zoom,
        Action::Grow => resize(model, 4),
        Action::Shrink => resize(model, -4),
        Action::Step(step) => move_by(model, step),
        Action::Open => open::open(model, effects),
        Action::Row(_)
        | Action::Why
        | Action::Follow
        | Action::EditAgain
        | Action::Assign
        | Action::Tags
        | Action::Notify
        | Action::Copy => rows::carry_out(model, action, effects),
        Action::Pager(command) => {
            if let Some(text) = model.pager_mut(model.focus) {
                text.command(command);
            }
        }
        Action::Preview => preview::toggle(model),
        Action::Failures => ends::show_failures(model),
        Action::List(_) | Action::Timeline | Action::Pass(_) => figures::carry_out(model, action),
        Action::SchedulePause | Action::ScheduleRun | Action::ScheduleRemove => {
            schedules::carry_out(model, action, effects);
        }
        Action::Details => open::details(model),
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
        | Action::Rub
        | Action::Yes
        | Action::No => on_text(model, action, effects),
    }
}

/// What is meant for the text that is being typed: a filter, a question, or the line.
fn on_text(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Edit(edit) if model.filtering.is_some() => filter::edit(model, |editor| editor.apply(edit)),
        Action::Accept | Action::Dismiss | Action::Yes | Action::No | Action::Rub if model.overlay.is_some() => {
            overlay::on_action(model, action, effects);
        }
        Action::Edit(_) | Action::Accept | Action::Dismiss if output::is_asked(model) => {
            output::on_prompt(model, action);
        }
        Action::Accept if model.filtering.is_some() => model.filtering = None,
        Action::Dismiss if model.filtering.is_some() => {
            filter::edit(model, |editor| editor.set(""));
            model.filtering = None;
        }
        Action::Yes | Action::No => {}
        _ => prompt::carry_out(model, action, effects),
    }
}

fn toggle_mouse(model: &mut Model, effects: &mut Vec<Effect>) {
    model.mouse = !model.mouse;
    effects.push(Effect::CaptureMouse(model.mouse));
    let text = if model.mouse { "the mouse works here" } else { "the mouse selects text, m gives it back" };
    model.toasts.say(Kind::Plain, text, model.now);
}

fn resize(model: &mut Model, percent: i16) {
    if let Focus::Pane(pane) = model.focus {
        model.sizes = layout::resized(model.sizes, pane, percent);
    }
}

fn move_by(model: &mut Model, step: Step) {
    if model.overlay.is_some() {
        overlay::step(model, step);
    } else if let Some((grid, _)) = model.grid_mut(model.focus) {
        grid.step(step);
    } else if let (Focus::Page, Some(Page::Timeline(timeline))) = (model.focus, model.pages.last_mut()) {
        timeline.step(step);
    } else if let Some(text) = model.pager_mut(model.focus) {
        text.step(step);
    }
}

fn on_table(model: &mut Model, action: Action) {
    let Some((grid, cache)) = model.grid_mut(model.focus) else { return };
    match action {
        Action::Mark => grid.toggle_mark(),
        Action::MarkStep(step) => grid.mark_and_step(step),
        Action::MarkAll => grid.mark_all(),
        Action::Unmark => grid.unmark_all(),
        Action::SortNext => grid.sort_beside(1, cache),
        Action::SortBack => grid.sort_beside(-1, cache),
        Action::SortTurn => grid.sort_turned(cache),
        _ => {
            // A filter that is there stays until another one is typed.
            model.filtering = Some(Editor::default());
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
        model.panes.jobs.set_scope(scope.clone(), &model.cache);
    }
}
