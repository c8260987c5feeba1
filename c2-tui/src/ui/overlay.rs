//! What lies over the screen: the keys, all commands, questions, and the completion menu.

use ratatui::text::Line;

use super::canvas::{Canvas, Titles};
use crate::app::layout::Area;
use crate::app::line::Menu;
use crate::app::msg::Target;
use crate::app::overlay::{self, HelpLine, Overlay, Question};
use crate::app::table::Tone;
use crate::app::text;

/// Rows of the completion menu.
const MENU_ROWS: usize = 8;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, over: &Overlay) {
    match over {
        Overlay::Help { entries, top } => help(canvas, entries, *top),
        Overlay::Palette { needle, at } => palette(canvas, needle, *at),
        Overlay::Question(question) => ask(canvas, question),
    }
}

fn help(canvas: &mut Canvas<'_, '_>, entries: &[HelpLine], top: usize) {
    let height = canvas.whole().height.saturating_sub(2);
    let rows = usize::from(height.saturating_sub(2));
    let top = top.min(entries.len().saturating_sub(rows));
    let last = (top + rows).min(entries.len());
    let titles = Titles {
        left: Line::from(canvas.span(" keys ", Tone::Accent)),
        foot: Line::from(canvas.span(" Esc closes ", Tone::Dim)),
        foot_right: Line::from(canvas.span(format!(" {}-{last}/{} ", top + 1, entries.len()), Tone::Dim)),
        ..Titles::default()
    };
    let area = canvas.dialog(72, height, titles);
    for (entry, y) in entries[top..last].iter().zip(area.y..) {
        match entry {
            HelpLine::Gap => {}
            HelpLine::Head(title) => canvas.put(area.x + 1, y, area.width, title, canvas.tone(Tone::Strong)),
            HelpLine::Key(binding) => {
                let keys = binding.keys().collect::<Vec<_>>().join("  ");
                canvas.put(area.x + 3, y, 28, &keys, canvas.tone(Tone::Accent));
                canvas.put(area.x + 32, y, area.width.saturating_sub(33), binding.words, canvas.tone(Tone::Plain));
            }
        }
    }
}

fn palette(canvas: &mut Canvas<'_, '_>, needle: &str, at: usize) {
    let found = overlay::matching(needle);
    let height = canvas.whole().height.saturating_sub(4).min(22);
    let titles = Titles {
        left: Line::from(canvas.span(" all commands ", Tone::Accent)),
        foot_right: Line::from(canvas.span(format!(" {} ", found.len()), Tone::Dim)),
        ..Titles::default()
    };
    let area = canvas.dialog(72, height, titles);
    let prompt = Line::from(vec![canvas.span("/ ", Tone::Accent), canvas.span(needle.to_owned(), Tone::Strong)]);
    let end = canvas.put_line(area.x + 1, area.y, area.width.saturating_sub(1), &prompt);
    canvas.cursor(end, area.y);
    let rows = usize::from(area.height.saturating_sub(2));
    let top = (at + 1).saturating_sub(rows);
    for ((index, verb), y) in found.iter().enumerate().skip(top).take(rows).zip(area.y + 2..) {
        let row = Area { y, height: 1, ..area };
        canvas.put(area.x + 1, y, 20, &verb.name, canvas.tone(Tone::Strong));
        canvas.put(area.x + 22, y, area.width.saturating_sub(23), &verb.summary, canvas.tone(Tone::Plain));
        if index == at {
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
    let area = canvas.dialog(66, height, titles);
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
            canvas.span(format!("type {count} and Enter to do it, n to leave: "), Tone::Plain),
            canvas.span(question.typed.clone(), Tone::Strong),
        ]),
    };
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
    let inside = canvas.framed(area, false, titles);
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
