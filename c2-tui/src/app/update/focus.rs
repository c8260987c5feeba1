//! Which part has the keys: going to one, to the next, and one step out.

use super::pages;
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::pager::Pager;
use crate::app::panes::Pane;

/// Gives the keys to a part.
pub(super) fn focus(model: &mut Model, to: Focus) {
    model.filtering = None;
    model.overlay = None;
    if let Some((grid, _)) = model.grid_mut(model.focus) {
        grid.rest();
    }
    if let Focus::Pane(pane) = to {
        // The panes lie below the pages, so whoever goes to one leaves the pages.
        pages::leave_pages(model);
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

/// Gives the keys to the part so many places away.
pub(super) fn focus_beside(model: &mut Model, places: isize) {
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

/// One step out: of the help, the zoom of a pane, a filter, a page, a result, and at last to the line.
pub(super) fn back(model: &mut Model) {
    let is_zoomed = model.zoom && matches!(model.focus, Focus::Pane(_));
    if model.overlay.is_some() || is_zoomed || !takes_filter_away(model) {
        leave(model);
    }
}

/// The same, with its filter.
pub(super) fn leave(model: &mut Model) {
    if model.overlay.take().is_some() {
        return;
    }
    match model.focus {
        Focus::Page => {
            let from = pages::leave_page(model);
            focus(model, from.unwrap_or(Focus::Line));
        }
        Focus::Result => {
            model.result = None;
            focus(model, Focus::Line);
        }
        Focus::Pane(_) if model.zoom => model.zoom = false,
        Focus::Pane(_) => focus(model, Focus::Line),
        Focus::Line => {}
    }
}

/// Shows everything again where the keys are; false where nothing was filtered.
fn takes_filter_away(model: &mut Model) -> bool {
    if model.focus == Focus::Line {
        return false;
    }
    match model.grid_mut(model.focus).filter(|(grid, _)| !grid.filter().text().is_empty()) {
        Some((grid, cache)) => {
            grid.set_filter("", cache);
            true
        }
        None => model.pager_mut(model.focus).is_some_and(Pager::unfilter),
    }
}
