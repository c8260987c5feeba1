//! Pages over the panes: the path that led there, the facts, and below them a table or text.

use c2_shared::time;
use ratatui::text::Line;

use super::canvas::{Canvas, Titles};
use super::{pager, pane, preview, table, timeline};
use crate::app::cache::{Cache, Job, Worker, percent as percent_of};
use crate::app::focus::Focus;
use crate::app::layout::{self, Area};
use crate::app::listing::Listing;
use crate::app::live::Live;
use crate::app::msg::Target;
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::panes::jobs::{progress, run_ms};
use crate::app::panes::log::clock;
use crate::app::panes::{self, short_span};
use crate::app::table::{Grid, Tone};
use crate::app::text;
use crate::app::watch::{Count, State, Watch};

/// A label and what it says.
type Fact = (&'static str, String, Tone);

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, page: &Page, area: Area) {
    canvas.hit(area, Target::Area(Focus::Page));
    let model = canvas.model;
    let focused = model.focus == Focus::Page;
    let titles = titles(canvas, page, area, focused);
    let inside = canvas.titled(area, &titles);
    let (facts_rows, columns) = (layout::page_facts(model, page, area), layout::fact_columns(area));
    let head = layout::page_head(model, page, area);
    let below = Area { y: inside.y + head, height: inside.height.saturating_sub(head), ..inside };
    match page {
        Page::Worker { id, jobs, .. } => {
            if let Some(worker) = model.cache.workers.get(id).filter(|_| facts_rows > 0) {
                facts(canvas, inside, columns, &of_worker(canvas, worker));
                gpus(canvas, inside, inside.y + facts_rows - 1 - layout::gpus(model, id), worker);
            }
            rows(canvas, below, area, jobs, "it has run no job that is still known");
        }
        Page::Alike { jobs, .. } => rows(canvas, below, area, jobs, "these jobs are no longer known here"),
        Page::List(list) => {
            let (why, next) = nothing(list);
            rows(canvas, below, area, &*list.rows, &why);
            for ((line, _), row) in next.iter().zip(below.height / 2 + 1..).filter(|_| list.rows.len() == 0) {
                canvas.centred(below, row, line, canvas.tone(Tone::Accent));
            }
        }
        Page::Timeline(timeline) => timeline::draw(canvas, timeline, inside),
        Page::Job { live, .. } => {
            if let Some(job) = model.cache.jobs.get(&live.job).filter(|_| facts_rows > 0) {
                facts(canvas, inside, columns, &of_job(canvas, job));
            }
            details(canvas, page, area, inside.y + facts_rows);
            lines(canvas, below, &live.text, area);
        }
        Page::Watch(watch) => {
            if facts_rows > 0 {
                canvas.put_line(inside.x + 1, inside.y, inside.width.saturating_sub(1), &standing(canvas, watch));
            }
            lines(canvas, below, watch.text(), area);
        }
        Page::Output(Live { text, .. }) | Page::Text { text, .. } => lines(canvas, below, text, area),
    }
}

/// What stands on its borders.
fn titles(canvas: &mut Canvas<'_, '_>, page: &Page, area: Area, focused: bool) -> Titles<'static> {
    let foot_right = match page {
        Page::Timeline(timeline) => timeline::position(canvas, timeline),
        page => match (page.grid(), page.text()) {
            (Some(grid), _) => pane::position(canvas, grid, focused),
            (None, Some(text)) => pager::place(canvas, text),
            (None, None) => Line::default(),
        },
    };
    let foot = match page {
        Page::Timeline(timeline) => timeline::detail(canvas, timeline, area),
        page => match (page.grid(), page.text()) {
            (Some(grid), _) => pane::detail(canvas, grid, focused, area),
            (None, Some(text)) => {
                pager::state(canvas, text, area, page.live().and_then(|live| pager::silence(canvas, live)))
            }
            (None, None) => Line::default(),
        },
    };
    let mut left = path(canvas, area);
    let room = usize::from(area.width).saturating_sub(left.width() + 4);
    if let Some(grid) = page.grid().filter(|grid| pane::is_filtered(canvas, *grid, focused)) {
        let x = area.x + 1 + u16::try_from(left.width()).unwrap_or(0);
        left.spans.extend(pane::filter(canvas, grid, focused, (x, area.y), room).spans);
    }
    let right = match page {
        Page::Output(live) => preview::about(canvas, live.job, room),
        _ => Line::default(),
    };
    Titles { left, right, foot, foot_right }
}

/// Why a list has no rows, and what to do next.
fn nothing(list: &Listing) -> (String, &'static [(&'static str, &'static str)]) {
    match &list.fault {
        Some(fault) => (text::sanitize(&fault.words()), &[]),
        None if list.freshness.is_awaited() => ("asking c2d".to_owned(), &[]),
        None if list.rows.in_scope() > 0 => (format!("none of {} matches the filter", list.rows.in_scope()), &[]),
        None => {
            let (why, next) = list.of.source().nothing();
            (why.to_owned(), next)
        }
    }
}

/// A table, or why it has no rows.
fn rows(canvas: &mut Canvas<'_, '_>, below: Area, area: Area, grid: &dyn Grid<Cache>, nothing: &str) {
    if grid.len() == 0 {
        return canvas.centred(below, below.height / 2, nothing, canvas.tone(Tone::Dim));
    }
    table::draw(canvas, below, grid, Focus::Page);
    canvas.scrollbar(area, grid.visible().start, grid.height(), grid.len());
}

/// A bar for each graphics processor from a row on, and the job that holds it.
fn gpus(canvas: &mut Canvas<'_, '_>, inside: Area, y: u16, worker: &Worker) {
    let cache = &canvas.model.cache;
    for ((n, percent), y) in
        worker.row.load.gpu_percent.iter().enumerate().zip(y..y + layout::gpus(canvas.model, &worker.row.worker_id))
    {
        let percent = percent_of(*percent);
        let holder = worker.row.tags.get(&format!("gpu:{n}")).copied().flatten();
        let named = |id| cache.jobs.get(&id).map(|job: &Job| job.title.clone()).unwrap_or_default();
        let foreign = worker.row.load.gpu_processes.iter().find(|process| usize::try_from(process.gpu) == Ok(n));
        let (held, by) = match (holder, foreign) {
            (Some(by), _) => (format!("{}  {}", by.job, named(by.job)), Tone::Plain),
            (None, Some(process)) => {
                let name = text::sanitize(&process.name);
                (format!("{name} (process {}), which is no job", process.pid), Tone::Warn)
            }
            (None, None) => ("free".to_owned(), Tone::Dim),
        };
        let memory = worker.row.load.gpu_memory.get(n).filter(|memory| memory.total_bytes > 0);
        let gib = |bytes: u64| bytes.saturating_add(1 << 29) >> 30;
        let memory = memory.map_or_else(String::new, |m| format!("{}/{}G", gib(m.used_bytes), gib(m.total_bytes)));
        let bar = canvas.glyphs.bar(percent.into(), 100, 10);
        let tone = if holder.is_some() { Tone::Busy } else { Tone::Dim };
        let line = Line::from(vec![
            canvas.span(format!("{:<10}", format!("gpu{n}")), Tone::Dim),
            canvas.span(format!("{bar} {percent:>3}%  "), tone),
            canvas.span(format!("{memory:<9}"), Tone::Plain),
            canvas.span(held, by),
        ]);
        canvas.put_line(inside.x + 1, y, inside.width.saturating_sub(1), &line);
    }
}

/// The details of a job from a row on, and a rule below them.
fn details(canvas: &mut Canvas<'_, '_>, page: &Page, area: Area, y: u16) {
    let details = layout::page_details(canvas.model, page, area);
    let (x, room) = (area.x + 2, area.width.saturating_sub(4));
    let label_room = u16::try_from(layout::LABEL).unwrap_or(0);
    for ((label, text, tone), y) in details.iter().zip(y..) {
        canvas.put(x, y, label_room, label, canvas.tone(Tone::Dim));
        let shown = text::cut_end(text, layout::detail_width(area), canvas.glyphs.cut);
        canvas.put(x + label_room, y, room.saturating_sub(label_room), &shown, canvas.tone(*tone));
    }
    if let (Some(live), false) = (page.live(), details.is_empty()) {
        let y = y + u16::try_from(details.len()).unwrap_or(0);
        let rule = canvas.glyphs.rule.repeat(room.into());
        canvas.put(x, y, room, &rule, canvas.theme.border);
        canvas.put(x, y, room, &format!("{} ", live.shown.word()), canvas.tone(Tone::Dim));
    }
}

fn lines(canvas: &mut Canvas<'_, '_>, below: Area, text: &Pager, area: Area) {
    pager::rows(canvas, below, text);
    pager::thumb(canvas, text, area);
    pager::prompt(canvas, text, area, canvas.model.focus == Focus::Page);
}

/// `workers › 10.0.0.11 › job-7`: what Esc goes back through.
fn path(canvas: &Canvas<'_, '_>, area: Area) -> Line<'static> {
    let model = canvas.model;
    let room = usize::from(area.width / 2).max(12);
    let origin = match model.pages.origin() {
        Some(Focus::Pane(pane)) => pane.word(),
        _ => "!>",
    };
    let mut line = Line::from(canvas.span(format!(" {origin} "), Tone::Dim));
    let mut before = None;
    for (at, page) in model.pages.iter().enumerate() {
        let last = at + 1 == model.pages.len();
        line.push_span(canvas.span(format!("{} ", canvas.glyphs.step), Tone::Dim));
        // An output that was not opened from the page of its job says whose it is.
        let title = match page {
            Page::Output(live) if before != Some(live.job) => format!("{} {}", live.job, page.title()),
            page => page.title(),
        };
        before = page.about();
        let title = text::cut_end(&title, room, canvas.glyphs.cut);
        line.push_span(canvas.span(format!("{title} "), if last { Tone::Accent } else { Tone::Plain }));
    }
    line
}

/// How far a run is, and how it went where.
fn standing(canvas: &Canvas<'_, '_>, watch: &Watch) -> Line<'static> {
    let tone = match watch.state {
        State::Runs => Tone::Accent,
        State::Ended { status: 0, .. } => Tone::Good,
        State::Stops => Tone::Warn,
        State::Ended { .. } => Tone::Bad,
    };
    let mut line = Line::from(canvas.span(watch.words(canvas.model.now.mono), tone));
    for (count, words) in watch.tally.words() {
        let tone = match count {
            Count::Done => Tone::Plain,
            Count::Failed if watch.tally.failed > 0 => Tone::Bad,
            Count::Unreachable if watch.tally.unreachable > 0 => Tone::Warn,
            Count::Failed | Count::Unreachable => Tone::Dim,
        };
        line.push_span(canvas.span(format!("   {words}"), tone));
    }
    if watch.folded {
        line.push_span(canvas.span("   folded", Tone::Dim));
    }
    line
}

/// Facts in as many columns as have room, read downwards.
fn facts(canvas: &mut Canvas<'_, '_>, area: Area, columns: u16, facts: &[Fact]) {
    let rows = facts.len().div_ceil(columns.into()).max(1);
    let wide = area.width / columns;
    for (at, (label, value, tone)) in facts.iter().enumerate() {
        let (column, row) = (u16::try_from(at / rows).unwrap_or(0), u16::try_from(at % rows).unwrap_or(0));
        let x = area.x + 1 + column * wide;
        canvas.put(x, area.y + row, 10, label, canvas.tone(Tone::Dim));
        let room = wide.saturating_sub(12);
        let shown = text::cut_middle(value, room.into(), canvas.glyphs.cut);
        canvas.put(x + 10, area.y + row, room, &shown, canvas.tone(*tone));
    }
}

fn of_worker(canvas: &Canvas<'_, '_>, worker: &Worker) -> [Fact; layout::WORKER_FACTS as usize] {
    let row = &worker.row;
    let sight = canvas.model.sight();
    let cells = |name: &str| {
        let column = panes::workers::COLUMNS.iter().find(|c| c.name == name);
        column.map_or_else(
            || (String::new(), Tone::Plain),
            |c| {
                let cell = (c.cell)(worker, &sight);
                let more: String = cell.more.iter().map(|(text, _)| text.as_str()).collect();
                (cell.text.trim().to_owned() + &more, cell.tone)
            },
        )
    };
    let fact = |label, name| {
        let (text, tone) = cells(name);
        (label, text, tone)
    };
    [
        ("host", worker.hostname.clone(), Tone::Strong),
        fact("status", "status"),
        ("agent", text::sanitize(&row.version), Tone::Plain),
        fact("heard", "heard"),
        fact("slots", "slots"),
        fact("cpu", "cpu"),
        fact("memory", "memory"),
        fact("gpu", "gpu"),
        fact("group", "group"),
        fact("tags", "tags"),
    ]
}

/// How long it ran, and how far it is.
fn run_time(canvas: &Canvas<'_, '_>, job: &Job) -> String {
    let sight = canvas.model.sight();
    let ran = run_ms(job, sight.now.wall_ms).map_or_else(|| canvas.glyphs.none.to_owned(), time::span);
    match progress(job, &sight) {
        Some((progress, _)) => format!("{ran}  {progress}"),
        None => ran,
    }
}

fn of_job(canvas: &Canvas<'_, '_>, job: &Job) -> [Fact; layout::JOB_FACTS as usize] {
    let row = &job.row;
    let model = canvas.model;
    let none = || canvas.glyphs.none.to_owned();
    let at = |ms: Option<u64>| ms.map_or_else(none, |ms| clock(ms, model.settings.utc_offset_s));
    let outcome = row.outcome.as_ref().map_or_else(none, |o| text::sanitize(&o.to_string()));
    let age = short_span(model.now.wall_ms.saturating_sub(row.submitted_ms));
    let (standing, tone) = panes::jobs::standing(job);
    [
        ("state", format!("{} {standing}", canvas.glyphs.state(row.state)), tone),
        ("outcome", outcome, panes::tone(row.state)),
        ("worker", row.worker.map_or_else(none, |w| w.to_string()), Tone::Plain),
        ("attempt", row.attempt.to_string(), Tone::Plain),
        ("submitted", format!("{} {} {age} ago", at(Some(row.submitted_ms)), canvas.glyphs.dot), Tone::Plain),
        ("started", at(row.started_ms), Tone::Plain),
        ("ended", at(row.ended_ms), Tone::Plain),
        ("run time", run_time(canvas, job), Tone::Plain),
        ("group", row.group.as_ref().map_or_else(none, |g| format!("@{g}")), Tone::Plain),
        ("tags", if row.tags.is_empty() { none() } else { row.tags.join(" ") }, Tone::Plain),
        ("priority", row.priority.to_string(), Tone::Plain),
        ("name", row.name.as_deref().map_or_else(none, text::sanitize), Tone::Plain),
    ]
}
