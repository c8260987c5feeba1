//! The four panes: their borders with title, chips, filter and position, and what is inside.

use ratatui::text::Line;

use super::canvas::{Canvas, Titles, inner};
use super::header::PAUSED;
use super::{queue, table};
use crate::app::cache::{Cache, JobScope};
use crate::app::focus::Focus;
use crate::app::layout::{self, Area, Screen};
use crate::app::line::Editor;
use crate::app::model::{Link, Model};
use crate::app::msg::Target;
use crate::app::panes::Pane;
use crate::app::panes::jobs::CHIPS;
use crate::app::table::{Grid, Tone};
use crate::app::text;

/// Cells of a title beside what is typed of a filter, and of one without a filter.
const FILTERED: usize = 20;
const UNFILTERED: usize = 16;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, screen: &Screen, pane: Pane, area: Area) {
    let focus = Focus::Pane(pane);
    canvas.hit(area, Target::Area(focus));
    let model = canvas.model;
    let table = model.panes.grid(pane);
    let focused = model.focus == focus;
    let foot = detail(canvas, table, focused, area);
    let foot_right = position(canvas, table, focused);
    let has_tabs = screen.tabs.is_some() && !is_filtered(canvas, table, focused);
    let left = if has_tabs { Line::default() } else { title(canvas, pane, table, area) };
    let mut titles = Titles { left, ..Titles::default() };
    let mut inside = inner(area);
    if layout::pane_foot(model, screen, area) > 0 {
        inside.height -= 1;
        let mut marked = Line::default();
        if !foot.spans.is_empty() {
            marked.push_span(canvas.span(format!(" {}", canvas.glyphs.step), Tone::Accent));
            marked.extend(foot.spans);
        }
        let words = Titles { foot: marked, foot_right, ..Titles::default() };
        canvas.titled(Area { height: area.height - 1, ..area }, &words);
    } else if !screen.is_over_another(area) {
        (titles.foot, titles.foot_right) = (foot, foot_right);
    }
    canvas.titled(area, &titles);
    if pane.view().head_rows(area.height) > 0 {
        inside = queue::head(canvas, area, inside);
    }
    if table.len() == 0 {
        empty(canvas, inside, pane, table);
    } else {
        table::draw(canvas, inside, table, focus);
        canvas.scrollbar(area, table.visible().start, table.height(), table.len());
    }
    if pane.view().has_chips() && !has_tabs {
        chips(canvas, area);
    }
}

/// The name, how many rows there are, and the filter, in which the caret may stand.
fn title(canvas: &mut Canvas<'_, '_>, pane: Pane, table: &dyn Grid<Cache>, area: Area) -> Line<'static> {
    let model = canvas.model;
    let focused = model.focus == Focus::Pane(pane);
    let tone = if focused { Tone::Accent } else { Tone::Strong };
    let mut name = canvas.span(format!(" {} ", pane.word()), tone);
    if focused {
        name.style = name.style.add_modifier(ratatui::style::Modifier::REVERSED);
    }
    let mut line = Line::from(vec![name]);
    if pane == Pane::Queue && model.cache.queue.paused {
        line.push_span(canvas.span(format!(" {PAUSED} "), Tone::Warn));
    }
    if !is_filtered(canvas, table, focused) {
        if table.in_scope() > 0 {
            line.push_span(canvas.span(format!(" {} ", table.in_scope()), Tone::Dim));
        }
        let sort = table.sort();
        if table.len() > 0 && !table::shows(model, table, sort.column, area.width.saturating_sub(2)) {
            let name = table.heads().get(sort.column).map_or("", |head| head.name);
            let arrow = canvas.glyphs.sort[usize::from(sort.descending)];
            line.push_span(canvas.span(format!("{name}{arrow} "), Tone::Dim));
        }
        return line;
    }
    let x = area.x + 1 + u16::try_from(line.width()).unwrap_or(0);
    let chips = if pane.view().has_chips() { usize::from(chips_width(&shown_chips(model, area))) + 2 } else { 0 };
    let room = usize::from(area.width).saturating_sub(line.width() + 2 + chips);
    line.spans.extend(filter(canvas, table, focused, (x, area.y), room).spans);
    line
}

/// Whether a table has a filter, or is about to.
pub(super) fn is_filtered(canvas: &Canvas<'_, '_>, table: &dyn Grid<Cache>, focused: bool) -> bool {
    !table.filter().text().is_empty() || focused && canvas.model.filtering.is_some()
}

/// The filter of a table, in which the caret may stand, and how many rows it lets pass or what is wrong with it;
/// from a place on, in so many cells.
pub(super) fn filter(
    canvas: &mut Canvas<'_, '_>,
    table: &dyn Grid<Cache>,
    focused: bool,
    (x, y): (u16, u16),
    room: usize,
) -> Line<'static> {
    let model = canvas.model;
    let typing = model.filtering.as_ref().filter(|_| focused);
    let filter = table.filter();
    let said = typing.map_or(filter.text(), Editor::text);
    let (words, tone) = match filter.error() {
        Some(error) => (format!("  {error} "), Tone::Bad),
        None => (format!("  {}/{} ", table.len(), table.in_scope()), Tone::Dim),
    };
    // What it says is more than the end of what is typed.
    let left = room.saturating_sub(text::width(&words) + 2).max(room / 3);
    if let Some(editor) = typing {
        let caret = u16::try_from(editor.caret_cell().min(left)).unwrap_or(0);
        canvas.cursor(x + 2 + caret, y);
    }
    let said = text::cut_end(said, left, canvas.glyphs.cut);
    let words = text::cut_end(&words, room.saturating_sub(text::width(&said) + 2), canvas.glyphs.cut);
    Line::from(vec![canvas.span(" /", Tone::Accent), canvas.span(said, Tone::Strong), canvas.span(words, tone)])
}

/// What the columns have cut of the selected row.
pub(super) fn detail(canvas: &Canvas<'_, '_>, table: &dyn Grid<Cache>, focused: bool, area: Area) -> Line<'static> {
    let room = usize::from(area.width).saturating_sub(position(canvas, table, focused).width() + 8);
    let detail = table.detail(&canvas.model.cache).filter(|_| focused && room > 8);
    detail.map_or_else(Line::default, |text| {
        Line::from(canvas.span(format!(" {} ", text::cut_middle(&text, room, canvas.glyphs.cut)), Tone::Plain))
    })
}

/// How many rows are marked, and which one is selected.
pub(super) fn position(canvas: &Canvas<'_, '_>, table: &dyn Grid<Cache>, focused: bool) -> Line<'static> {
    let marks = table.marked();
    let mut line = Line::default();
    if marks > 0 {
        line.push_span(canvas.span(format!(" {marks} marked "), Tone::Accent));
    }
    if table.len() > 0 && (focused || table.len() > table.height()) {
        line.push_span(canvas.span(format!(" {}/{} ", table.cursor() + 1, table.len()), Tone::Dim));
    }
    line
}

/// The kinds of jobs, on the upper border at the right, where there is room for them.
fn chips(canvas: &mut Canvas<'_, '_>, area: Area) {
    let scope = canvas.model.panes.jobs.scope().clone();
    let shown = shown_chips(canvas.model, area);
    let mut x = (area.x + area.width).saturating_sub(chips_width(&shown) + 2);
    for at in shown {
        let (word, kind) = &CHIPS[at];
        let mut style = canvas.tone(if *kind == scope { Tone::Accent } else { Tone::Dim });
        if *kind == scope {
            style = style.add_modifier(ratatui::style::Modifier::REVERSED);
        }
        let width = u16::try_from(word.len() + 2).unwrap_or(0);
        canvas.put(x, area.y, width, &format!(" {word} "), style);
        canvas.hit(Area { x, y: area.y, width, height: 1 }, Target::Chip(at));
        x += width;
    }
}

/// All kinds, or only the one that is shown, or none where what is wrong with the filter takes their place.
fn shown_chips(model: &Model, area: Area) -> Vec<usize> {
    let jobs = &model.panes.jobs;
    if jobs.filter().error().is_some() {
        return Vec::new();
    }
    let typed = model.filtering.as_ref().map_or(jobs.filter().text(), Editor::text);
    let is_filtered = !typed.is_empty() || model.filtering.is_some();
    let title = if is_filtered { FILTERED + text::width(typed) } else { UNFILTERED };
    let room = usize::from(area.width).saturating_sub(title);
    let all: Vec<usize> = (0..CHIPS.len()).collect();
    if usize::from(chips_width(&all)) <= room {
        return all;
    }
    all.into_iter().filter(|at| CHIPS[*at].1 == *jobs.scope()).collect()
}

fn chips_width(shown: &[usize]) -> u16 {
    u16::try_from(shown.iter().map(|at| CHIPS[*at].0.len() + 2).sum::<usize>()).unwrap_or(u16::MAX)
}

/// Why there is nothing, and what to do next.
fn empty(canvas: &mut Canvas<'_, '_>, area: Area, pane: Pane, table: &dyn Grid<Cache>) {
    let model = canvas.model;
    let (why, next) = if !table.filter().text().is_empty() && table.in_scope() > 0 {
        (format!("none of {} matches the filter", table.in_scope()), vec![("Esc".to_owned(), "clears it")])
    } else if model.cache.heard_ms.is_none() {
        match &model.link {
            Link::Down { fault, .. } if pane == Pane::Jobs => {
                let hint = fault.hint.iter().map(|hint| (text::sanitize(hint), ""));
                (text::sanitize(&fault.message), hint.collect())
            }
            _ => ("waiting for c2d".to_owned(), Vec::new()),
        }
    } else {
        let (why, next) = pane.view().nothing(&model.panes);
        (why.to_owned(), next.iter().map(|(text, words)| (model.spelled(text), *words)).collect())
    };
    let typed = next.iter().map(|(text, _)| text::width(text)).max().unwrap_or(0);
    // One below the other, so that each can be selected with the mouse as it stands; what it does stands behind it, or
    // below it where there is little room.
    let room = usize::from(area.width);
    let beside = next.iter().all(|(_, words)| typed + 3 + text::width(words) <= room);
    let indent = if beside { typed + 3 } else { 2 };
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (text, words) in &next {
        let tone = if words.is_empty() { Tone::Dim } else { Tone::Strong };
        let mut said: Vec<Line<'_>> =
            text::wrapped(text, room).into_iter().map(|line| Line::from(canvas.span(line, tone))).collect();
        match said.last_mut().filter(|_| beside) {
            Some(last) => {
                last.push_span(canvas.span(format!("{:gap$}{words}", "", gap = indent - text::width(text)), Tone::Dim));
            }
            None => {
                let words = text::wrapped(words, room.saturating_sub(indent));
                said.extend(words.into_iter().map(|line| Line::from(canvas.span(format!("  {line}"), Tone::Dim))));
            }
        }
        lines.extend(said);
    }
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let above = rows(text::wrapped(&why, room).len());
    let row = area.height.saturating_sub(above.saturating_add(rows(lines.len()))) / 2;
    canvas.centred(area, row, &why, canvas.tone(Tone::Plain));
    let row = row.saturating_add(above);
    let wide = lines.iter().map(Line::width).max().unwrap_or(0);
    let x = area.x + u16::try_from(room.saturating_sub(wide) / 2).unwrap_or(0);
    for (line, y) in lines.iter().zip(area.y + row..area.y + area.height) {
        canvas.put_line(x, y, (area.x + area.width).saturating_sub(x), line);
    }
}

/// The names of the panes, where only one of them has room; a filter takes their place.
pub(super) fn tabs(canvas: &mut Canvas<'_, '_>, area: Area) {
    let model = canvas.model;
    if is_filtered(canvas, model.panes.grid(model.pane), model.focus == Focus::Pane(model.pane)) {
        return;
    }
    let shown = CHIPS.iter().find(|(_, scope)| scope == model.panes.jobs.scope() && *scope != JobScope::Active);
    let mut x = area.x;
    for (pane, number) in Pane::ALL.into_iter().zip(1..) {
        let here = model.pane == pane;
        let name = shown.filter(|_| pane == Pane::Jobs).map_or(pane.word(), |(word, _)| word);
        let word = format!(" {number} {name} ");
        let width = u16::try_from(word.len()).unwrap_or(0).min((area.x + area.width).saturating_sub(x));
        let style = canvas.tone(if here { Tone::Accent } else { Tone::Dim });
        let style = if here { style.add_modifier(ratatui::style::Modifier::REVERSED) } else { style };
        canvas.put(x, area.y, width, &word, style);
        canvas.hit(Area { x, y: area.y, width, height: 1 }, Target::Area(Focus::Pane(pane)));
        x += width;
    }
}
