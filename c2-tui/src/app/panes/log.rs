//! The columns of the log pane: jobs as they ended.

use std::borrow::Cow;

use c2_shared::job::Outcome;

use crate::app::cache::{Job, Sight};
use crate::app::keymap::Context;
use crate::app::panes::jobs::run_ms;
use crate::app::panes::{Nothing, Panes, View, short_span, tone};
use crate::app::preferences::Sizes;
use crate::app::table::{Align, Cell, Column, Order, Room, Tone};

/// The column by which the log is ordered at first: when a job ended.
pub(crate) const ENDED: usize = 0;

pub(super) struct Log;

impl View for Log {
    fn word(&self) -> &'static str {
        "log"
    }

    fn keys(&self) -> &'static [Context] {
        &[Context::Jobs, Context::JobRows, Context::Table, Context::Pane]
    }

    fn grow(&self, sizes: &mut Sizes, percent: i16) {
        sizes.side -= percent;
    }

    fn nothing(&self, _: &Panes) -> Nothing {
        ("no job has ended yet", NEXT)
    }
}

const NEXT: &[(&str, &str)] = &[("log", "shows what ended earlier")];

/// In the order of the screen.
pub(crate) const COLUMNS: &[Column<Job>] = &[
    Column {
        name: "ended",
        room: Room::Fixed(8),
        align: Align::Left,
        hide: 3,
        cell: |j, s| Cell::toned(j.row.ended_ms.map(|ms| clock(ms, s.utc_offset_s)).unwrap_or_default(), Tone::Dim),
        plain: |j| Cow::Owned(j.row.ended_ms.unwrap_or_default().to_string()),
        order: Order::Number(|j| j.row.ended_ms.unwrap_or_default()),
    },
    Column {
        name: "id",
        room: Room::Fixed(9),
        align: Align::Left,
        hide: 0,
        cell: |j, _| Cell::plain(j.row.job_id.to_string()),
        plain: |j| Cow::Owned(j.row.job_id.to_string()),
        order: Order::Number(|j| j.row.job_id.0),
    },
    Column {
        name: "outcome",
        room: Room::Fixed(12),
        align: Align::Left,
        hide: 0,
        cell: outcome,
        plain: |j| Cow::Owned(format!("{} {}", j.row.state, outcome_word(j))),
        order: Order::By(|a, b| (a.row.state, outcome_word(a)).cmp(&(b.row.state, outcome_word(b)))),
    },
    Column {
        name: "job",
        room: Room::Grow { min: 8, share: 1 },
        align: Align::Left,
        hide: 1,
        cell: |j, _| j.titled(),
        plain: |j| Cow::Borrowed(&j.title),
        order: Order::Text(|j| &j.title),
    },
    Column {
        name: "run",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 2,
        cell: |j, s| Cell::plain(run_ms(j, s.now.wall_ms).map_or_else(|| s.glyphs.none.to_owned(), short_span)),
        plain: |j| Cow::Owned(run_ms(j, 0).unwrap_or_default().to_string()),
        order: Order::Number(|j| run_ms(j, 0).map_or(0, |ms| ms.saturating_add(1))),
    },
    Column {
        name: "worker",
        room: Room::Fixed(15),
        align: Align::Left,
        hide: 4,
        cell: |j, s| Cell::toned(j.row.worker.map_or_else(|| s.glyphs.none.to_owned(), |w| w.to_string()), Tone::Dim),
        plain: |j| Cow::Owned(j.row.worker.map(|w| w.to_string()).unwrap_or_default()),
        order: Order::By(|a, b| a.row.worker.cmp(&b.row.worker)),
    },
];

fn outcome(j: &Job, sight: &Sight<'_>) -> Cell {
    Cell::toned(format!("{} {}", sight.glyphs.state(j.row.state), outcome_word(j)), tone(j.row.state))
}

fn outcome_word(j: &Job) -> String {
    j.row.outcome.as_ref().map_or_else(|| j.row.state.word().to_owned(), outcome_words)
}

/// An outcome in a word or two.
pub(crate) fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exit { code } => format!("exit {code}"),
        Outcome::Signal { signal } => format!("signal {signal}"),
        Outcome::Timeout => "timed out".to_owned(),
        Outcome::Oom { .. } => "no memory".to_owned(),
        Outcome::Dependency { .. } => "dependency".to_owned(),
        Outcome::Lost => "lost".to_owned(),
        Outcome::CrashLimit => "crash limit".to_owned(),
        Outcome::Expired => "expired".to_owned(),
        Outcome::Setup { .. } => "setup".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
    }
}

/// The time of day on the operator's clock.
pub(crate) fn clock(wall_ms: u64, utc_offset_s: i32) -> String {
    let seconds = (wall_ms / 1_000).saturating_add_signed(utc_offset_s.into()) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_clock() {
        let table =
            [(0, 0, "00:00:00"), (3_661_000, 0, "01:01:01"), (3_661_000, 7_200, "03:01:01"), (0, -1, "00:00:00")];
        for (ms, offset, text) in table {
            assert_eq!(clock(ms, offset), text);
        }
    }
}
