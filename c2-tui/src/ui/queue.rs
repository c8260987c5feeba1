//! The upper part of the queue pane: the counts of all states, and how full the queue is.

use c2_shared::job::JobState;
use ratatui::text::Line;

use super::canvas::Canvas;
use crate::app::layout::{self, Area};
use crate::app::panes::{Pane, tone};
use crate::app::table::Tone;

/// Draws the counts; answers what is left below them.
pub(super) fn head(canvas: &mut Canvas<'_, '_>, pane: Area, inside: Area) -> Area {
    let rows = layout::pane_head(Pane::Queue, pane).min(inside.height);
    match rows {
        0 => {}
        1 => short(canvas, inside),
        _ => long(canvas, inside),
    }
    Area { y: inside.y + rows, height: inside.height - rows, ..inside }
}

/// All counts on one line.
fn short(canvas: &mut Canvas<'_, '_>, area: Area) {
    let queue = &canvas.model.cache.queue;
    let mut line = Line::default();
    let states = [
        (JobState::Queued, queue.queued),
        (JobState::Running, queue.running),
        (JobState::Blocked, queue.blocked),
        (JobState::Held, queue.held),
    ];
    for (state, count) in states {
        let tone = if count == 0 { Tone::Dim } else { tone(state) };
        let part = canvas.span(format!("{} {count} {state}  ", canvas.glyphs.state(state)), tone);
        if line.width() + part.width() <= usize::from(area.width) {
            line.push_span(part);
        }
    }
    canvas.put_line(area.x + 1, area.y, area.width.saturating_sub(1), &line);
}

/// A line for each state, with bars.
fn long(canvas: &mut Canvas<'_, '_>, area: Area) {
    let queue = &canvas.model.cache.queue;
    let states = [
        (JobState::Queued, queue.queued),
        (JobState::Running, queue.running),
        (JobState::Blocked, queue.blocked),
        (JobState::Held, queue.held),
    ];
    let most = states.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let bar = usize::from(area.width.saturating_sub(24)).min(40);
    for ((state, count), y) in states.into_iter().zip(area.y..) {
        let tone = if count == 0 { Tone::Dim } else { tone(state) };
        let bar = if count == 0 { String::new() } else { filled(canvas, count, most, bar) };
        let word = format!("{} {:<8}", canvas.glyphs.state(state), state.word());
        let line = Line::from(vec![
            canvas.span(word, tone),
            canvas.span(format!("{count:>8}  "), if count == 0 { Tone::Dim } else { Tone::Strong }),
            canvas.span(bar, tone),
        ]);
        canvas.put_line(area.x + 1, y, area.width.saturating_sub(1), &line);
    }
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

fn filled(canvas: &Canvas<'_, '_>, count: usize, most: usize, cells: usize) -> String {
    let bar = canvas.glyphs.bar(count as u64, most as u64, cells);
    bar.replace(canvas.glyphs.bar[1], "")
}
