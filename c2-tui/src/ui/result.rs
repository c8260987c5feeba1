//! The result of the last command, above the line.

use ratatui::text::Line;

use super::canvas::{Canvas, Titles, inner};
use super::pager;
use crate::app::focus::Focus;
use crate::app::layout::Area;
use crate::app::model::ResultView;
use crate::app::msg::Target;
use crate::app::pager::Pager;
use crate::app::table::Tone;
use crate::app::text;

/// What differs from plain reading, or how to read what has no room here.
fn foot(canvas: &Canvas<'_, '_>, text: &Pager, area: Area, focused: bool) -> Line<'static> {
    let state = pager::state(canvas, text, area, None);
    if focused || text.fits() || text.prompt().is_some() || state.width() > 0 {
        return state;
    }
    Line::from(canvas.span(" Shift-Tab reads on ".to_owned(), Tone::Dim))
}

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, result: &ResultView, area: Area) {
    let focused = canvas.model.focus == Focus::Result;
    canvas.hit(area, Target::Area(Focus::Result));
    let room = usize::from(area.width).saturating_sub(20);
    let title = text::cut_middle(&text::sanitize(&result.title), room, canvas.glyphs.cut);
    let (word, tone) = match result.status {
        0 => (format!(" {} ok ", canvas.glyphs.news[0]), Tone::Good),
        status => (format!(" {} exit {status} ", canvas.glyphs.news[1]), Tone::Bad),
    };
    let titles = Titles {
        left: Line::from(canvas.span(format!(" {title} "), if focused { Tone::Accent } else { Tone::Strong })),
        right: Line::from(canvas.span(word, tone)),
        foot: foot(canvas, &result.text, area, focused),
        foot_right: pager::place(canvas, &result.text),
    };
    if area.height == 1 {
        let end = canvas.put_line(area.x, area.y, area.width, &titles.left);
        canvas.put_line(end + 1, area.y, (area.x + area.width).saturating_sub(end + 1), &titles.right);
        return;
    }
    canvas.titled(area, &titles);
    pager::rows(canvas, inner(area), &result.text);
    pager::thumb(canvas, &result.text, area);
    pager::prompt(canvas, &result.text, area, focused);
}
