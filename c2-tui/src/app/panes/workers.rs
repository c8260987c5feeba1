//! The columns of the workers pane.

use std::borrow::Cow;

use c2_shared::worker::WorkerStatus;

use crate::app::cache::{Sight, Worker};
use crate::app::keymap::Context;
use crate::app::panes::{Nothing, Panes, View, short_span};
use crate::app::preferences::Sizes;
use crate::app::table::{Align, Cell, Column, Order, Room, Tone};

/// Silence below this is the ordinary pause between two contacts and not worth a number.
const FRESH_MS: u64 = 10_000;
/// Use above this is worth a look.
const HIGH_PERCENT: u8 = 90;

pub(super) struct Workers;

impl View for Workers {
    fn word(&self) -> &'static str {
        "workers"
    }

    fn keys(&self) -> &'static [Context] {
        &[Context::Workers, Context::Table, Context::Pane]
    }

    fn puts_rows_first(&self) -> bool {
        true
    }

    fn grow(&self, sizes: &mut Sizes, percent: i16) {
        sizes.top += percent;
    }

    fn nothing(&self, _: &Panes) -> Nothing {
        ("no worker yet", FIRST)
    }
}

/// From an empty cluster to the first worker.
const FIRST: &[(&str, &str)] = &[
    ("c2d invite", "on the machine of c2d; it prints a LINE"),
    ("c2-agent join LINE", "on each worker"),
    ("c2-tui --local", "or everything on this machine"),
];

/// In the order of the screen.
pub(crate) const COLUMNS: &[Column<Worker>] = &[
    Column {
        name: "address",
        room: Room::Fixed(15),
        align: Align::Left,
        hide: 0,
        cell: |w, _| Cell::plain(w.row.ip.to_string()),
        plain: |w| Cow::Owned(w.row.ip.to_string()),
        order: Order::By(|a, b| a.row.ip.cmp(&b.row.ip)),
    },
    Column {
        name: "host",
        room: Room::Grow { min: 8, share: 1 },
        align: Align::Left,
        hide: 0,
        cell: |w, _| Cell::toned(w.hostname.as_str(), Tone::Strong),
        plain: |w| Cow::Borrowed(&w.hostname),
        order: Order::Text(|w| &w.hostname),
    },
    Column {
        name: "status",
        room: Room::Fixed(10),
        align: Align::Left,
        hide: 0,
        cell: status,
        plain: |w| Cow::Owned(w.row.status.to_string()),
        order: Order::By(|a, b| a.row.status.cmp(&b.row.status)),
    },
    Column {
        name: "slots",
        room: Room::Fixed(9),
        align: Align::Left,
        hide: 1,
        cell: slots,
        plain: |w| Cow::Owned(format!("{}/{}", w.row.slots_used, w.row.slots)),
        order: Order::By(|a, b| (a.row.slots_used, a.row.slots).cmp(&(b.row.slots_used, b.row.slots))),
    },
    Column {
        name: "cpu",
        room: Room::Fixed(9),
        align: Align::Right,
        hide: 4,
        cell: cpu,
        plain: |w| Cow::Owned(w.cpu_percent().to_string()),
        order: Order::Number(|w| w.cpu_percent().into()),
    },
    Column {
        name: "memory",
        room: Room::Fixed(9),
        align: Align::Right,
        hide: 5,
        cell: memory,
        plain: |w| Cow::Owned(w.memory_percent().to_string()),
        order: Order::Number(|w| w.memory_percent().into()),
    },
    Column {
        name: "gpu",
        room: Room::Fixed(5),
        align: Align::Right,
        hide: 8,
        cell: gpu,
        plain: |w| Cow::Owned(w.row.load.gpu_percent.len().to_string()),
        order: Order::Number(|w| most_gpu(w).map_or(0, |percent| u64::from(percent) + 1)),
    },
    Column {
        name: "group",
        room: Room::Grow { min: 9, share: 1 },
        align: Align::Left,
        hide: 7,
        cell: |w, _| Cell::plain(groups(w)),
        plain: |w| Cow::Owned(groups(w)),
        order: Order::By(|a, b| a.row.groups.cmp(&b.row.groups)),
    },
    Column {
        name: "tags",
        room: Room::Grow { min: 10, share: 3 },
        align: Align::Left,
        hide: 6,
        cell: tags,
        plain: |w| Cow::Owned(w.row.tags.keys().cloned().collect::<Vec<_>>().join(" ")),
        order: Order::By(|a, b| a.row.tags.keys().cmp(b.row.tags.keys())),
    },
    Column {
        name: "heard",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 2,
        cell: heard,
        plain: |w| Cow::Borrowed(w.heard_ms.map_or("never", |_| "once")),
        order: Order::By(|a, b| b.heard_ms.cmp(&a.heard_ms)),
    },
];

fn status(w: &Worker, sight: &Sight<'_>) -> Cell {
    let yields = w.row.status == WorkerStatus::Online && !w.row.load.yields_to.is_empty();
    let tone = match w.row.status {
        WorkerStatus::Online if yields => Tone::Warn,
        WorkerStatus::Online if w.row.suspect || w.row.copied_at.is_some() => Tone::Warn,
        WorkerStatus::Online => Tone::Good,
        WorkerStatus::Draining | WorkerStatus::Waking => Tone::Warn,
        WorkerStatus::Asleep => Tone::Dim,
        WorkerStatus::Offline | WorkerStatus::Quarantined | WorkerStatus::Unknown => Tone::Bad,
    };
    let word = if yields { "yields".to_owned() } else { w.row.status.to_string() };
    Cell::toned(format!("{} {word}", sight.glyphs.status(w.row.status)), tone)
}

fn slots(w: &Worker, sight: &Sight<'_>) -> Cell {
    let (used, all) = (w.row.slots_used, w.row.slots);
    let tone = if used == 0 { Tone::Dim } else { Tone::Busy };
    Cell::toned(format!("{} {used}/{all}", sight.glyphs.bar(used.into(), all.into(), 4)), tone)
}

fn cpu(w: &Worker, sight: &Sight<'_>) -> Cell {
    if !w.row.status.is_reachable() {
        return Cell::toned(sight.glyphs.none, Tone::Dim);
    }
    let percent = w.cpu_percent();
    Cell::toned(format!("{} {percent:>3}%", sight.glyphs.graph(&w.cpu, 4)), load_tone(percent))
}

fn memory(w: &Worker, sight: &Sight<'_>) -> Cell {
    if !w.row.status.is_reachable() || w.row.load.memory_total_bytes == 0 {
        return Cell::toned(sight.glyphs.none, Tone::Dim);
    }
    let percent = w.memory_percent();
    Cell::toned(format!("{} {percent:>3}%", sight.glyphs.bar(percent.into(), 100, 4)), load_tone(percent))
}

fn gpu(w: &Worker, sight: &Sight<'_>) -> Cell {
    match most_gpu(w) {
        Some(percent) if w.row.status.is_reachable() => Cell::toned(format!("{percent}%"), load_tone(percent)),
        _ => Cell::toned(sight.glyphs.none, Tone::Dim),
    }
}

/// The use of the busiest graphics processor.
fn most_gpu(w: &Worker) -> Option<u8> {
    w.row.load.gpu_percent.iter().map(|&p| crate::app::cache::percent(p)).max()
}

const fn load_tone(percent: u8) -> Tone {
    if percent >= HIGH_PERCENT { Tone::Warn } else { Tone::Plain }
}

fn groups(w: &Worker) -> String {
    w.row.groups.iter().map(|g| format!("@{g}")).collect::<Vec<_>>().join(" ")
}

fn tags(w: &Worker, sight: &Sight<'_>) -> Cell {
    let sign = |held: bool| sight.glyphs.tag[usize::from(!held)];
    let mut cell = Cell::plain("");
    for (tag, by) in &w.row.tags {
        let (gap, tone) =
            (if cell.text.is_empty() { "" } else { " " }, if by.is_some() { Tone::Busy } else { Tone::Plain });
        cell.push(&format!("{gap}{}{tag}", sign(by.is_some())), tone);
    }
    cell
}

fn heard(w: &Worker, sight: &Sight<'_>) -> Cell {
    let ago = |at: u64| sight.now.wall_ms.saturating_sub(at);
    let told = match (w.heard_ms, sight.cache.away_ms) {
        // While c2d is away, nothing is known of those that it heard last.
        (Some(heard), Some(away)) if w.row.status.is_reachable() => Some(ago(heard.max(away))),
        (Some(_), None) if w.row.status.is_reachable() => Some(0),
        (heard, _) => heard.map(ago),
    };
    match told {
        None => Cell::toned(NOT_YET, Tone::Warn),
        Some(ms) if ms < FRESH_MS => Cell::toned("now", Tone::Dim),
        Some(ms) => Cell::toned(short_span(ms), Tone::Warn),
    }
}

/// c2d was started again, and the worker was not heard since.
pub(crate) const NOT_YET: &str = "not yet";
