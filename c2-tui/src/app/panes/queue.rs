//! The columns of the queue pane: what waits, how much of it, and why.

use std::borrow::Cow;

use crate::app::cache::Wait;
use crate::app::panes::{Nothing, Panes, View, tone};
use crate::app::preferences::Sizes;
use crate::app::table::{Align, Cell, Column, Order, Room, Tone};

pub(super) struct Queue;

impl View for Queue {
    fn word(&self) -> &'static str {
        "queue"
    }

    /// The counts: with their bars where there is room, or on one line.
    fn head_rows(&self, height: u16) -> u16 {
        match height {
            12.. => 7,
            6.. => 1,
            _ => 0,
        }
    }

    fn grow(&self, sizes: &mut Sizes, percent: i16) {
        sizes.foot += percent;
    }

    fn nothing(&self, _: &Panes) -> Nothing {
        ("nothing waits", NEXT)
    }
}

const NEXT: &[(&str, &str)] = &[("submit \"echo hello\"", "submits a job"), ("batch FILE", "one for each line")];

/// In the order of the screen.
pub(crate) const COLUMNS: &[Column<Wait>] = &[
    Column {
        name: "state",
        room: Room::Fixed(9),
        align: Align::Left,
        hide: 0,
        cell: |w, s| Cell::toned(format!("{} {}", s.glyphs.state(w.state()), w.state()), tone(w.state())),
        plain: |w| Cow::Borrowed(w.state().word()),
        order: Order::By(|a, b| a.state().cmp(&b.state())),
    },
    Column {
        name: "jobs",
        room: Room::Fixed(5),
        align: Align::Right,
        hide: 0,
        cell: |w, _| Cell::toned(w.count.to_string(), Tone::Strong),
        plain: |w| Cow::Owned(w.count.to_string()),
        order: Order::Number(|w| w.count as u64),
    },
    Column {
        name: "for",
        room: Room::Fixed(12),
        align: Align::Left,
        hide: 0,
        cell: |w, s| match w.asks() {
            asks if asks.is_empty() => Cell::toned(s.glyphs.none, Tone::Dim),
            asks => Cell::plain(asks),
        },
        plain: |w| Cow::Owned(w.asks()),
        order: Order::By(|a, b| (&a.group, &a.tags, &a.needs).cmp(&(&b.group, &b.tags, &b.needs))),
    },
    Column {
        name: "why",
        room: Room::Grow { min: 14, share: 2 },
        align: Align::Left,
        hide: 0,
        cell: |w, s| Cell::toned(w.why(s.cache), Tone::Dim),
        plain: |w| Cow::Borrowed(w.state().word()),
        order: Order::By(|a, b| a.state().cmp(&b.state())),
    },
];
