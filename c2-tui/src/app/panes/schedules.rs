//! The page of schedules and its columns: when each runs next, and what came of it lately.

use std::borrow::Cow;

use c2_shared::api::schedules::CameTo;

use crate::app::cache::{Cache, Schedule, Sight};
use crate::app::figures::Asked;
use crate::app::glyphs::Glyphs;
use crate::app::keymap::Context;
use crate::app::listing::Source;
use crate::app::panes::log::clock;
use crate::app::panes::{Nothing, tone};
use crate::app::table::{Align, Cell, Column, Grid, Order, Room, Table, Tone};

/// The column by which they are ordered at first: what comes next.
const NEXT: usize = 1;
/// Runs that a row tells of.
const HISTORY_LEN: usize = 8;

pub(crate) struct Schedules;

impl Source for Schedules {
    fn title(&self) -> &'static str {
        "schedules"
    }

    fn asks(&self) -> Asked {
        Asked::Schedules
    }

    fn is_fickle(&self) -> bool {
        true
    }

    fn table(&self) -> Box<dyn Grid<Cache>> {
        Box::new(Table::new(COLUMNS, (), NEXT, false))
    }

    fn keys(&self) -> &'static [Context] {
        &[Context::Schedules, Context::Rows, Context::Table, Context::Pane]
    }

    fn nothing(&self) -> Nothing {
        ("there is no schedule; this adds one:", &[("schedule NAME @daily \"COMMAND\"", "")])
    }
}

/// In the order of the screen.
const COLUMNS: &[Column<Schedule>] = &[
    Column {
        name: "name",
        room: Room::Grow { min: 10, share: 2 },
        align: Align::Left,
        hide: 0,
        cell: |s, _| Cell::toned(s.row.name.as_str(), Tone::Strong),
        plain: |s| Cow::Borrowed(&s.row.name),
        order: Order::Text(|s| &s.row.name),
    },
    Column {
        name: "next",
        room: Room::Fixed(13),
        align: Align::Left,
        hide: 0,
        cell: next,
        plain: |s| Cow::Borrowed(if s.row.paused { "paused" } else { "" }),
        order: Order::Number(|s| s.next_ms().unwrap_or(u64::MAX)),
    },
    Column {
        name: "last",
        room: Room::Fixed(11),
        align: Align::Left,
        hide: 1,
        cell: |schedule, sight| match schedule.last() {
            Some(came_to) => Cell::toned(format!("{} {}", sign(came_to, sight.glyphs), word(came_to)), look(came_to)),
            None => Cell::toned(sight.glyphs.none, Tone::Dim),
        },
        plain: |s| Cow::Borrowed(s.last().map(word).unwrap_or_default()),
        order: Order::By(|a, b| a.last().cmp(&b.last())),
    },
    Column {
        name: "history",
        room: Room::Fixed(8),
        align: Align::Left,
        hide: 2,
        cell: history,
        plain: |_| Cow::Borrowed(""),
        order: Order::By(|a, b| a.last().cmp(&b.last())),
    },
    Column {
        name: "missed",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 3,
        cell: |s, _| match s.missed() {
            0 => Cell::plain(""),
            missed => Cell::toned(missed.to_string(), Tone::Warn),
        },
        plain: |s| Cow::Owned(s.missed().to_string()),
        order: Order::Number(Schedule::missed),
    },
    Column {
        name: "cron",
        room: Room::Fixed(12),
        align: Align::Left,
        hide: 4,
        cell: |s, _| Cell::plain(s.row.cron.as_str()),
        plain: |s| Cow::Borrowed(&s.row.cron),
        order: Order::Text(|s| &s.row.cron),
    },
    Column {
        name: "command",
        room: Room::Grow { min: 12, share: 3 },
        align: Align::Left,
        hide: 5,
        cell: |s, _| Cell::toned(s.command.as_str(), Tone::Dim),
        plain: |s| Cow::Borrowed(&s.command),
        order: Order::Text(|s| &s.command),
    },
];

/// The operator's clock at the next run, and how long that is away.
fn next(schedule: &Schedule, sight: &Sight<'_>) -> Cell {
    if schedule.row.paused {
        return Cell::toned("paused", Tone::Warn);
    }
    let Some(at) = schedule.next_ms() else { return Cell::toned(sight.glyphs.none, Tone::Dim) };
    let clock = clock(at, sight.utc_offset_s);
    let mut cell = Cell::plain(&clock[..5]);
    cell.push(&format!(" {}", away(at.saturating_sub(sight.now.wall_ms))), Tone::Dim);
    cell
}

/// How long something is away, as far as that is of use in a column.
fn away(ms: u64) -> String {
    match ms / 60_000 {
        0 => format!("in {}s", ms / 1_000),
        minutes if minutes < 60 => format!("in {minutes}m"),
        minutes if minutes < 48 * 60 => format!("in {}h", minutes / 60),
        minutes => format!("in {}d", minutes / (24 * 60)),
    }
}

/// A sign for each of the latest runs, the newest last.
fn history(schedule: &Schedule, sight: &Sight<'_>) -> Cell {
    let mut cell = Cell::plain("");
    for run in schedule.row.runs.iter().take(HISTORY_LEN).rev() {
        let came_to = run.came_to();
        cell.push(sign(came_to, sight.glyphs), look(came_to));
    }
    cell
}

const fn sign(came_to: CameTo, glyphs: &'static Glyphs) -> &'static str {
    match came_to {
        CameTo::Job(state) => glyphs.state(state),
        CameTo::Forgotten => glyphs.dot,
        CameTo::Skipped => glyphs.none,
    }
}

const fn word(came_to: CameTo) -> &'static str {
    match came_to {
        CameTo::Job(state) => state.word(),
        CameTo::Forgotten => "forgotten",
        CameTo::Skipped => "skipped",
    }
}

const fn look(came_to: CameTo) -> Tone {
    match came_to {
        CameTo::Job(state) => tone(state),
        CameTo::Forgotten => Tone::Dim,
        CameTo::Skipped => Tone::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_is_away() {
        let table = [(0, "in 0s"), (59_999, "in 59s"), (60_000, "in 1m"), (3_600_000, "in 1h"), (172_800_000, "in 2d")];
        for (ms, words) in table {
            assert_eq!(away(ms), words, "{ms}");
        }
    }
}
