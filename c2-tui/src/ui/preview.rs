//! What the selected job writes, beside its table.

use c2_shared::job::JobState;
use ratatui::text::Line;

use super::canvas::{Canvas, Titles, inner};
use super::pager;
use crate::app::layout::Area;
use crate::app::live::Preview;
use crate::app::pager::{Pager, Row};
use crate::app::panes::jobs::run_ms;
use crate::app::panes::{self, short_span};
use crate::app::progress;
use crate::app::table::Tone;
use crate::app::text;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, preview: &Preview, area: Area) {
    let text = preview.live.as_ref().map(|live| &live.text);
    let titles = Titles {
        left: title(canvas, preview, area),
        foot: text.map_or_else(Line::default, |text| pager::state(canvas, text, area)),
        foot_right: text.map_or_else(Line::default, |text| pager::place(canvas, text)),
        ..Titles::default()
    };
    canvas.framed(area, false, titles);
    match text {
        Some(text) => pager::rows(canvas, inner(area), text),
        None => canvas.centred(inner(area), (area.height - 2) / 2, "no job is selected", canvas.tone(Tone::Dim)),
    }
}

/// How far a job is by the last line in sight.
fn percent(text: &Pager) -> Option<u8> {
    let line = |row: &Row| row.cells.iter().map(|cell| cell.text.as_str()).collect::<String>();
    text.rows().iter().rev().map(line).find(|line| !line.trim().is_empty()).and_then(|line| progress::percent(&line))
}

/// Which job, where and for how long it runs.
fn title(canvas: &Canvas<'_, '_>, preview: &Preview, area: Area) -> Line<'static> {
    let model = canvas.model;
    let id = preview.live.as_ref().map(|live| live.job);
    let Some(job) = id.and_then(|id| model.cache.jobs.get(&id)) else { return Line::default() };
    let row = &job.row;
    let name = row.name.as_deref().map(text::sanitize);
    let worker = row.worker.map(|worker| worker.to_string());
    let run = run_ms(job, model.now.wall_ms).map(short_span);
    let dot = format!(" {} ", canvas.glyphs.dot);
    let words = [name, worker, run].into_iter().flatten().map(|word| dot.clone() + &word).collect::<String>();
    let room = usize::from(area.width).saturating_sub(6);
    let sign = canvas.glyphs.state(row.state);
    let words = text::cut_end(&format!("{}{words}", row.job_id), room, canvas.glyphs.cut);
    let mut line = Line::from(vec![
        canvas.span(format!(" {sign} "), panes::tone(row.state)),
        canvas.span(format!("{words} "), Tone::Strong),
    ]);
    if let Some(percent) = preview.live.as_ref().and_then(|live| percent(&live.text)) {
        let bar = format!("{} {percent}% ", canvas.glyphs.bar(percent.into(), 100, 6));
        if row.state == JobState::Running && line.width() + text::width(&bar) <= room {
            line.push_span(canvas.span(bar, Tone::Busy));
        }
    }
    line
}
