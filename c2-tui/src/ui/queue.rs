//! The upper part of the queue pane: the counts of all states, and how full the queue is.

use c2_shared::job::JobState;
use ratatui::text::Line;

use super::canvas::Canvas;
use crate::app::layout::Area;
use crate::app::panes::{Pane, short_span, tone};
use crate::app::table::Tone;

/// Draws the counts; answers what is left below them.
pub(super) fn head(canvas: &mut Canvas<'_, '_>, pane: Area, inside: Area) -> Area {
    let rows = Pane::Queue.view().head_rows(pane.height).min(inside.height);
    match rows {
        0 => {}
        1 => short(canvas, inside),
        _ => long(canvas, inside),
    }
    Area { y: inside.y + rows, height: inside.height - rows, ..inside }
}

/// All counts on one line; those of nothing only where the others leave room.
fn short(canvas: &mut Canvas<'_, '_>, area: Area) {
    let (cache, queue) = (&canvas.model.cache, &canvas.model.cache.queue);
    let states = [
        (JobState::Queued, queue.queued),
        (JobState::Running, cache.running()),
        (JobState::Blocked, queue.blocked),
        (JobState::Held, queue.held),
    ];
    let counts = states.into_iter().map(|(state, count)| {
        let tone = if count == 0 { Tone::Dim } else { tone(state) };
        (count > 0, canvas.span(format!("{} {count} {state}  ", canvas.glyphs.state(state)), tone))
    });
    let asides = [aside(canvas, JobState::Queued), aside(canvas, JobState::Running)].into_iter().flatten();
    let asides = asides.map(|words| (true, canvas.span(format!("{words}  "), Tone::Warn)));
    let parts: Vec<_> = counts.chain(asides).collect();
    let (mut shown, mut left) = (vec![false; parts.len()], usize::from(area.width));
    for matters in [true, false] {
        for (at, (_, part)) in parts.iter().enumerate().filter(|(_, part)| part.0 == matters) {
            shown[at] = part.width() <= left;
            left -= if shown[at] { part.width() } else { 0 };
        }
    }
    let spans = parts.into_iter().zip(shown).filter_map(|((_, part), shown)| shown.then_some(part));
    let line: Line<'_> = spans.collect();
    canvas.put_line(area.x + 1, area.y, area.width.saturating_sub(1), &line);
}

/// What is not as it should be with jobs of a state.
fn aside(canvas: &Canvas<'_, '_>, state: JobState) -> Option<String> {
    let cache = &canvas.model.cache;
    let (count, words) = match state {
        JobState::Queued => (cache.cannot_run(), "cannot run now"),
        JobState::Running => (cache.queue.unreachable, "unreachable"),
        _ => return None,
    };
    (count > 0).then(|| format!("{count} {words}"))
}

/// A line for each state, with bars.
fn long(canvas: &mut Canvas<'_, '_>, area: Area) {
    let queue = &canvas.model.cache.queue;
    let states = [
        (JobState::Queued, queue.queued),
        (JobState::Running, canvas.model.cache.running()),
        (JobState::Blocked, queue.blocked),
        (JobState::Held, queue.held),
    ];
    let most = states.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let bar = usize::from(area.width.saturating_sub(24)).min(40);
    for ((state, count), y) in states.into_iter().zip(area.y..) {
        let tone = if count == 0 { Tone::Dim } else { tone(state) };
        // What is not as it should be is worth more than the length of a bar.
        let aside = aside(canvas, state).filter(|words| words.len() < usize::from(area.width.saturating_sub(24)));
        let bar = bar.saturating_sub(aside.as_ref().map_or(0, |words| words.len() + 2));
        let bar = if count == 0 { String::new() } else { filled(canvas, count, most, bar) };
        let word = format!("{} {:<8}", canvas.glyphs.state(state), state.word());
        let gap = if bar.is_empty() { "" } else { "  " };
        let line = Line::from(vec![
            canvas.span(word, tone),
            canvas.span(format!("{count:>8}  "), if count == 0 { Tone::Dim } else { Tone::Strong }),
            canvas.span(bar, tone),
            canvas.span(aside.map_or_else(String::new, |words| format!("{gap}{words}")), Tone::Warn),
        ]);
        canvas.put_line(area.x + 1, y, area.width.saturating_sub(1), &line);
    }
    rate(canvas, Area { y: area.y + 4, height: 1, ..area });
    let ended = |state| queue.ended.get(&state).copied().unwrap_or(0);
    let sign = |state| canvas.glyphs.state(state);
    let mut line = Line::from(vec![
        canvas.span(format!("{:<10}{:>8}", "  active", queue.active), Tone::Dim),
        canvas.span(format!("   {} {}", sign(JobState::Succeeded), ended(JobState::Succeeded)), Tone::Good),
        canvas.span(format!("  {} {}", sign(JobState::Failed), ended(JobState::Failed)), Tone::Bad),
        canvas.span(format!("  {} {}", sign(JobState::Cancelled), ended(JobState::Cancelled)), Tone::Dim),
    ]);
    let (room, of) = (area.width.saturating_sub(1), format!("  of {}", queue.capacity));
    if line.width() + of.len() <= room.into() {
        line.spans.insert(1, canvas.span(of, Tone::Dim));
    }
    canvas.put_line(area.x + 1, area.y + 5, room, &line);
}

/// How many jobs ended in each of the last minutes, and when the queue will be empty.
fn rate(canvas: &mut Canvas<'_, '_>, area: Area) {
    let (cache, now) = (&canvas.model.cache, canvas.model.now.wall_ms);
    let minutes = cache.ends.minutes(now);
    let all: u32 = minutes.iter().map(|minute| minute.all).sum();
    let most = minutes.iter().map(|minute| minute.all).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let mut line = Line::from(canvas.span(format!("{:<10}{all:>8}  ", "  in 15m"), Tone::Dim));
    for minute in &minutes {
        let percent = u8::try_from(minute.all * 100 / most).unwrap_or(100);
        let tone = if minute.failed > 0 { Tone::Bad } else { Tone::Good };
        let sign = if minute.all == 0 { " ".to_owned() } else { canvas.glyphs.graph(&[percent], 1) };
        line.push_span(canvas.span(sign, tone));
    }
    let eta = cache.eta_ms(now).filter(|eta| *eta > 0);
    let words = eta.map_or_else(String::new, |eta| format!("  empty in {}", short_span(eta)));
    if line.width() + words.len() < area.width.into() {
        line.push_span(canvas.span(words, Tone::Plain));
    }
    canvas.put_line(area.x + 1, area.y, area.width.saturating_sub(1), &line);
}

fn filled(canvas: &Canvas<'_, '_>, count: usize, most: usize, cells: usize) -> String {
    let bar = canvas.glyphs.bar(count as u64, most as u64, cells);
    bar.replace(canvas.glyphs.bar[1], "")
}
