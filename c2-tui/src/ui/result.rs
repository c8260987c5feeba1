//! Text that scrolls in a box: results, pages, outputs.

use ratatui::text::Line;

use super::canvas::{Canvas, Titles, inner};
use crate::app::layout::Area;
use crate::app::model::{Focus, ResultView};
use crate::app::msg::Target;
use crate::app::pager::Pager;
use crate::app::table::Tone;
use crate::app::text;

/// Draws the result of the last command.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, result: &ResultView, area: Area) {
    let focused = canvas.model.focus == Focus::Result;
    canvas.blank(area);
    canvas.hit(area, Target::Area(Focus::Result));
    let room = usize::from(area.width).saturating_sub(20);
    let title = text::cut_middle(&text::tame(&result.title), room, canvas.glyphs.cut);
    let (word, tone) = match result.status {
        0 => (format!(" {} ok ", canvas.glyphs.news[0]), Tone::Good),
        status => (format!(" {} exit {status} ", canvas.glyphs.news[1]), Tone::Bad),
    };
    let titles = Titles {
        left: Line::from(canvas.span(format!(" {title} "), if focused { Tone::Accent } else { Tone::Strong })),
        right: Line::from(canvas.span(word, tone)),
        foot: Line::default(),
        foot_right: place(canvas, &result.text),
    };
    canvas.framed(area, focused, titles);
    lines(canvas, inner(area), &result.text);
    canvas.scrollbar(area, result.text.top(), result.text.height(), result.text.lines().len());
}

/// The lines that are in sight.
pub(super) fn lines(canvas: &mut Canvas<'_, '_>, area: Area, pager: &Pager) {
    for (line, y) in pager.visible().iter().zip(area.y..area.y + area.height) {
        let hidden = text::head(line, pager.left());
        let tone = if line.starts_with("hint: ") { Tone::Dim } else { Tone::Plain };
        canvas.put(area.x + 1, y, area.width.saturating_sub(2), &line[hidden.len()..], canvas.tone(tone));
    }
}

/// Which of the lines are in sight.
pub(super) fn place(canvas: &Canvas<'_, '_>, pager: &Pager) -> Line<'static> {
    if pager.fits() {
        return Line::default();
    }
    let (all, last) = (pager.lines().len(), pager.top() + pager.visible().len());
    let end = if last == all { " (END)" } else { "" };
    Line::from(canvas.span(format!(" {}-{last}/{all}{end} ", pager.top() + 1), Tone::Dim))
}
