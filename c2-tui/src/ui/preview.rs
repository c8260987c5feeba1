//! What the selected job writes, beside its table.

use c2_shared::id::JobId;
use ratatui::text::Line;

use super::canvas::{Canvas, Titles, inner};
use super::pager;
use crate::app::cache::Wait;
use crate::app::layout::Area;
use crate::app::live::Preview;
use crate::app::pager::Pager;
use crate::app::panes::jobs::{progress, run_ms};
use crate::app::panes::{self, short_span};
use crate::app::table::Tone;
use crate::app::text;

/// Draws it. Where its lower border is the upper one of another box, that one has its title there.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, preview: &Preview, area: Area, has_foot: bool) {
    let text = preview.live.as_ref().map(|live| &live.text);
    let silence = preview.live.as_ref().and_then(|live| pager::silence(canvas, live));
    let foot = |text| pager::state(canvas, text, area, silence);
    let titles = Titles {
        left: title(canvas, preview, area),
        foot: text.filter(|_| has_foot).map_or_else(Line::default, foot),
        foot_right: text.filter(|_| has_foot).map_or_else(Line::default, |text| pager::place(canvas, text)),
        ..Titles::default()
    };
    canvas.titled(area, &titles);
    match text {
        Some(text) if text.line_count() > 0 => pager::rows(canvas, inner(area), text),
        Some(text) => {
            canvas.centred(inner(area), (area.height - 2) / 2, nothing(canvas, preview, text), canvas.tone(Tone::Dim));
        }
        None => canvas.centred(inner(area), (area.height - 2) / 2, "no job is selected", canvas.tone(Tone::Dim)),
    }
}

/// Why there is no output, as far as that is known.
fn nothing<'a>(canvas: &Canvas<'_, '_>, preview: &Preview, text: &'a Pager) -> &'a str {
    let job = preview.live.as_ref().and_then(|live| canvas.model.cache.jobs.get(&live.job));
    match job {
        Some(job) if Wait::is_waiting(job.row.state) => "it has not started",
        _ => text.note().unwrap_or_default(),
    }
}

/// Which job, how far it is, where and for how long it runs: as much as has room, in this order.
fn title(canvas: &Canvas<'_, '_>, preview: &Preview, area: Area) -> Line<'static> {
    let model = canvas.model;
    let Some(live) = &preview.live else { return Line::default() };
    let Some(job) = model.cache.jobs.get(&live.job) else { return Line::default() };
    let row = &job.row;
    let facts = [
        row.name.as_deref().map(text::sanitize),
        progress(job, &model.sight()).map(|(words, _)| words),
        run_ms(job, model.now.wall_ms).map(short_span),
        row.worker.map(|worker| worker.to_string()),
    ];
    let words = joined(canvas, row.job_id.to_string(), facts, usize::from(area.width).saturating_sub(6));
    let sign = canvas.span(format!(" {} ", canvas.glyphs.state(row.state)), panes::tone(row.state));
    Line::from(vec![sign, canvas.span(format!("{words} "), Tone::Strong)])
}

/// What stands behind the path to an output: the job's state, its name and its worker, as much as has room.
pub(super) fn about(canvas: &Canvas<'_, '_>, job: JobId, room: usize) -> Line<'static> {
    let Some(job) = canvas.model.cache.jobs.get(&job) else { return Line::default() };
    let row = &job.row;
    let facts = [row.name.as_deref().map(text::sanitize), row.worker.map(|worker| worker.to_string())];
    let (standing, tone) = panes::jobs::standing(job);
    let words = joined(canvas, standing.to_owned(), facts, room.saturating_sub(4));
    if text::width(&words) + 4 > room {
        return Line::default();
    }
    let sign = canvas.span(format!(" {} ", canvas.glyphs.state(row.state)), tone);
    Line::from(vec![sign, canvas.span(format!("{words} "), Tone::Plain)])
}

/// A word and as many of the facts behind it as have room.
fn joined<const N: usize>(
    canvas: &Canvas<'_, '_>,
    mut words: String,
    facts: [Option<String>; N],
    room: usize,
) -> String {
    for fact in facts.into_iter().flatten() {
        let with = format!("{words} {} {fact}", canvas.glyphs.dot);
        if text::width(&with) > room {
            break;
        }
        words = with;
    }
    words
}
