//! The mouse: focus, select, open, wheel, heads, chips and hints.

use super::{act, focus, open, overlay, prompt};
use crate::app::Effect;
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::msg::{Gesture, Target};
use crate::app::page::Page;
use crate::app::table::Step;

pub(super) fn on_mouse(model: &mut Model, gesture: Gesture, target: Target, effects: &mut Vec<Effect>) {
    if let Gesture::Wheel(rows) = gesture {
        return wheel(model, target, rows);
    }
    if model.overlay.is_some() {
        return overlay::on_click(model, target, effects);
    }
    if !matches!(target, Target::Hint(_)) {
        model.proposal = None;
    }
    match target {
        Target::Nowhere => {}
        Target::Area(to) => focus::focus(model, to),
        Target::Row(to, at) => {
            focus::focus(model, to);
            if let Some((grid, _)) = model.grid_mut(to) {
                grid.go_to(at);
            }
            if gesture == Gesture::Double {
                open::open(model, effects);
            }
        }
        Target::Head(to, column) => {
            focus::focus(model, to);
            if let Some((grid, cache)) = model.grid_mut(to) {
                grid.sort_by(column, cache);
            }
        }
        Target::Chip(at) => act::choose_chip(model, at),
        Target::Hint(action) => act::carry_out(model, action, effects),
        Target::Span(at) => {
            focus::focus(model, Focus::Page);
            if let Some(Page::Timeline(timeline)) = model.pages.last_mut() {
                timeline.select(at);
            }
            if gesture == Gesture::Double {
                open::open(model, effects);
            }
        }
        Target::Choice(at) => prompt::choose(model, at),
        Target::Caret(cell) => {
            focus::focus(model, Focus::Line);
            model.line.menu = None;
            model.line.editor.caret_to_cell(cell.into());
        }
    }
}

fn wheel(model: &mut Model, target: Target, rows: i16) {
    if model.overlay.is_some() {
        let step = if rows < 0 { Step::Up } else { Step::Down };
        for _ in 0..rows.unsigned_abs() {
            overlay::step(model, step);
        }
        return;
    }
    let focus = match target {
        Target::Area(focus) | Target::Row(focus, _) | Target::Head(focus, _) => focus,
        Target::Span(_) => Focus::Page,
        _ => return,
    };
    if let Some((grid, _)) = model.grid_mut(focus) {
        grid.scroll(rows);
    } else if let (Focus::Page, Some(Page::Timeline(timeline))) = (focus, model.pages.last_mut()) {
        timeline.scroll(rows);
    } else if let Some(text) = model.pager_mut(focus) {
        text.scroll(rows);
    }
}
