//! Short messages at the lower right, above the `!>` line.

use super::canvas::Canvas;
use crate::app::table::Tone;
use crate::app::text;
use crate::app::toast::Kind;

/// Draws the toasts, the latest lowest, above row `foot`.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, foot: u16) {
    let model = canvas.model;
    let width = usize::from(canvas.whole().width);
    let shown: Vec<_> = model.toasts.shown(model.now).collect();
    for (toast, row) in shown.into_iter().rev().zip(1..) {
        let (glyph, tone) = match toast.kind {
            Kind::Good => (canvas.glyphs.news[0], Tone::Good),
            Kind::Bad => (canvas.glyphs.news[1], Tone::Bad),
            Kind::Plain => (canvas.glyphs.news[2], Tone::Accent),
        };
        let room = width.saturating_sub(6);
        let said = format!(" {glyph} {} ", text::cut_end(&text::sanitize(&toast.text), room, canvas.glyphs.cut));
        let wide = text::width(&said);
        let x = u16::try_from(width.saturating_sub(wide + 1)).unwrap_or(0);
        let style = canvas.tone(tone).add_modifier(ratatui::style::Modifier::REVERSED);
        if foot > row {
            canvas.put(x, foot - row, u16::try_from(wide).unwrap_or(u16::MAX), &said, style);
        }
    }
}
