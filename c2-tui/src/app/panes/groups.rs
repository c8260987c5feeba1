//! The page of failures and its columns: jobs that failed alike in one row.

use std::borrow::Cow;

use crate::app::cache::{Cache, Group, Sight};
use crate::app::figures::Asked;
use crate::app::keymap::Context;
use crate::app::listing::Source;
use crate::app::panes::Nothing;
use crate::app::table::{Align, Cell, Column, Grid, Order, Room, Table, Tone};

/// The column by which they are ordered at first: what happened most.
const COUNT: usize = 0;

pub(crate) struct Groups;

impl Source for Groups {
    fn title(&self) -> &'static str {
        "failures"
    }

    fn asks(&self) -> Asked {
        Asked::Stats
    }

    fn table(&self) -> Box<dyn Grid<Cache>> {
        Box::new(Table::new(COLUMNS, (), COUNT, true))
    }

    fn keys(&self) -> &'static [Context] {
        &[Context::Groups, Context::Rows, Context::Table, Context::Pane]
    }

    fn nothing(&self) -> Nothing {
        ("no job has failed lately", &[])
    }
}

/// In the order of the screen.
const COLUMNS: &[Column<Group>] = &[
    Column {
        name: "failed",
        room: Room::Fixed(7),
        align: Align::Right,
        hide: 0,
        cell: |g, _| Cell::toned(g.jobs.len().to_string(), Tone::Bad),
        plain: |g| Cow::Owned(g.jobs.len().to_string()),
        order: Order::By(|a, b| a.jobs.len().cmp(&b.jobs.len())),
    },
    Column {
        name: "outcome",
        room: Room::Grow { min: 12, share: 1 },
        align: Align::Left,
        hide: 1,
        cell: |g, _| Cell::plain(g.outcome.as_str()),
        plain: |g| Cow::Borrowed(&g.outcome),
        order: Order::Text(|g| &g.outcome),
    },
    Column {
        name: "error",
        room: Room::Grow { min: 16, share: 3 },
        align: Align::Left,
        hide: 0,
        cell: |g, s| match g.line.as_str() {
            "" => Cell::toned(s.glyphs.none, Tone::Dim),
            line => Cell::toned(line, Tone::Strong),
        },
        plain: |g| Cow::Borrowed(&g.line),
        order: Order::Text(|g| &g.line),
    },
    Column {
        name: "latest",
        room: Room::Grow { min: 9, share: 1 },
        align: Align::Left,
        hide: 2,
        cell: latest,
        plain: |g| Cow::Owned(g.jobs.first().map(ToString::to_string).unwrap_or_default()),
        order: Order::By(|a, b| a.jobs.first().cmp(&b.jobs.first())),
    },
];

/// The latest of them, with its name.
fn latest(group: &Group, sight: &Sight<'_>) -> Cell {
    let Some(id) = group.jobs.first() else { return Cell::plain("") };
    let title = sight.cache.jobs.get(id).map(|job| job.title.as_str()).unwrap_or_default();
    Cell::toned(format!("{id} {title}"), Tone::Dim)
}
