//! Figures of the past as text: names with their times, failures that are alike, and what ran where.

use std::net::IpAddr;

use c2_shared::api::figures::{NameStats, Span, Stats, Timeline};
use c2_shared::id::WorkerId;
use c2_shared::job::JobState;
use c2_shared::time::span;

use crate::render::look::{Look, Style};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, flexible, numbers, words};

/// Cells of a time where nothing says how many there are.
const CELLS: u16 = 100;
/// The fewest cells that show anything.
const CELLS_MIN: usize = 10;
/// Jobs of a group that are named.
const NAMED_MAX: usize = 4;

pub(crate) fn stats(look: &Look, stats: &Stats) -> String {
    let mut text = String::new();
    if stats.names.is_empty() {
        text.push_str("no job with a name has ended; `submit CMD --name=NAME` gives one\n");
    } else {
        let heads = [flexible("NAME"), numbers("RUNS"), numbers("FAILED"), numbers("MEDIAN"), numbers("90 %")];
        let mut table = Table::new(heads);
        for NameStats { name, runs, failed, median_s, p90_s } in &stats.names {
            let numbers = [runs, failed].map(|count| Cell::from(count.to_string()));
            let times = [median_s, p90_s].map(|time| Cell::from(time.map(seconds).unwrap_or_default()));
            table.row(std::iter::once(Cell::from(name)).chain(numbers).chain(times).collect::<Vec<_>>());
        }
        text.push_str(&table.render(look));
    }
    if !stats.failures.is_empty() {
        let mut table = Table::new([numbers("FAILED"), words("OUTCOME"), flexible("LAST ERROR"), words("JOBS")]);
        for group in &stats.failures {
            let named: Vec<String> = group.job_ids.iter().take(NAMED_MAX).map(ToString::to_string).collect();
            let more = if group.job_ids.len() > NAMED_MAX { " .." } else { "" };
            let count = group.job_ids.len().to_string();
            let outcome = Cell::styled(group.outcome.to_string(), JobState::Failed);
            table.row([Cell::from(count), outcome, Cell::from(&group.line), Cell::from(named.join(",") + more)]);
        }
        text.push_str(&format!("\n{}", table.render(look)));
    }
    if let Some(eta_s) = stats.eta_s.filter(|eta| *eta > 0) {
        text.push_str(&format!("\nthe queue is empty in about {}\n", span(eta_s * 1_000)));
    }
    text
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "c2d counted milliseconds")]
fn seconds(seconds: f64) -> String {
    span((seconds.clamp(0.0, 1e9) * 1_000.0) as u64)
}

/// A line of a timeline: what ran in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// The worker and the number of the slot there.
    pub(crate) slot: String,
    /// For each cell the span that fills it, by its place in the timeline.
    pub(crate) cells: Vec<Option<usize>>,
}

/// A slot as it fills: of which worker, which of its slots, and until when it is taken.
struct Filling<'a> {
    worker: (IpAddr, Option<&'a WorkerId>),
    number: usize,
    until_ms: u64,
    cells: Vec<Option<usize>>,
}

/// Puts spans side by side: each worker has as many lanes as ever ran there at once.
pub(crate) fn lanes(timeline: &Timeline, cells: usize) -> Vec<Lane> {
    let whole = timeline.to_ms.saturating_sub(timeline.from_ms).max(1);
    let cell = |ms: u64| {
        let passed = ms.clamp(timeline.from_ms, timeline.to_ms) - timeline.from_ms;
        usize::try_from(u128::from(passed) * cells as u128 / u128::from(whole)).unwrap_or(cells).min(cells)
    };
    let mut lanes: Vec<Filling<'_>> = Vec::new();
    for (at, span) in timeline.spans.iter().enumerate() {
        let worker = (span.worker, span.worker_id.as_ref());
        let is_free = |lane: &Filling<'_>| lane.worker == worker && lane.until_ms <= span.started_ms;
        let free = lanes.iter().position(is_free).unwrap_or_else(|| {
            let number = lanes.iter().filter(|lane| lane.worker == worker).count() + 1;
            lanes.push(Filling { worker, number, until_ms: 0, cells: vec![None; cells] });
            lanes.len() - 1
        });
        let lane = &mut lanes[free];
        lane.until_ms = span.ended_ms.unwrap_or(u64::MAX);
        let (first, last) = (cell(span.started_ms), cell(span.ended_ms.unwrap_or(timeline.to_ms)));
        // However short, a run is seen.
        let first = first.min(cells.saturating_sub(1));
        lane.cells[first..last.max(first + 1).min(cells)].fill(Some(at));
    }
    lanes.sort_by_key(|lane| (lane.worker, lane.number));
    lanes
        .into_iter()
        .map(|lane| Lane { slot: format!("{}.{}", lane.worker.0, lane.number), cells: lane.cells })
        .collect()
}

/// The sign and the style of a state in a timeline.
const fn sign(state: JobState) -> (&'static str, Style) {
    match state {
        JobState::Succeeded => ("#", Style::Good),
        JobState::Failed => ("x", Style::Bad),
        JobState::Cancelled => ("-", Style::Waiting),
        _ => (">", Style::Busy),
    }
}

pub(crate) fn timeline(look: &Look, timeline: &Timeline) -> String {
    let since = span(timeline.to_ms.saturating_sub(timeline.from_ms));
    if timeline.spans.is_empty() {
        return format!("nothing ran in the last {since}\n");
    }
    let slots = lanes(timeline, 1).iter().map(|lane| lane.slot.len()).max().unwrap_or(0);
    let width = if look.width == u16::MAX { CELLS } else { look.width };
    let cells = usize::from(width).saturating_sub(slots + 3).max(CELLS_MIN);
    let mut text = String::new();
    for lane in lanes(timeline, cells) {
        text.push_str(&format!("{:slots$} |", lane.slot));
        for run in lane.cells.chunk_by(|a, b| a == b) {
            text.push_str(&match run[0].map(|at| &timeline.spans[at]) {
                Some(span) => part(look, span, run.len()),
                None => " ".repeat(run.len()),
            });
        }
        text.push_str("|\n");
    }
    text.push_str(&format!("{:slots$}  {since} ago{:>gap$}\n", "", "now", gap = cells.saturating_sub(since.len() + 4)));
    text.push_str("# succeeded  x failed  - cancelled  > running\n");
    text
}

/// A run as so many signs, with the job's name or id in them where it has room.
fn part(look: &Look, span: &Span, cells: usize) -> String {
    let (sign, style) = sign(span.state);
    let name = span.name.clone().unwrap_or_else(|| span.job_id.to_string());
    let name = sanitize::cell(&name);
    let shown = if name.is_ascii() && name.len() + 2 <= cells { format!("{sign}{name}") } else { String::new() };
    look.paint(style, &(shown.clone() + &sign.repeat(cells - shown.len())))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn ran(job: u64, worker: u8, from: u64, to: Option<u64>, state: JobState) -> Span {
        let json = serde_json::json!({
            "job_id": format!("job-{job}"), "attempt": 1, "worker": format!("10.0.0.{worker}"), "started_ms": from,
            "ended_ms": to, "state": state,
        });
        serde_json::from_value(json).unwrap()
    }

    fn day() -> Timeline {
        let spans = vec![
            ran(1, 11, 0, Some(50_000), JobState::Succeeded),
            ran(2, 11, 20_000, Some(70_000), JobState::Failed),
            ran(3, 11, 50_000, None, JobState::Running),
            ran(4, 12, 99_990, Some(99_991), JobState::Cancelled),
        ];
        Timeline { from_ms: 10_000, to_ms: 100_000, spans }
    }

    #[test]
    fn as_many_lanes_as_ever_ran_at_once() {
        let lanes = lanes(&day(), 9);
        let shown: Vec<(String, String)> = lanes
            .into_iter()
            .map(|lane| {
                let cells = lane.cells.iter().map(|cell| cell.map_or(".".to_owned(), |at| (at + 1).to_string()));
                (lane.slot, cells.collect())
            })
            .collect();
        let wanted = [("10.0.0.11.1", "111133333"), ("10.0.0.11.2", ".22222..."), ("10.0.0.12.1", "........4")];
        assert_eq!(shown, wanted.map(|(slot, cells)| (slot.to_owned(), cells.to_owned())));
    }

    #[test]
    fn a_timeline_is_read_from_left_to_right() {
        let look = Look { width: 50, colour: false, zone: TimeZone::UTC };
        let wanted = "10.0.0.11.1 |#job-1##########>job-3>>>>>>>>>>>>>>|\n\
                      10.0.0.11.2 |    xjob-2xxxxxxxxxxxxx            |\n\
                      10.0.0.12.1 |                                  -|\n";
        let text = timeline(&look, &day());
        assert!(text.lines().take(3).all(|line| line.len() <= 50), "{text}");
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.starts_with(&wanted[..20]), "{text}");
        assert_eq!(
            timeline(&look, &Timeline { to_ms: 60_000, ..Timeline::default() }),
            "nothing ran in the last 1m00s\n"
        );
    }
}
