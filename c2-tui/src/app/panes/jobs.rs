//! The columns of a table of jobs, and the chips of the jobs pane.

use std::cmp::Ordering;

use c2_shared::job::JobState;

use crate::app::cache::{Job, JobScope, Sight};
use crate::app::keymap::Context;
use crate::app::panes::{Nothing, Panes, View, short_span, tone};
use crate::app::preferences::Sizes;
use crate::app::table::{Align, Cell, Column, Room, Tone};

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
        plain: |j| j.row.job_id.to_string(),
        order: |a, b| a.row.job_id.cmp(&b.row.job_id),
    },
    Column {
        name: "state",
        room: Room::Fixed(13),
        align: Align::Left,
        hide: 0,
        cell: state,
        plain: |j| j.row.state.to_string(),
        order: by_state,
    },
    Column {
        name: "job",
        room: Room::Grow { min: 32, share: 1 },
        align: Align::Left,
        hide: 0,
        cell: |j, _| j.titled(),
        plain: |j| j.title.clone(),
        order: |a, b| a.title.cmp(&b.title),
    },
    Column {
        name: "group",
        room: Room::Fixed(10),
        align: Align::Left,
        hide: 5,
        cell: |j, _| Cell::toned(group(j), Tone::Dim),
        plain: |j| j.row.group.clone().unwrap_or_default(),
        order: |a, b| a.row.group.cmp(&b.row.group),
    },
    Column {
        name: "tags",
        room: Room::Fixed(12),
        align: Align::Left,
        hide: 6,
        cell: |j, _| Cell::toned(j.row.tags.join(" "), Tone::Dim),
        plain: |j| j.row.tags.join(" "),
        order: |a, b| a.row.tags.cmp(&b.row.tags),
    },
    Column {
        name: "worker",
        room: Room::Fixed(15),
        align: Align::Left,
        hide: 2,
        cell: worker,
        plain: |j| j.row.worker.map(|w| w.to_string()).unwrap_or_default(),
        order: |a, b| a.row.worker.cmp(&b.row.worker),
    },
    Column {
        name: "try",
        room: Room::Fixed(4),
        align: Align::Right,
        hide: 7,
        cell: tries,
        plain: |j| j.row.attempt.to_string(),
        order: |a, b| a.row.attempt.cmp(&b.row.attempt),
    },
    Column {
        name: "run",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 1,
        cell: run,
        plain: |j| j.row.started_ms.map(|s| s.to_string()).unwrap_or_default(),
        order: |a, b| b.row.started_ms.cmp(&a.row.started_ms),
    },
    Column {
        name: "age",
        room: Room::Fixed(6),
        align: Align::Right,
        hide: 3,
        cell: |j, s| Cell::toned(short_span(s.now.wall_ms.saturating_sub(j.row.submitted_ms)), Tone::Dim),
        plain: |j| j.row.submitted_ms.to_string(),
        order: |a, b| b.row.submitted_ms.cmp(&a.row.submitted_ms),
    },
    Column {
        name: "left",
        room: Room::Fixed(16),
        // The bars stand below each other.
        align: Align::Left,
        hide: 4,
        cell: left,
        plain: |j| j.row.name.clone().unwrap_or_default(),
        order: |a, b| b.row.started_ms.cmp(&a.row.started_ms),
    },
    Column {
        name: "needs",
        room: Room::Fixed(16),
        align: Align::Left,
        hide: 8,
        cell: |j, _| Cell::toned(j.needs().join(" "), Tone::Dim),
        plain: |j| j.needs().join(" "),
        order: |a, b| a.needs().cmp(&b.needs()),
    },
];

/// What goes on first, and of what is over the latest.
fn by_state(a: &Job, b: &Job) -> Ordering {
    let latest = || if a.row.state.is_terminal() { b.row.job_id.cmp(&a.row.job_id) } else { Ordering::Equal };
    rank(a).cmp(&rank(b)).then_with(latest)
}

/// What goes on comes before what waits, and that before what is over.
const fn rank(j: &Job) -> u8 {
    match j.row.state {
        JobState::Running => 0,
        JobState::Queued => 1,
        JobState::Held => 2,
        JobState::Blocked => 3,
        JobState::Failed => 4,
        JobState::Succeeded => 5,
        JobState::Cancelled => 6,
    }
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
