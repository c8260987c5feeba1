//! What ran in each slot: a line for each, on which each run stands out in the colour of its outcome.

use c2_shared::api::figures::Span;
use c2_shared::time::span;
use ratatui::text::Line;

use super::canvas::Canvas;
use crate::app::layout::Area;
use crate::app::msg::Target;
use crate::app::panes::log::clock;
use crate::app::panes::{short_span, tone};
use crate::app::table::Tone;
use crate::app::text;
use crate::app::timeline::{Run, Timeline};

/// Parts of the time that are named.
const PARTS: u64 = 3;
/// Cells below which a run has no room for its name.
const NAMED: usize = 4;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, timeline: &Timeline, inside: Area) {
    let nothing = match &timeline.fault {
        Some(fault) => text::sanitize(&fault.words()),
        None if !timeline.is_told() => "asking c2d".to_owned(),
        None => "no worker yet, and nothing ran".to_owned(),
    };
    if timeline.lanes() == 0 {
        return canvas.centred(inside, inside.height / 2, &nothing, canvas.tone(Tone::Dim));
    }
    let names = timeline.names();
    let left = u16::try_from(names + 2).unwrap_or(0);
    let width = u16::try_from(Timeline::track(inside.width.into(), names)).unwrap_or(0);
    let track = Area { x: inside.x + left, width, ..inside };
    let mut y = inside.y;
    for (at, name, runs) in timeline.visible() {
        let here = at == timeline.lane();
        let name = text::cut_middle(name, names, canvas.glyphs.cut);
        canvas.put(inside.x + 1, y, left, &name, canvas.tone(if here { Tone::Accent } else { Tone::Dim }));
        draw_runs(canvas, timeline, runs, Area { y, height: 1, ..track });
        y += 1;
    }
    axis(canvas, timeline.since_s, Area { y, ..track });
    canvas.scrollbar(
        Area { x: inside.x, y: inside.y - 1, width: inside.width + 1, height: inside.height + 1 },
        timeline.top(),
        timeline.height(),
        timeline.lanes(),
    );
}

/// How long ago it was, below the lanes.
fn axis(canvas: &mut Canvas<'_, '_>, since_s: u64, track: Area) {
    for part in 0..PARTS {
        let ago_s = since_s - since_s * part / PARTS;
        let ago =
            if ago_s.is_multiple_of(60) && ago_s < 3_600 { format!("{}m", ago_s / 60) } else { span(ago_s * 1_000) };
        let x = tick(track, part);
        let words = if part == 0 { format!("{ago} ago") } else { ago };
        canvas.put(x, track.y, track.width / 3, &words, canvas.tone(Tone::Dim));
    }
    canvas.put((track.x + track.width).saturating_sub(3), track.y, 3, "now", canvas.tone(Tone::Dim));
}

/// Where a part of the time begins.
fn tick(track: Area, part: u64) -> u16 {
    track.x + u16::try_from(u64::from(track.width) * part / PARTS).unwrap_or(0)
}

/// The runs of a slot; where there is none it was idle.
fn draw_runs(canvas: &mut Canvas<'_, '_>, timeline: &Timeline, runs: &[Run], track: Area) {
    for part in 0..PARTS {
        canvas.put(tick(track, part), track.y, 1, canvas.glyphs.dot, canvas.theme.border);
    }
    for run in runs {
        let Some(span) = timeline.spans().get(run.span) else { continue };
        let cells = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX);
        let place = Area { x: track.x.saturating_add(cells(run.from)), width: cells(run.cells), ..track };
        let (glyphs, style) = (canvas.glyphs, canvas.tone(tone(span.state)));
        let mut sign = sign(canvas, span);
        canvas.each_cell(place, |cell| {
            cell.set_symbol(std::mem::replace(&mut sign, glyphs.run)).set_style(style);
        });
        if let Some(words) = words(span, run.cells) {
            canvas.put(place.x + 1, place.y, place.width - 1, &words, style);
        }
        if timeline.is_selected(span) {
            canvas.wash(place, canvas.theme.selected().patch(style));
        }
        canvas.hit(place, Target::Span(run.span));
    }
}

/// The name of a run or its id, where it has room behind its sign.
fn words(span: &Span, cells: usize) -> Option<String> {
    let words = Some(span).filter(|_| cells >= NAMED).map(|span| format!(" {} ", name(span)));
    words.filter(|words| text::width(words) < cells)
}

/// Nobody knows how an attempt ended that was lost with its worker.
fn sign(canvas: &Canvas<'_, '_>, span: &Span) -> &'static str {
    if span.lost { "?" } else { canvas.glyphs.state(span.state) }
}

fn name(span: &Span) -> String {
    span.name.as_deref().map_or_else(|| span.job_id.to_string(), text::sanitize)
}

/// The selected run: which job, how it went, and from when to when.
pub(super) fn detail(canvas: &Canvas<'_, '_>, timeline: &Timeline, area: Area) -> Line<'static> {
    let Some(run) = timeline.span() else { return Line::default() };
    let model = canvas.model;
    let at = |ms| clock(ms, model.settings.utc_offset_s);
    let now_ms = timeline.time(model.now.mono).end;
    let took = short_span(run.ended_ms.unwrap_or(now_ms).saturating_sub(run.started_ms));
    let named = run.name.as_deref().map(|name| format!(" {}", text::sanitize(name))).unwrap_or_default();
    let until = run.ended_ms.map_or_else(|| "now".to_owned(), at);
    let dot = canvas.glyphs.dot;
    let attempt = if run.attempt > 1 || run.lost { format!(" (attempt {})", run.attempt) } else { String::new() };
    let words = format!(
        "{}{named} {dot} {} {}{attempt} {dot} {took} {dot} {} to {until}",
        run.job_id,
        sign(canvas, run),
        if run.lost { "lost" } else { run.state.word() },
        at(run.started_ms)
    );
    let room = usize::from(area.width).saturating_sub(12);
    Line::from(canvas.span(format!(" {} ", text::cut_end(&words, room, canvas.glyphs.cut)), Tone::Plain))
}

/// Which lane of how many.
pub(super) fn position(canvas: &Canvas<'_, '_>, timeline: &Timeline) -> Line<'static> {
    match timeline.lanes() {
        0 => Line::default(),
        lanes => Line::from(canvas.span(format!(" {}/{lanes} ", timeline.lane() + 1), Tone::Dim)),
    }
}
