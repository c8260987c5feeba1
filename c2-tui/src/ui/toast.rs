//! Short messages at the lower right, above the `!>` line.

use super::canvas::Canvas;
use crate::app::table::Tone;
use crate::app::text;
use crate::app::toast::Kind;

/// Lines of a message on a narrow screen.
const LINES_MAX: usize = 3;

/// Draws the toasts, the latest lowest, above row `foot`.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, foot: u16) {
    let model = canvas.model;
    let width = usize::from(canvas.whole().width);
    let shown: Vec<_> = model.toasts.shown(model.now).collect();
    let mut row = 0;
    for toast in shown.into_iter().rev() {
        let (glyph, tone) = match toast.kind {
            Kind::Good => (canvas.glyphs.news[0], Tone::Good),
            Kind::Bad => (canvas.glyphs.news[1], Tone::Bad),
            Kind::Plain => (canvas.glyphs.news[2], Tone::Accent),
        };
        let style = canvas.tone(tone).add_modifier(ratatui::style::Modifier::REVERSED);
        let lines = lines(&toast.text, width.saturating_sub(6), canvas.glyphs.cut);
        let wide = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
        let x = u16::try_from(width.saturating_sub(wide + 5)).unwrap_or(0);
        for (at, line) in lines.iter().enumerate().rev() {
            row += 1;
            let sign = if at == 0 { glyph } else { " " };
            let said = format!(" {sign} {line:<wide$} ", wide = wide + line.chars().count() - text::width(line));
            if foot > row {
                canvas.put(x, foot - row, u16::try_from(wide + 4).unwrap_or(u16::MAX), &said, style);
            }
        }
    }
}

/// A message in lines of so many cells; the last of them is cut where they are too many.
fn lines(said: &str, room: usize, cut: &str) -> Vec<String> {
    let mut lines = text::wrapped(&text::sanitize(said), room);
    if lines.len() > LINES_MAX {
        let rest = lines.split_off(LINES_MAX - 1).join(" ");
        lines.push(rest);
    }
    lines.into_iter().map(|line| text::cut_end(&line, room, cut)).collect()
}
