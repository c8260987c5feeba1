//! What lies over the screen: the keys, all commands, questions, and the completion menu.

use ratatui::text::Line;

use super::canvas::{Canvas, Titles};
use crate::app::finder::{Entry, Finder, Kind};
use crate::app::layout::Area;
use crate::app::line::Menu;
use crate::app::msg::Target;
use crate::app::overlay::{Overlay, Question};
use crate::app::table::Tone;
use crate::app::text;

/// Rows of the completion menu.
const MENU_ROWS: usize = 8;
/// Cells of a column of keys or commands, and those of a screen on which two of them have room.
const COLUMN: u16 = 72;
const TWO_COLUMNS: u16 = 2 * COLUMN - 12;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, over: &Overlay) {
    match over {
        Overlay::Finder(finder) => find(canvas, finder),
        Overlay::Question(question) => ask(canvas, question),
    }
}

/// What can be found, a page at a time, in two columns where there is room for them.
fn find(canvas: &mut Canvas<'_, '_>, finder: &Finder) {
    let found = finder.found();
    let whole = canvas.whole();
    let wanted = u16::try_from(found.len()).unwrap_or(u16::MAX).saturating_add(4);
    let columns: u16 = if finder.kind == Kind::Keys && whole.width >= TWO_COLUMNS { 2 } else { 1 };
    let height = wanted.div_ceil(columns).clamp(8, whole.height.saturating_sub(2).max(8));
    let foot = match finder.kind {
        Kind::Actions => " its key does it, Esc closes ",
        Kind::Keys | Kind::Everything => " type to find, Esc closes ",
    };
    let titles = Titles {
        left: Line::from(canvas.span(format!(" {} ", finder.kind.title()), Tone::Accent)),
        foot: Line::from(canvas.span(foot, Tone::Dim)),
        foot_right: Line::from(
            canvas.span(format!(" {}/{} ", (finder.at + 1).min(found.len()), found.len()), Tone::Dim),
        ),
        ..Titles::default()
    };
    let area = canvas.dialog(COLUMN * columns, height, &titles);
    let prompt = Line::from(vec![canvas.span("/ ", Tone::Accent), canvas.span(finder.needle.clone(), Tone::Strong)]);
    let end = canvas.put_line(area.x + 1, area.y, area.width.saturating_sub(1), &prompt);
    canvas.cursor(end, area.y);
    let rows = usize::from(area.height.saturating_sub(2)).max(1);
    if found.is_empty() {
        let words = format!("nothing fits {:?}: Backspace takes letters away", finder.needle);
        return canvas.centred(Area { y: area.y + 2, ..area }, 0, &words, canvas.tone(Tone::Plain));
    }
    let page = rows * usize::from(columns);
    let top = finder.at / page * page;
    let width = area.width / columns;
    // Names take what they need, whatever is found, and words the rest.
    let name = u16::try_from(finder.widest() + 3).unwrap_or(u16::MAX).min(width * 2 / 5);
    for (index, entry) in found.iter().enumerate().skip(top).take(page) {
        let place = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let (column, y) = (place((index - top) / rows), area.y + 2 + place((index - top) % rows));
        let row = Area { x: area.x + column * width, y, width, height: 1 };
        let keys = entry.keys();
        match entry {
            Entry::Head(title) => canvas.put(row.x + 1, y, width, title, canvas.tone(Tone::Strong)),
            Entry::Key(_) => canvas.put(row.x + 2, y, name - 2, &keys, canvas.tone(Tone::Accent)),
            Entry::Command(_) => canvas.put(row.x + 2, y, name - 2, entry.name(), canvas.tone(Tone::Strong)),
        }
        let room = width.saturating_sub(name + 2);
        let words = text::cut_words(entry.words(), room.into(), canvas.glyphs.cut);
        canvas.put(row.x + name + 1, y, room, &words, canvas.tone(Tone::Plain));
        if index == finder.at {
            canvas.wash(row, canvas.theme.selected());
        }
        canvas.hit(row, Target::Choice(index));
    }
}

fn ask(canvas: &mut Canvas<'_, '_>, question: &Question) {
    let lines = question.lines.len().min(12);
    let height = u16::try_from(lines).unwrap_or(0) + 5;
    let titles =
        Titles { left: Line::from(canvas.span(format!(" {} ", question.title), Tone::Warn)), ..Titles::default() };
    let area = canvas.dialog(66, height, &titles);
    let room = usize::from(area.width).saturating_sub(2);
    for (line, y) in question.lines.iter().take(lines).zip(area.y + 1..) {
        let shown = text::cut_middle(&text::sanitize(line), room, canvas.glyphs.cut);
        canvas.put(area.x + 1, y, area.width, &shown, canvas.tone(Tone::Plain));
    }
    let y = area.y + area.height.saturating_sub(1);
    let answer = match question.count {
        None => Line::from(vec![
            canvas.span("y", Tone::Accent),
            canvas.span(" yes    ", Tone::Plain),
            canvas.span("n", Tone::Accent),
            canvas.span(" no (Enter)", Tone::Plain),
        ]),
        Some(count) => Line::from(vec![
            canvas.span(format!("type {count} and Enter to do it, Esc leaves it: "), Tone::Plain),
            canvas.span(question.typed.clone(), Tone::Strong),
        ]),
    };
    if let (Some(count), Some(wrong)) = (question.count, &question.wrong) {
        let words = if wrong.is_empty() { format!("{count} was not typed") } else { format!("{wrong} is not {count}") };
        canvas.put(area.x + 1, y.saturating_sub(1), area.width, &words, canvas.tone(Tone::Bad));
    }
    let end = canvas.put_line(area.x + 1, y, area.width.saturating_sub(1), &answer);
    if question.count.is_some() {
        canvas.cursor(end, y);
    }
}

/// The completion menu, above the line where the completed word begins.
pub(super) fn menu(canvas: &mut Canvas<'_, '_>, menu: &Menu, line: Area) {
    let choices = &menu.completion.choices;
    let rows = choices.len().min(MENU_ROWS).min(usize::from(line.y).saturating_sub(3));
    let at = menu.at.unwrap_or(0);
    let top = (at + 1).saturating_sub(rows);
    let name = choices.iter().map(|c| text::width(&c.text)).max().unwrap_or(0).min(30);
    let about = choices.iter().map(|c| text::width(&c.words)).max().unwrap_or(0).min(40);
    let width = u16::try_from(name + about + 6).unwrap_or(u16::MAX).min(line.width);
    let before = text::width(&canvas.model.line.editor.text()[..menu.completion.start]);
    let x = u16::try_from(before + 2).unwrap_or(u16::MAX).min(line.width - width);
    let height = u16::try_from(rows + 2).unwrap_or(0);
    let area = Area { x, y: line.y.saturating_sub(height), width, height };
    canvas.blank(area);
    let titles =
        Titles { foot_right: Line::from(canvas.span(format!(" {} ", choices.len()), Tone::Dim)), ..Titles::default() };
    let inside = canvas.framed(area, false, &titles);
    for ((index, choice), y) in choices.iter().enumerate().skip(top).take(rows).zip(inside.y..) {
        let row = Area { y, height: 1, ..inside };
        let shown = text::cut_end(&choice.text, name, canvas.glyphs.cut);
        canvas.put(inside.x + 1, y, inside.width, &shown, canvas.tone(Tone::Strong));
        let left = inside.width.saturating_sub(u16::try_from(name).unwrap_or(0) + 4);
        let words = text::cut_middle(&choice.words, left.into(), canvas.glyphs.cut);
        canvas.put(inside.x + 3 + u16::try_from(name).unwrap_or(0), y, left, &words, canvas.tone(Tone::Dim));
        if menu.at == Some(index) {
            canvas.wash(row, canvas.theme.selected());
        }
        canvas.hit(row, Target::Choice(index));
    }
}
