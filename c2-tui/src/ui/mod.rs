//! Drawing: a `&Model` becomes one frame, and the map of what lies where for the mouse.
//!
//! Views never change anything and build only the rows that can be seen. The areas come from
//! [`crate::app::layout`], so that `update` scrolls by what is really there.

mod canvas;
mod hit;
mod theme;

mod below;
mod header;
mod line;
mod overlay;
mod page;
mod pager;
mod pane;
mod preview;
mod queue;
mod result;
mod table;
mod timeline;
mod toast;

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::style::{Color, Modifier};

use crate::app::Model;
use crate::app::focus::Focus;
use crate::app::layout::{self, Area, Screen};
use crate::app::model::Link;
use crate::ui::canvas::Canvas;

pub(crate) use header::title;
pub(crate) use hit::HitMap;

/// Draws everything.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) -> HitMap {
    let size = frame.area();
    let mut canvas = Canvas::new(model, frame);
    if layout::too_small(size.width, size.height) {
        too_small(&mut canvas);
        return canvas.into_hits();
    }
    // A frame of another size than was told would be torn; the next one fits.
    if (size.width, size.height) != model.size {
        return canvas.into_hits();
    }
    let screen = layout::screen(model);
    if let Some(area) = screen.header {
        header::draw(&mut canvas, area);
    }
    if let (Some(area), Some(trouble)) = (screen.trouble, model.trouble()) {
        header::trouble(&mut canvas, area, &trouble);
    }
    frames(&mut canvas, &screen);
    for (pane, area) in &screen.panes {
        pane::draw(&mut canvas, &screen, *pane, *area);
    }
    if let Some(area) = screen.tabs {
        pane::tabs(&mut canvas, area);
    }
    if let (Some(area), Some(page)) = (screen.page, model.pages.last()) {
        page::draw(&mut canvas, page, area);
    }
    if let (Some(area), Some(preview)) = (screen.preview, &model.preview) {
        preview::draw(&mut canvas, preview, area, !screen.is_over_another(area));
    }
    if model.cache.heard_ms.is_some() && matches!(model.link, Link::Down { .. } | Link::Silent { .. }) {
        screen
            .panes
            .iter()
            .map(|(_, area)| *area)
            .chain(screen.page)
            .chain(screen.preview)
            .for_each(|area| canvas.dim(area));
    }
    if let (Some(area), Some(result)) = (screen.result, &model.result) {
        result::draw(&mut canvas, result, area);
    }
    line::draw(&mut canvas, screen.line);
    if let Some(area) = screen.below {
        below::draw(&mut canvas, area);
    }
    toast::draw(&mut canvas, screen.line.y);
    if let (Some(menu), Focus::Line, None) = (&model.line.menu, model.focus, &model.overlay) {
        overlay::menu(&mut canvas, menu, screen.line);
    }
    if let Some(over) = &model.overlay {
        overlay::draw(&mut canvas, over);
    }
    if model.settings.no_color {
        canvas.strip_colours();
    }
    canvas.into_hits()
}

/// All borders, before anything is written on them. The box that has the focus comes last, so that lines
/// which it shares are its own.
fn frames(canvas: &mut Canvas<'_, '_>, screen: &Screen) {
    let panes = screen.panes.iter().map(|(pane, area)| (Some(Focus::Pane(*pane)), *area));
    let others = [(Some(Focus::Page), screen.page), (None, screen.preview), (Some(Focus::Result), screen.result)];
    let others = others.into_iter().filter_map(|(focus, area)| Some((focus, area?)));
    let boxes: Vec<_> = panes.chain(others).filter(|(_, area)| area.height > 1).collect();
    let has_focus = |focus: Option<Focus>| focus == Some(canvas.model.focus);
    let (focused, rest): (Vec<_>, Vec<_>) = boxes.into_iter().partition(|(focus, _)| has_focus(*focus));
    rest.into_iter().for_each(|(_, area)| canvas.frame(area, false));
    focused.into_iter().for_each(|(_, area)| canvas.frame(area, true));
}

fn too_small(canvas: &mut Canvas<'_, '_>) {
    let (width, height) = layout::TINY;
    let area = canvas.whole();
    let text = format!("C2 needs {width}x{height}");
    canvas.put(area.x, area.y + area.height / 2, area.width, &text, canvas.theme.base);
}

impl Canvas<'_, '_> {
    /// Takes weight away from an area: what it shows is no longer fresh.
    fn dim(&mut self, area: Area) {
        self.each_cell(area, |cell| {
            cell.modifier.insert(Modifier::DIM);
            cell.modifier.remove(Modifier::BOLD);
        });
    }

    /// For NO_COLOR: bold and reverse stay, colours go.
    fn strip_colours(&mut self) {
        self.each_cell(self.whole(), |cell| {
            cell.fg = Color::Reset;
            cell.bg = Color::Reset;
        });
    }
}
