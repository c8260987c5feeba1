//! The last step of each update: tables and texts fit the screen, and texts go on with their work.

use crate::app::focus::Focus;
use crate::app::layout;
use crate::app::model::Model;
use crate::app::page::Page;
use crate::app::pager::Pager;

/// Fits tables and texts into the present screen, and lets texts go on with their work, after
/// whatever happened.
pub(super) fn fit(model: &mut Model) {
    let screen = layout::screen(model);
    for &(pane, area) in &screen.panes {
        let taken = 3 + pane.view().head_rows(area.height) + layout::pane_foot(model, &screen, area);
        let rows = usize::from(area.height.saturating_sub(taken));
        if let Some((grid, _)) = model.grid_mut(Focus::Pane(pane)) {
            grid.set_height(rows);
        }
    }
    if let (Some(area), Some(result)) = (screen.result, &mut model.result) {
        let inside = layout::text_size(area, 0);
        result.text.set_size(inside.0, inside.1);
    }
    let head = screen.page.zip(model.pages.last()).map_or(0, |(area, page)| layout::page_head(model, page, area));
    if let (Some(area), Some(page)) = (screen.page, model.pages.last_mut()) {
        let inside = layout::text_size(area, head);
        let rows = inside.1.saturating_sub(1);
        if let Page::Timeline(timeline) = page {
            timeline.fit(area.width.saturating_sub(2).into(), rows, model.now.mono);
        } else if let Some(grid) = page.grid_mut() {
            grid.set_height(rows);
        } else if let Some(text) = page.text_mut() {
            text.set_size(inside.0, inside.1);
        }
    }
    let previewed = model.preview.as_mut().and_then(|preview| preview.live.as_mut()).map(|live| &mut live.text);
    let mut previewed = previewed;
    if let (Some(area), Some(text)) = (screen.preview, &mut previewed) {
        let inside = layout::text_size(area, 0);
        text.set_size(inside.0, inside.1);
    }
    // Also those without an area, which would otherwise ask for time for ever.
    let result = model.result.as_mut().map(|result| &mut result.text);
    let paged = model.pages.last_mut().and_then(Page::text_mut);
    result.into_iter().chain(paged).chain(previewed).for_each(Pager::settle);
}
