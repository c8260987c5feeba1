//! Drawing a table: heads with the sort arrow, and the rows that are in sight.

use super::canvas::Canvas;
use crate::app::cache::Cache;
use crate::app::focus::Focus;
use crate::app::layout::Area;
use crate::app::model::Model;
use crate::app::msg::Target;
use crate::app::table::{Align, Cell, Cut, Grid, Head, Room, Sort, Tone};
use crate::app::text;

/// Between two columns.
const GAP: u16 = 1;
/// Cells below which a column that grows says nothing.
const NARROWEST: u16 = 8;
/// Below this width of the screen each cell counts; and those of the shortest ids.
const NARROW: u16 = 60;
const IDS: u16 = 5;
/// In front of the first column, for marks.
const MARGIN: u16 = 1;

/// Draws heads and rows into the inside of a box.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Area, table: &dyn Grid<Cache>, focus: Focus) {
    let heads = table.heads();
    let columns = columns(canvas.model, table, &heads, area.width);
    draw_heads(canvas, area, table.sort(), &heads, &columns, focus);
    let focused = canvas.model.focus == focus && canvas.model.overlay.is_none();
    for (line, at) in (1..area.height).zip(table.visible()) {
        let y = area.y + line;
        let whole = Area { y, height: 1, ..area };
        if table.is_marked(at) {
            canvas.put(area.x, y, 1, canvas.glyphs.mark, canvas.tone(Tone::Accent));
        }
        for (index, x, width) in &columns {
            if let Some(cell) = table.cell(at, *index, &canvas.model.sight()) {
                let place = Area { x: area.x + MARGIN + x, y, width: *width, height: 1 };
                draw_cell(canvas, &cell, heads[*index].align, place);
            }
        }
        if focused && table.is_selected(at) {
            canvas.wash(whole, canvas.theme.selected());
        }
        canvas.hit(whole, Target::Row(focus, at));
    }
}

fn draw_heads(
    canvas: &mut Canvas<'_, '_>,
    area: Area,
    sort: Sort,
    heads: &[Head],
    columns: &[(usize, u16, u16)],
    focus: Focus,
) {
    for (index, x, width) in columns {
        let head = heads[*index];
        let sorted = sort.column == *index;
        let arrow = if sorted { canvas.glyphs.sort[usize::from(sort.descending)] } else { "" };
        let name = text::cut_end(&format!("{}{arrow}", head.name), (*width).into(), canvas.glyphs.cut);
        let place = Area { x: area.x + MARGIN + x, y: area.y, width: *width, height: 1 };
        let style = canvas.tone(if sorted { Tone::Accent } else { Tone::Dim });
        put_aligned(canvas, place, &name, head.align, style);
        canvas.hit(place, Target::Head(focus, *index));
    }
}

fn draw_cell(canvas: &mut Canvas<'_, '_>, cell: &Cell, align: Align, place: Area) {
    let (width, sign) = (usize::from(place.width), canvas.glyphs.cut);
    let shown = match cell.cut {
        Cut::Behind(name) if text::width(&cell.text[..name]) < width => {
            let (name, command) = cell.text.split_at(name);
            format!("{name}{}", text::cut_middle(command, width - text::width(name), sign))
        }
        Cut::Behind(_) | Cut::End => text::cut_end(&cell.text, width, sign),
    };
    put_aligned(canvas, place, &shown, align, canvas.tone(cell.tone));
    let mut used = text::width(&shown);
    for (more, tone) in &cell.more {
        let shown = text::cut_end(more, width.saturating_sub(used), sign);
        let at = u16::try_from(used).unwrap_or(u16::MAX);
        canvas.put(place.x.saturating_add(at), place.y, place.width.saturating_sub(at), &shown, canvas.tone(*tone));
        used += text::width(&shown);
    }
}

fn put_aligned(canvas: &mut Canvas<'_, '_>, place: Area, text: &str, align: Align, style: ratatui::style::Style) {
    let free = usize::from(place.width).saturating_sub(text::width(text));
    let indent = match align {
        Align::Left => 0,
        Align::Right => u16::try_from(free).unwrap_or(0),
    };
    canvas.put(place.x + indent, place.y, place.width - indent, text, style);
}

/// Whether a column has room in a box of this width.
pub(super) fn shows(model: &Model, table: &dyn Grid<Cache>, column: usize, width: u16) -> bool {
    columns(model, table, &table.heads(), width).iter().any(|(index, ..)| *index == column)
}

/// The columns in which there is something, each with its place.
fn columns(model: &Model, table: &dyn Grid<Cache>, heads: &[Head], width: u16) -> Vec<(usize, u16, u16)> {
    let used = (0..heads.len()).filter(|&column| table.uses(column, &model.cache)).collect();
    // Where each cell counts, ids take no more of them than they have; elsewhere nothing moves when there are more.
    let id = model.cache.jobs.keys().next_back().map_or(0, |id| text::width(&id.to_string()));
    let id = u16::try_from(id).unwrap_or(u16::MAX).max(IDS);
    let fitted = |(column, head): (usize, &Head)| match (table.widest(column, &model.cache), head.room) {
        (Some(cells), Room::Fixed(_)) if head.name == "id" && model.size.0 < NARROW => {
            Head { room: Room::Fixed(cells.min(id)), ..*head }
        }
        (Some(cells), Room::Fixed(_)) => Head { room: Room::Fixed(cells), ..*head },
        (Some(min), Room::Grow { share, .. }) => Head { room: Room::Grow { min, share }, ..*head },
        (None, _) => *head,
    };
    let heads: Vec<Head> = heads.iter().enumerate().map(fitted).collect();
    place(&heads, used, width.saturating_sub(MARGIN))
}

/// Which columns have room, where, and how wide: those that hide first give way until the least
/// widths fit, those that never hide shrink, and what is left goes to those that grow.
fn place(columns: &[Head], mut shown: Vec<usize>, width: u16) -> Vec<(usize, u16, u16)> {
    let least = |shown: &[usize]| shown.iter().map(|&i| columns[i].room.min() + GAP).sum::<u16>().saturating_sub(GAP);
    while least(&shown) > width {
        let Some(first) = shown.iter().copied().filter(|&i| columns[i].hide > 0).max_by_key(|&i| (columns[i].hide, i))
        else {
            break;
        };
        shown.retain(|i| *i != first);
    }
    let mut missing = least(&shown).saturating_sub(width);
    let share = |i: usize| match columns[i].room {
        Room::Grow { share, .. } => share,
        Room::Fixed(_) => 0,
    };
    let mut free = width.saturating_sub(least(&shown));
    let mut shares: u16 = shown.iter().map(|&i| share(i)).sum();
    let mut x = 0;
    let mut placed = Vec::with_capacity(shown.len());
    for i in shown {
        let extra = (free * share(i)).checked_div(shares).unwrap_or(0);
        free -= extra;
        shares -= share(i);
        let mut wide = columns[i].room.min() + extra;
        if let Room::Grow { min, .. } = columns[i].room {
            let gives = missing.min(min.saturating_sub(NARROWEST));
            (wide, missing) = (wide - gives, missing - gives);
        }
        let wide = wide.min(width.saturating_sub(x));
        if wide == 0 {
            break;
        }
        placed.push((i, x, wide));
        x += wide + GAP;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panes::{Pane, Panes};

    #[test]
    fn columns_give_way_and_never_overflow() {
        let columns = Panes::default().grid(Pane::Jobs).heads();
        let all = || (0..columns.len()).collect::<Vec<_>>();
        let mut before = 0;
        for width in 0..300 {
            let placed = place(&columns, all(), width);
            let end = placed.last().map_or(0, |(_, x, wide)| x + wide);
            assert!(end <= width, "{width}: {placed:?}");
            assert!(placed.len() >= before, "fewer columns at {width}");
            before = placed.len();
        }
        assert_eq!(before, columns.len());
        let named =
            |shown, width| place(&columns, shown, width).iter().map(|(i, ..)| columns[*i].name).collect::<Vec<_>>();
        let names = |width| named(all(), width);
        assert_eq!(names(37), ["id", "state", "job"], "a job has a name on the narrowest screens");
        assert_eq!(names(50), ["id", "state", "job"]);
        assert_eq!(names(79), ["id", "state", "job", "worker", "run"]);
        assert_eq!(names(90), ["id", "state", "job", "worker", "run", "age"]);
        let plain = [0, 1, 2, 5, 7, 8].to_vec();
        let wide = |shown| place(&columns, shown, 150).iter().find(|(i, ..)| *i == 2).map(|(.., wide)| *wide);
        assert!(wide(plain) > wide(all()), "empty columns give their room to the name and the command");
    }
}
