//! Taking back what letters changed on the screen that turned out to be a word.

use super::pages;
use crate::app::Effect;
use crate::app::live::Preview;
use crate::app::model::Model;
use crate::app::panes::Pane;

/// As it was before the first letter. What was only looked at, such as the row that is selected, stays.
pub(super) fn undo(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(before) = model.undo.take() else { return };
    (model.overlay, model.editing) = (None, None);
    while model.pages.len() > before.pages {
        if let Some(from) = pages::leave_page(model) {
            model.focus = from;
        }
    }
    if let Some(begun) = model.runs.present.take_if(|present| present.run > before.run) {
        effects.push(Effect::Abort(begun.run));
    }
    if !before.has_result {
        model.result = None;
    }
    if model.mouse != before.mouse {
        model.mouse = before.mouse;
        effects.push(Effect::CaptureMouse(before.mouse));
    }
    if model.preview.is_some() != before.has_preview {
        model.preview = before.has_preview.then(Preview::default);
    }
    (model.zoom, model.watched) = (before.zoom, before.watched);
    if *model.panes.jobs.scope() != before.scope {
        model.panes.jobs.set_scope(before.scope, &model.cache);
    }
    for (pane, sort) in Pane::ALL.into_iter().zip(before.sorts) {
        let grid = model.panes.grid_mut(pane);
        if grid.sort() != sort {
            grid.set_sort(sort, &model.cache);
        }
    }
}
