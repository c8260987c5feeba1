//! Text that scrolls in a box: its rows with their colours and what was searched for, its place,
//! and the line below it.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::app::layout::Area;
use crate::app::live::Live;
use crate::app::pager::{Ink, Look, Mark, Pager};
use crate::app::panes::log::clock;
use crate::app::panes::short_span;
use crate::app::table::Tone;
use crate::app::text;

/// Draws the rows that are in sight.
pub(super) fn rows(canvas: &mut Canvas<'_, '_>, area: Area, pager: &Pager) {
    let (times, numbers) = pager.gutter();
    let width = area.width.saturating_sub(2);
    for (row, y) in pager.rows().iter().zip(area.y..area.y + area.height) {
        let mut x = area.x + 1;
        if let Some(ms) = row.arrived_ms.filter(|_| times > 0 && row.first) {
            let time = clock(ms, canvas.model.settings.utc_offset_s);
            canvas.put(x, y, width, &time, canvas.tone(Tone::Dim));
        }
        x += u16::try_from(times).unwrap_or(0);
        if let Some(number) = row.number.filter(|_| numbers > 0 && row.first) {
            let number = format!("{:>width$}", pager.line_label(number), width = numbers - 1);
            canvas.put(x, y, width, &number, canvas.tone(Tone::Dim));
        }
        x += u16::try_from(numbers).unwrap_or(0);
        for piece in &row.pieces {
            let at = x.saturating_add(u16::try_from(piece.at).unwrap_or(u16::MAX));
            let style = style(canvas, piece.look, piece.mark, row.aside);
            canvas.put(at, y, (area.x + area.width).saturating_sub(at), &piece.text, style);
        }
    }
}

fn style(canvas: &Canvas<'_, '_>, look: Look, mark: Mark, aside: bool) -> Style {
    let mut style = canvas.tone(if aside { Tone::Dim } else { Tone::Plain });
    if look.fg != Ink::Plain {
        style = style.fg(colour(look.fg));
    }
    if look.bg != Ink::Plain {
        style = style.bg(colour(look.bg));
    }
    let marks = [
        (Look::BOLD, Modifier::BOLD),
        (Look::DIM, Modifier::DIM),
        (Look::ITALIC, Modifier::ITALIC),
        (Look::UNDERLINE, Modifier::UNDERLINED),
        (Look::REVERSE, Modifier::REVERSED),
        (Look::STRIKE, Modifier::CROSSED_OUT),
    ];
    for (bit, modifier) in marks {
        if look.marks & bit != 0 {
            style = style.add_modifier(modifier);
        }
    }
    match mark {
        Mark::Plain => style,
        // On a ground that is reversed already a match must still differ.
        Mark::Match => canvas.theme.selected(),
        Mark::Current => canvas.theme.selected().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
    }
}

const fn colour(ink: Ink) -> Color {
    match ink {
        Ink::Plain => Color::Reset,
        Ink::Indexed(index) => Color::Indexed(index),
        Ink::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

/// Which of the lines are in sight.
pub(super) fn place(canvas: &Canvas<'_, '_>, pager: &Pager) -> Line<'static> {
    if pager.fits() {
        return Line::default();
    }
    Line::from(canvas.span(format!(" {} ", pager.place()), Tone::Dim))
}

/// What differs from plain reading, or what there is to say once.
pub(super) fn state(canvas: &Canvas<'_, '_>, pager: &Pager, area: Area, silence: Option<String>) -> Line<'static> {
    if pager.prompt().is_some() {
        return Line::default();
    }
    let room = usize::from(area.width).saturating_sub(text::width(&pager.place()) + 6);
    let (words, tone) = match (silence, pager.note()) {
        (Some(silence), _) => (silence, Tone::Warn),
        (None, Some(note)) => (text::sanitize(note), Tone::Warn),
        (None, None) => (text::sanitize(&pager.state().join(&format!(" {} ", canvas.glyphs.dot))), Tone::Accent),
    };
    if words.is_empty() {
        return Line::default();
    }
    Line::from(canvas.span(format!(" {} ", text::cut_end(&words, room, canvas.glyphs.cut)), tone))
}

/// That the worker of a job is silent, and how old what is shown of it is.
pub(super) fn silence(canvas: &Canvas<'_, '_>, live: &Live) -> Option<String> {
    let model = canvas.model;
    let row = &model.cache.jobs.get(&live.job)?.row;
    let worker = row.worker.filter(|_| row.unreachable)?;
    Some(match live.text.heard_ms() {
        Some(at) => {
            let (clock, ago) = (clock(at, model.settings.utc_offset_s), model.now.wall_ms.saturating_sub(at));
            format!("{worker} is silent: this is of {clock}, {} ago", short_span(ago))
        }
        None => format!("{worker} is silent: nothing that it wrote is known here"),
    })
}

/// What is being typed, on the lower border, with the cursor.
pub(super) fn prompt(canvas: &mut Canvas<'_, '_>, pager: &Pager, area: Area, focused: bool) {
    let Some(prompt) = pager.prompt() else { return };
    let y = area.y + area.height.saturating_sub(1);
    let room = usize::from(area.width).saturating_sub(4);
    let mut spans: Vec<Span<'_>> = vec![canvas.span(format!(" {}", prompt.ask.sign()), Tone::Accent)];
    let before = text::width(prompt.ask.sign()) + 1;
    let typed = prompt.editor.text();
    let caret = prompt.editor.caret_cell();
    let hidden = (before + caret + 1).saturating_sub(room);
    let shown = &typed[text::head(typed, hidden).len()..];
    spans.push(canvas.span(shown.to_owned() + " ", Tone::Strong));
    if let Some(error) = &prompt.error {
        spans.push(canvas.span(format!("{error} "), Tone::Bad));
    }
    canvas.put_line(area.x + 1, y, area.width.saturating_sub(2), &Line::from(spans));
    if focused && canvas.model.overlay.is_none() {
        let column = u16::try_from(before + caret - hidden.min(caret)).unwrap_or(0);
        canvas.cursor(area.x + 1 + column, y);
    }
}

/// The thumb on the right border.
pub(super) fn thumb(canvas: &mut Canvas<'_, '_>, pager: &Pager, area: Area) {
    let Some(row) = pager.rows().first().filter(|_| !pager.fits()) else { return };
    let (lines, shown) = (pager.document().lines(), pager.rows().len());
    // Where lines are not counted, bytes say as well how far it is.
    let (top, seen, all) = match (row.number, lines) {
        (Some(number), Some(lines)) => (number - 1, shown as u64, lines),
        _ => (row.at, pager.document().len() / 100, pager.document().len()),
    };
    let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let top = if pager.is_at_end() { all.saturating_sub(seen) } else { top };
    canvas.scrollbar(area, small(top), small(seen), small(all));
}
