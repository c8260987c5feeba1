//! The last line: the most useful keys of the present context, or advice about the line that is
//! being typed.

use ratatui::text::Line;

use super::canvas::Canvas;
use crate::app::focus::Focus;
use crate::app::keymap::{self, Context};
use crate::app::layout::Area;
use crate::app::line::{Advice, advise};
use crate::app::msg::Target;
use crate::app::table::Tone;
use crate::app::text;

/// Keys shown at most.
const HINTS_MAX: usize = 6;
/// Cells below which the beginning of a summary says nothing.
const SUMMARY: usize = 12;
/// Cells for the keys that answer what is proposed.
const ANSWERS: u16 = 30;

pub(super) fn draw(canvas: &mut Canvas<'_, '_>, area: Area) {
    let model = canvas.model;
    let typing = model.focus == Focus::Line && model.overlay.is_none() && model.filtering.is_none();
    let plain = model.line.search.is_none() && model.line.menu.is_none();
    let advice = if typing && plain { advise(model.line.editor.text()) } else { None };
    match advice {
        Some(advice) => say(canvas, area, advice),
        None => hints(canvas, area),
    }
}

fn say(canvas: &mut Canvas<'_, '_>, area: Area, advice: Advice) {
    let line = match advice {
        Advice::Unknown { word, near } => {
            let word = text::cut_end(&word, 30, canvas.glyphs.cut);
            let then = match near {
                Some(near) => format!(", did you mean {near}?"),
                None => ", F1 shows all".to_owned(),
            };
            Line::from(vec![canvas.span(format!(" unknown command {word}"), Tone::Bad), canvas.span(then, Tone::Plain)])
        }
        Advice::OpenQuote(quote) => Line::from(canvas.span(format!(" the quote {quote} is open"), Tone::Warn)),
        Advice::Usage { usage, summary } => {
            let room = usize::from(area.width).saturating_sub(1);
            let usage = text::cut_end(usage, room, canvas.glyphs.cut);
            let left = room.saturating_sub(text::width(&usage) + 3);
            let mut line = Line::from(canvas.span(format!(" {usage}"), Tone::Plain));
            if left >= SUMMARY {
                let summary = text::cut_words(summary, left, canvas.glyphs.cut);
                line.push_span(canvas.span(format!("   {summary}"), Tone::Dim));
            }
            line
        }
    };
    canvas.put_line(area.x, area.y, area.width, &line);
}

fn hints(canvas: &mut Canvas<'_, '_>, area: Area) {
    let mut x = area.x + 1;
    if let Some(proposal) = canvas.model.proposal.as_ref().filter(|_| canvas.model.overlay.is_none()) {
        // The keys that answer it stand whole behind it.
        let room = area.width.saturating_sub(ANSWERS).max(area.width / 2);
        // What it is called stands in front; a command gives way at its end.
        let words =
            text::cut_end(&text::sanitize(&proposal.words), usize::from(room).saturating_sub(1), canvas.glyphs.cut);
        x = canvas.put_line(x, area.y, room, &Line::from(canvas.span(format!("{words}?"), Tone::Warn))) + 2;
    }
    let mut contexts = canvas.model.contexts();
    if matches!(
        contexts.first(),
        Some(
            Context::Proposal
                | Context::Menu
                | Context::Ask
                | Context::Search
                | Context::Filter
                | Context::Finder
                | Context::Question
                | Context::Count
        )
    ) {
        // What is open wants an answer; the keys of the rest would only distract.
        contexts.truncate(1);
    }
    for binding in keymap::hints(&contexts, HINTS_MAX, |action| canvas.model.offers(action)) {
        let key = binding.keys().next().unwrap_or_default();
        let width = u16::try_from(key.len() + 1 + binding.words.len()).unwrap_or(u16::MAX);
        // A key with half of its words says less than none; a shorter one may still have room.
        if x.saturating_add(width) > area.x + area.width {
            continue;
        }
        let line =
            Line::from(vec![canvas.span(key, Tone::Accent), canvas.span(format!(" {}", binding.words), Tone::Dim)]);
        canvas.put_line(x, area.y, width, &line);
        canvas.hit(Area { x, y: area.y, width, height: 1 }, Target::Hint(binding.action));
        x += width + 3;
    }
}
