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
use crate::app::timeline::Timeline;
use crate::lanes::Lane;

/// Parts of the time that are named.
const PARTS: u64 = 3;
/// Cells for the name of a slot, at most.
const SLOT_MAX: usize = 20;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, timeline: &Timeline, inside: Area) {
    let nothing = match &timeline.fault {
        Some(fault) => text::sanitize(&fault.words()),
        None if !timeline.is_told() => "asking c2d".to_owned(),
        None => "no worker yet, and nothing ran".to_owned(),
    };
    if timeline.lanes() == 0 {
        return canvas.centred(inside, inside.height / 2, &nothing, canvas.tone(Tone::Dim));
    }
    let slots: Vec<String> = timeline.visible().map(|(_, lane)| slot(canvas, lane)).collect();
    let most = usize::from(inside.width / 4).min(SLOT_MAX);
    let names = slots.iter().map(|slot| text::width(slot)).max().unwrap_or(0).min(most);
    let left = u16::try_from(names + 2).unwrap_or(0);
    let track = Area { x: inside.x + left, width: inside.width.saturating_sub(left + 1), ..inside };
    for (((at, lane), slot), y) in timeline.visible().zip(&slots).zip(inside.y..inside.y + inside.height) {
        let here = at == timeline.lane();
        let name = text::cut_middle(slot, names, canvas.glyphs.cut);
        canvas.put(inside.x + 1, y, left, &name, canvas.tone(if here { Tone::Accent } else { Tone::Dim }));
        runs(canvas, timeline, lane, Area { y, height: 1, ..track });
    }
    axis(canvas, timeline.since_s, Area { y: inside.y + u16::try_from(slots.len()).unwrap_or(0), ..track });
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

/// How a slot is called: by the host of its worker, or by the address where hosts are called alike.
fn slot(canvas: &Canvas<'_, '_>, lane: &Lane) -> String {
    let workers = &canvas.model.cache.workers;
    let host = lane.worker_id.as_ref().and_then(|id| workers.get(id)).map(|worker| worker.hostname.as_str());
    let is_one = |host: &&str| workers.values().filter(|worker| worker.hostname == **host).count() == 1;
    match host.filter(|host| !host.is_empty()).filter(is_one) {
        Some(host) => format!("{host}.{}", lane.number),
        None => format!("{}.{}", lane.worker, lane.number),
    }
}

/// The runs of a slot; where there is none it was idle.
fn runs(canvas: &mut Canvas<'_, '_>, timeline: &Timeline, lane: &Lane, track: Area) {
    let spans = timeline.spans();
    let cells = lane.cells(spans, &timeline.time(canvas.model.now.mono), track.width.into());
    for part in 0..PARTS {
        canvas.put(tick(track, part), track.y, 1, canvas.glyphs.dot, canvas.theme.border);
    }
    let mut x = track.x;
    for run in cells.chunk_by(|a, b| a == b) {
        let width = u16::try_from(run.len()).unwrap_or(0);
        if let Some((at, span)) = run[0].and_then(|at| Some((at, spans.get(at)?))) {
            let place = Area { x, width, ..track };
            let (glyphs, style) = (canvas.glyphs, canvas.tone(tone(span.state)));
            canvas.each_cell(place, |cell| {
                cell.set_symbol(glyphs.run).set_style(style);
            });
            let words = words(canvas, span, run.len());
            canvas.put(x, track.y, width, &words, style);
            if timeline.is_selected(span) {
                canvas.wash(place, canvas.theme.selected().patch(canvas.tone(tone(span.state))));
            }
            canvas.hit(place, Target::Span(at));
        }
        x += width;
    }
}

/// The sign of a run, and its name or id where it has room.
fn words(canvas: &Canvas<'_, '_>, span: &Span, cells: usize) -> String {
    let sign = sign(canvas, span);
    let name = name(span);
    let with = format!("{sign} {name} ");
    if text::width(&with) <= cells { with } else { sign.to_owned() }
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
