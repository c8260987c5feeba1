//! Drawing a table: heads with the sort arrow, and the rows that are in sight.

use super::canvas::Canvas;
use crate::app::cache::Cache;
use crate::app::focus::Focus;
use crate::app::layout::Area;
use crate::app::msg::Target;
use crate::app::table::{Align, Cell, Grid, Head, Room, Sort, Tone};
use crate::app::text;

/// Between two columns.
const GAP: u16 = 1;
/// In front of the first column, for marks.
const MARGIN: u16 = 1;

/// Draws heads and rows into the inside of a box.
pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Area, table: &dyn Grid<Cache>, focus: Focus) {
    let heads = table.heads();
    let columns = place(&heads, area.width.saturating_sub(MARGIN));
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
    let width = usize::from(place.width);
    let shown = if cell.cut_middle {
        text::cut_middle(&cell.text, width, canvas.glyphs.cut)
    } else {
        text::cut_end(&cell.text, width, canvas.glyphs.cut)
    };
    put_aligned(canvas, place, &shown, align, canvas.tone(cell.tone));
}

fn put_aligned(canvas: &mut Canvas<'_, '_>, place: Area, text: &str, align: Align, style: ratatui::style::Style) {
    let free = usize::from(place.width).saturating_sub(text::width(text));
    let indent = match align {
        Align::Left => 0,
        Align::Right => u16::try_from(free).unwrap_or(0),
    };
    canvas.put(place.x + indent, place.y, place.width - indent, text, style);
}

/// Which columns have room, where, and how wide: those that hide first give way until the least
/// widths fit, and what is left goes to those that grow.
fn place(columns: &[Head], width: u16) -> Vec<(usize, u16, u16)> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let least = |shown: &[usize]| shown.iter().map(|&i| columns[i].room.min() + GAP).sum::<u16>().saturating_sub(GAP);
    while least(&shown) > width && shown.len() > 1 {
        let first_to_hide = shown.iter().copied().max_by_key(|&i| (columns[i].hide, i));
        shown.retain(|i| Some(*i) != first_to_hide);
    }
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
        let wide = (columns[i].room.min() + extra).min(width.saturating_sub(x));
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
        let mut before = 0;
        for width in 0..300 {
            let placed = place(&columns, width);
            let end = placed.last().map_or(0, |(_, x, wide)| x + wide);
            assert!(end <= width, "{width}: {placed:?}");
            assert!(placed.len() >= before, "fewer columns at {width}");
            before = placed.len();
        }
        assert_eq!(before, columns.len());
        let names = |width| place(&columns, width).iter().map(|(i, ..)| columns[*i].name).collect::<Vec<_>>();
        assert_eq!(names(50), ["id", "state", "job"]);
        assert_eq!(names(79), ["id", "state", "job", "worker", "run", "age"]);
    }
}
