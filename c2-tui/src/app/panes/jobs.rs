//! The columns of a table of jobs, and the chips of the jobs pane.

use std::borrow::Cow;

use c2_shared::job::JobState;

use crate::app::cache::{Job, JobScope, Sight};
use crate::app::keymap::Context;
use crate::app::panes::{Nothing, Panes, View, short_span, tone};
use crate::app::preferences::Sizes;
use crate::app::table::{Align, Cell, Column, Order, Room, Tone};

/// What the jobs pane can show, with the word on its chip.
pub(crate) const CHIPS: [(&str, JobScope); 5] = [
    ("active", JobScope::Active),
    ("running", JobScope::Running),
    ("done", JobScope::Done),
    ("failed", JobScope::Failed),
    ("all", JobScope::All),
];

/// The column by which jobs are ordered at first: what runs comes first.
pub(crate) const STATE: usize = 1;

/// No id is greater than that.
const LATER_IDS: u64 = (1 << 60) - 1;

pub(super) struct Jobs;

impl View for Jobs {
    fn word(&self) -> &'static str {
        "jobs"
    }

    fn has_chips(&self) -> bool {
        true
    }

    fn keys(&self) -> &'static [Context] {
        &[Context::Chips, Context::Jobs, Context::JobRows, Context::Table, Context::Pane]
    }

    fn grow(&self, sizes: &mut Sizes, percent: i16) {
        sizes.side += percent;
    }

    fn nothing(&self, panes: &Panes) -> Nothing {
        match panes.jobs.scope() {
            JobScope::Active => ("no job is active", FIRST),
            JobScope::Running => ("no job is running", OTHERS),
            JobScope::Done => ("no job has succeeded or was cancelled", OTHERS),
            JobScope::Failed => ("no job has failed", OTHERS),
            JobScope::All | JobScope::Ended | JobScope::These(_) | JobScope::On(_) => ("no job yet", FIRST),
        }
    }
}

const FIRST: &[(&str, &str)] = &[("submit \"echo hello\"", "")];
const OTHERS: &[(&str, &str)] = &[("a", "shows others")];

/// In the order of the screen.
pub(crate) const COLUMNS: &[Column<Job>] = &[
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
        name: "state",
        room: Room::Fixed(13),
        align: Align::Left,
        hide: 0,
        cell: state,
        plain: |j| Cow::Borrowed(j.row.state.word()),
        order: Order::Number(by_state),
    },
    Column {
        name: "job",
        room: Room::Grow { min: 32, share: 1 },
        align: Align::Left,
        hide: 0,
        cell: |j, _| j.titled(),
        plain: |j| Cow::Borrowed(&j.title),
        order: Order::Text(|j| &j.title),
    },
    Column {
        name: "group",
        room: Room::Fixed(10),
        align: Align::Left,
        hide: 5,
        cell: |j, _| Cell::toned(group(j), Tone::Dim),
        plain: |j| Cow::Borrowed(j.row.group.as_deref().unwrap_or_default()),
        order: Order::Text(|j| j.row.group.as_deref().unwrap_or_default()),
    },
    Column {
        name: "tags",
        room: Room::Fixed(12),
        align: Align::Left,
        hide: 6,
        cell: |j, _| Cell::toned(j.row.tags.join(" "), Tone::Dim),
        plain: |j| Cow::Owned(j.row.tags.join(" ")),
        order: Order::By(|a, b| a.row.tags.cmp(&b.row.tags)),
    },
    Column {
        name: "worker",
        room: Room::Fixed(15),
        align: Align::Left,
        hide: 2,
        cell: worker,
        plain: |j| Cow::Owned(j.row.worker.map(|w| w.to_string()).unwrap_or_default()),
        order: Order::By(|a, b| a.row.worker.cmp(&b.row.worker)),
    },
    Column {
        name: "try",
        room: Room::Fixed(4),
        align: Align::Right,
        hide: 7,
        cell: tries,
        plain: |j| Cow::Owned(j.row.attempt.to_string()),
        order: Order::Number(|j| j.row.attempt.into()),
    },
    Column {
        name: "run",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 1,
        cell: run,
        plain: |j| Cow::Owned(j.row.started_ms.map(|s| s.to_string()).unwrap_or_default()),
        order: Order::Number(|j| latest_first(j.row.started_ms)),
    },
    Column {
        name: "age",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 3,
        cell: |j, s| Cell::toned(short_span(s.now.wall_ms.saturating_sub(j.row.submitted_ms)), Tone::Dim),
        plain: |j| Cow::Owned(j.row.submitted_ms.to_string()),
        order: Order::Number(|j| latest_first(Some(j.row.submitted_ms))),
    },
    Column {
        name: "left",
        room: Room::Fixed(16),
        // The bars stand below each other.
        align: Align::Left,
        hide: 4,
        cell: left,
        plain: |j| Cow::Borrowed(j.row.name.as_deref().unwrap_or_default()),
        order: Order::Number(|j| latest_first(j.row.started_ms)),
    },
    Column {
        name: "needs",
        room: Room::Fixed(16),
        align: Align::Left,
        hide: 8,
        cell: |j, _| Cell::toned(j.needs().join(" "), Tone::Dim),
        plain: |j| Cow::Owned(j.needs().join(" ")),
        order: Order::By(|a, b| a.needs().cmp(&b.needs())),
    },
];

/// What goes on comes before what waits, and that before what is over, of which the latest comes first.
fn by_state(j: &Job) -> u64 {
    let rank = match j.row.state {
        JobState::Running => 0,
        JobState::Queued => 1,
        JobState::Held => 2,
        JobState::Blocked => 3,
        JobState::Failed => 4,
        JobState::Succeeded => 5,
        JobState::Cancelled => 6,
    };
    let latest = if j.row.state.is_terminal() { LATER_IDS - j.row.job_id.0.min(LATER_IDS) } else { 0 };
    rank * (LATER_IDS + 1) + latest
}

/// A time as a number that is the smaller the later it is; without one it is the latest.
fn latest_first(ms: Option<u64>) -> u64 {
    u64::MAX - ms.unwrap_or_default()
}

fn state(j: &Job, sight: &Sight<'_>) -> Cell {
    let (word, tone) = standing(j);
    Cell::toned(format!("{} {word}", sight.glyphs.state(j.row.state)), tone)
}

/// Where a job stands, in one word, and what that means.
pub(crate) const fn standing(j: &Job) -> (&'static str, Tone) {
    let state = j.row.state;
    match state {
        JobState::Running if j.row.cancelling => ("cancelling", Tone::Warn),
        JobState::Running if j.row.unreachable => ("unreachable", Tone::Warn),
        JobState::Running if j.row.delivering => ("delivering", Tone::Good),
        JobState::Running if j.row.frozen => ("frozen", Tone::Warn),
        _ => (state.word(), tone(state)),
    }
}

fn group(j: &Job) -> String {
    j.row.group.as_ref().map(|g| format!("@{g}")).unwrap_or_default()
}

fn worker(j: &Job, sight: &Sight<'_>) -> Cell {
    match j.row.worker {
        Some(ip) => Cell::plain(ip.to_string()),
        None => Cell::toned(sight.glyphs.none, Tone::Dim),
    }
}

fn tries(j: &Job, _: &Sight<'_>) -> Cell {
    let tone = if j.row.attempt > 1 { Tone::Warn } else { Tone::Dim };
    Cell::toned(if j.row.attempt == 0 { String::new() } else { j.row.attempt.to_string() }, tone)
}

fn run(j: &Job, sight: &Sight<'_>) -> Cell {
    match run_ms(j, sight.now.wall_ms) {
        Some(ms) => Cell::plain(short_span(ms)),
        None => Cell::toned(sight.glyphs.none, Tone::Dim),
    }
}

fn left(j: &Job, sight: &Sight<'_>) -> Cell {
    let (words, is_late) = progress(j, sight).unwrap_or_default();
    Cell::toned(words, if is_late { Tone::Warn } else { Tone::Dim })
}

/// How far a job is and how long it will still take, by what it writes or else by how long others of its
/// name took; and whether it takes longer than these.
pub(crate) fn progress(j: &Job, sight: &Sight<'_>) -> Option<(String, bool)> {
    let ran = run_ms(j, sight.now.wall_ms).filter(|_| j.row.state == JobState::Running)?;
    if let Some(percent) = sight.cache.progress.get(&j.row.job_id).copied().map(u64::from) {
        let left = (ran * (100 - percent)).checked_div(percent);
        let left = left.map_or_else(String::new, |left| format!(" ~{}", short_span(left)));
        return Some((format!("{} {percent}%{left}", sight.glyphs.bar(percent, 100, 4)), false));
    }
    let median = *sight.cache.medians.get(j.row.name.as_ref()?)?;
    let left = match median.saturating_sub(ran) {
        0 => "late".to_owned(),
        left => format!("~{}", short_span(left)),
    };
    Some((format!("{} {left}", sight.glyphs.bar(ran.min(median), median, 4)), ran > median))
}

/// How long the latest attempt ran, or has been running.
pub(crate) fn run_ms(j: &Job, now_ms: u64) -> Option<u64> {
    match (j.row.ended_ms, j.row.state) {
        (Some(_), _) => j.row.ran_ms(),
        (None, JobState::Running) => Some(now_ms.saturating_sub(j.row.started_ms?)),
        (None, _) => None,
    }
}
