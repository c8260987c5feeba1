//! The `!>` line: the prompt with what runs and how the last command ended, the text in colours,
//! the suggestion behind it, and the real cursor.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line as Text, Span};

use super::canvas::Canvas;
use crate::app::focus::Focus;
use crate::app::layout::Area;
use crate::app::line::{Advice, Search, advise};
use crate::app::model::SPINNER_MS;
use crate::app::msg::Target;
use crate::app::panes::short_span;
use crate::app::table::Tone;
use crate::app::text;
use crate::command::scan;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Area) {
    canvas.hit(area, Target::Area(Focus::Line));
    let model = canvas.model;
    let focused = model.focus == Focus::Line;
    let prompt = match &model.line.search {
        Some(search) => search_prompt(canvas, search),
        None => prompt(canvas, focused),
    };
    let start = canvas.put_line(area.x, area.y, area.width, &prompt);
    let room = usize::from((area.x + area.width).saturating_sub(start));
    let editor = &model.line.editor;
    if room < 2 {
        return;
    }
    // The line moves sideways by half a screen, so that it does not crawl with every key.
    let caret = editor.caret_cell();
    let step = (room / 2).max(1);
    let skipped = if caret < room { 0 } else { (caret + 1 - room).div_ceil(step) * step };
    let pieces = coloured(canvas, editor.text());
    let end = put_pieces(canvas, &pieces, skipped, start, area.y, room);
    if let Some(ghost) = model.line.ghost().filter(|_| focused) {
        let left = (area.x + area.width).saturating_sub(end);
        let shown = text::cut_end(ghost, left.into(), canvas.glyphs.cut);
        canvas.put(end, area.y, left, &shown, canvas.tone(Tone::Dim));
    }
    let text_area = Area { x: start, width: area.width - (start - area.x), ..area };
    canvas.hit(text_area, Target::Caret(0));
    if focused && model.overlay.is_none() {
        canvas.cursor(start + u16::try_from(caret - skipped).unwrap_or(0), area.y);
    }
}

/// `!>`, and in front of it what runs or the status with which the last command failed.
fn prompt(canvas: &Canvas<'_, '_>, focused: bool) -> Text<'static> {
    let model = canvas.model;
    let mut line = Text::default();
    if let Some(ms) = model.running_ms() {
        let frames = canvas.glyphs.spinner;
        let frame = usize::try_from(ms / SPINNER_MS).unwrap_or(0) % frames.len();
        let waiting = model.runs.waiting.len();
        let behind = if waiting > 0 { format!(" +{waiting}") } else { String::new() };
        line.push_span(canvas.span(format!("{} {}{behind} ", frames[frame], short_span(ms)), Tone::Busy));
    } else if let Some(status) = model.runs.status.filter(|s| *s != 0) {
        line.push_span(canvas.span(format!("{} {status} ", canvas.glyphs.news[1]), Tone::Bad));
    }
    line.push_span(canvas.span("!> ", if focused { Tone::Accent } else { Tone::Dim }));
    line
}

fn search_prompt(canvas: &Canvas<'_, '_>, search: &Search) -> Text<'static> {
    let missing = search.is_missing;
    let tone = if missing { Tone::Bad } else { Tone::Strong };
    let word = if missing { "not found " } else { "search " };
    let needle = text::tail(&search.needle, 20).to_owned();
    Text::from(vec![canvas.span(word, Tone::Accent), canvas.span(needle, tone), canvas.span(": ", Tone::Dim)])
}

/// The text in pieces: the command, quoted words, flags and the rest.
fn coloured<'t>(canvas: &Canvas<'_, '_>, line: &'t str) -> Vec<Span<'t>> {
    let unknown = matches!(advise(line), Some(Advice::Unknown { .. }));
    let mut pieces = Vec::new();
    let mut at = 0;
    let (words, open) = scan(line);
    for (index, word) in words.iter().enumerate() {
        pieces.push(Span::styled(&line[at..word.span.start], canvas.theme.base));
        let written = &line[word.span.clone()];
        let is_open = open.is_some() && index + 1 == words.len();
        pieces.push(Span::styled(written, look(canvas, written, is_open, index, unknown)));
        at = word.span.end;
    }
    pieces.push(Span::styled(&line[at..], canvas.theme.base));
    pieces
}

fn look(canvas: &Canvas<'_, '_>, written: &str, is_open: bool, index: usize, unknown: bool) -> Style {
    if is_open {
        canvas.tone(Tone::Warn).add_modifier(Modifier::UNDERLINED)
    } else if index == 0 && unknown {
        canvas.tone(Tone::Bad).add_modifier(Modifier::UNDERLINED)
    } else if index == 0 {
        canvas.tone(Tone::Strong)
    } else if written.starts_with('-') {
        canvas.tone(Tone::Busy)
    } else if written.starts_with(['"', '\'']) {
        canvas.tone(Tone::Good)
    } else {
        canvas.theme.base
    }
}

/// Writes pieces from the cell `skipped` on; answers the column behind them.
fn put_pieces(
    canvas: &mut Canvas<'_, '_>,
    pieces: &[Span<'_>],
    mut skipped: usize,
    x: u16,
    y: u16,
    room: usize,
) -> u16 {
    let (mut x, mut room) = (x, room);
    for piece in pieces {
        let hidden = text::head(&piece.content, skipped);
        let rest = &piece.content[hidden.len()..];
        skipped = skipped.saturating_sub(text::width(&piece.content));
        let shown = text::head(rest, room);
        let width = text::width(shown);
        canvas.put(x, y, u16::try_from(room).unwrap_or(u16::MAX), shown, piece.style);
        x += u16::try_from(width).unwrap_or(0);
        room -= width;
    }
    x
}
