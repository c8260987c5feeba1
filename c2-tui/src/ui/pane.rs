//! The four panes: their borders with title, chips, filter and position, and what is inside.

use ratatui::text::Line;

use super::canvas::{Canvas, Titles};
use super::{queue, table};
use crate::app::layout::Area;
use crate::app::model::{Focus, Link};
use crate::app::msg::Target;
use crate::app::panes::Pane;
use crate::app::panes::jobs::CHIPS;
use crate::app::store::JobScope;
use crate::app::table::{Row, Table, Tone};
use crate::app::text;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, pane: Pane, area: Area) {
    let focus = Focus::Pane(pane);
    canvas.hit(area, Target::Area(focus));
    let model = canvas.model;
    match pane {
        Pane::Workers => {
            let detail = model.panes.workers.selected().and_then(|ip| model.store.workers.get(&ip));
            let detail = detail.map(|w| format!("{}  c2-agent {}", w.hostname, text::tame(&w.row.version)));
            framed_table(canvas, area, pane, &model.panes.workers, detail);
        }
        Pane::Jobs => {
            framed_table(canvas, area, pane, &model.panes.jobs, detail_of(canvas, &model.panes.jobs));
            chips(canvas, area);
        }
        Pane::Queue => framed_table(canvas, area, pane, &model.panes.queue, None),
        Pane::Log => framed_table(canvas, area, pane, &model.panes.log, detail_of(canvas, &model.panes.log)),
    }
}

/// The whole text of the selected job, which its column may have cut.
fn detail_of(canvas: &Canvas<'_, '_>, table: &Table<crate::app::store::Job>) -> Option<String> {
    let job = canvas.model.store.jobs.get(&table.selected()?)?;
    Some(match &job.row.outcome {
        Some(outcome) if outcome.state() == c2_shared::job::JobState::Failed => {
            format!("{}: {}", text::tame(&outcome.to_string()), job.title)
        }
        _ => job.title.clone(),
    })
}

fn framed_table<R: Row>(canvas: &mut Canvas<'_, '_>, area: Area, pane: Pane, table: &Table<R>, detail: Option<String>) {
    let focus = Focus::Pane(pane);
    let focused = canvas.model.focus == focus;
    let room = usize::from(area.width).saturating_sub(20);
    let foot = match detail.filter(|_| focused && room > 8) {
        Some(text) => {
            Line::from(canvas.span(format!(" {} ", text::cut_middle(&text, room, canvas.glyphs.cut)), Tone::Plain))
        }
        None => Line::default(),
    };
    let titles = Titles {
        left: title(canvas, pane, table, area),
        right: Line::default(),
        foot,
        foot_right: position(canvas, table, focused),
    };
    let mut inside = canvas.framed(area, focused, titles);
    if pane == Pane::Queue {
        inside = queue::head(canvas, area, inside);
    }
    if table.is_empty() {
        empty(canvas, inside, pane, table);
    } else {
        table::draw(canvas, inside, table, R::rows(&canvas.model.store), focus);
        canvas.scrollbar(area, table.top(), table.height(), table.len());
    }
}

/// The name, how many rows there are, and the filter, in which the caret may stand.
fn title<R: Row>(canvas: &mut Canvas<'_, '_>, pane: Pane, table: &Table<R>, area: Area) -> Line<'static> {
    let model = canvas.model;
    let focused = model.focus == Focus::Pane(pane);
    let tone = if focused { Tone::Accent } else { Tone::Strong };
    let mut name = canvas.span(format!(" {} ", pane.word()), tone);
    if focused {
        name.style = name.style.add_modifier(ratatui::style::Modifier::REVERSED);
    }
    let typing = model.filtering.as_ref().filter(|_| focused);
    let filter = table.filter();
    let mut line = Line::from(vec![name]);
    if typing.is_none() && filter.text().is_empty() {
        if table.in_scope() > 0 {
            line.push_span(canvas.span(format!(" {} ", table.in_scope()), Tone::Dim));
        }
        return line;
    }
    line.push_span(canvas.span(" /", Tone::Accent));
    if let Some(editor) = typing {
        let x = usize::from(area.x) + 1 + line.width() + editor.caret_cell();
        let right = usize::from(area.x + area.width).saturating_sub(2);
        canvas.cursor(u16::try_from(x.min(right)).unwrap_or(0), area.y);
    }
    let room = usize::from(area.width) / 2;
    line.push_span(canvas.span(text::cut_end(filter.text(), room, canvas.glyphs.cut), Tone::Strong));
    match filter.error() {
        Some(error) => line.push_span(canvas.span(format!("  {error} "), Tone::Bad)),
        None => line.push_span(canvas.span(format!("  {}/{} ", table.len(), table.in_scope()), Tone::Dim)),
    }
    line
}

fn position<R: Row>(canvas: &Canvas<'_, '_>, table: &Table<R>, focused: bool) -> Line<'static> {
    let marks = table.marks().count();
    let mut line = Line::default();
    if marks > 0 {
        line.push_span(canvas.span(format!(" {marks} marked "), Tone::Accent));
    }
    if !table.is_empty() && (focused || table.len() > table.height()) {
        line.push_span(canvas.span(format!(" {}/{} ", table.cursor() + 1, table.len()), Tone::Dim));
    }
    line
}

/// The kinds of jobs, on the upper border at the right, where there is room for them.
fn chips(canvas: &mut Canvas<'_, '_>, area: Area) {
    let scope = *canvas.model.panes.jobs.scope();
    let all: usize = CHIPS.iter().map(|(word, _)| word.len() + 2).sum();
    let filtered = !canvas.model.panes.jobs.filter().text().is_empty() || canvas.model.filtering.is_some();
    let room = usize::from(area.width).saturating_sub(if filtered { 40 } else { 16 });
    let shown: Vec<usize> = (0..CHIPS.len()).filter(|&i| all <= room || CHIPS[i].1 == scope).collect();
    let wide: usize = shown.iter().map(|&i| CHIPS[i].0.len() + 2).sum();
    let mut x = (area.x + area.width).saturating_sub(u16::try_from(wide).unwrap_or(0) + 2);
    for at in shown {
        let (word, kind) = CHIPS[at];
        let mut style = canvas.tone(if kind == scope { Tone::Accent } else { Tone::Dim });
        if kind == scope {
            style = style.add_modifier(ratatui::style::Modifier::REVERSED);
        }
        let width = u16::try_from(word.len() + 2).unwrap_or(0);
        canvas.put(x, area.y, width, &format!(" {word} "), style);
        canvas.hit(Area { x, y: area.y, width, height: 1 }, Target::Chip(at));
        x += width;
    }
}

/// Why there is nothing, and what to do next.
fn empty<R: Row>(canvas: &mut Canvas<'_, '_>, area: Area, pane: Pane, table: &Table<R>) {
    let model = canvas.model;
    let (why, next) = if !table.filter().text().is_empty() && table.in_scope() > 0 {
        (format!("none of {} matches the filter", table.in_scope()), "Esc clears it".to_owned())
    } else if model.store.heard_ms.is_none() {
        match &model.link {
            Link::Down { fault, .. } if pane == Pane::Jobs => {
                (text::tame(&fault.message), fault.hint.as_deref().map(text::tame).unwrap_or_default())
            }
            Link::Down { .. } | Link::Connecting | Link::Up => ("waiting for c2d".to_owned(), String::new()),
        }
    } else {
        let (why, next) = nothing(pane, *model.panes.jobs.scope());
        (why.to_owned(), next.to_owned())
    };
    let row = area.height.saturating_sub(2) / 2;
    canvas.centred(area, row, &why, canvas.tone(Tone::Plain));
    canvas.centred(area, row + 1, &next, canvas.tone(Tone::Dim));
}

const fn nothing(pane: Pane, scope: JobScope) -> (&'static str, &'static str) {
    match pane {
        Pane::Workers => ("no worker yet", "start c2-agent on a machine"),
        Pane::Jobs => match scope {
            JobScope::Active => ("no job is active", "submit \"echo hello\""),
            JobScope::Done => ("no job has succeeded yet", "a shows others"),
            JobScope::Failed => ("no job has failed", "a shows others"),
            JobScope::All | JobScope::Ended | JobScope::On(_) => ("no job yet", "submit \"echo hello\""),
        },
        Pane::Queue => ("nothing waits", ""),
        Pane::Log => ("no job has ended yet", ""),
    }
}

/// The names of the panes, where only one of them has room.
pub(super) fn tabs(canvas: &mut Canvas<'_, '_>, area: Area) {
    let mut x = area.x;
    for (pane, number) in Pane::ALL.into_iter().zip(1..) {
        let here = canvas.model.pane == pane;
        let word = format!(" {number} {} ", pane.word());
        let width = u16::try_from(word.len()).unwrap_or(0).min((area.x + area.width).saturating_sub(x));
        let style = canvas.tone(if here { Tone::Accent } else { Tone::Dim });
        let style = if here { style.add_modifier(ratatui::style::Modifier::REVERSED) } else { style };
        canvas.put(x, area.y, width, &word, style);
        canvas.hit(Area { x, y: area.y, width, height: 1 }, Target::Area(Focus::Pane(pane)));
        x += width;
    }
}
