//! Figures of the past as text: names with their times, failures that are alike, and what ran where.

use c2_shared::api::figures::{FailureGroup, NameStats, Span, Stats, Timeline, WorkerStats};
use c2_shared::job::JobState;
use c2_shared::time::span;

use crate::lanes::{Lane, lanes};
use crate::render::look::{Look, Style, bytes};
use crate::render::sanitize;
use crate::render::table::{Cell, Table, flexible, numbers, words};
use crate::render::workers::joined;

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
        let heads = [
            flexible("NAME"),
            numbers("RUNS"),
            numbers("FAILED"),
            numbers("MEDIAN"),
            numbers("90 %"),
            numbers("CPU"),
            numbers("PEAK"),
        ];
        let mut table = Table::new(heads);
        for NameStats { name, runs, failed, median_s, p90_s, peak_bytes, cpu_median_s } in &stats.names {
            let numbers = [runs, failed].map(|count| Cell::from(count.to_string()));
            let times = [median_s, p90_s, cpu_median_s].map(|time| Cell::from(time.map(seconds).unwrap_or_default()));
            let peak = Cell::from(peak_bytes.map(bytes).unwrap_or_default());
            table.row(std::iter::once(Cell::from(name)).chain(numbers).chain(times).chain([peak]).collect::<Vec<_>>());
        }
        text.push_str(&table.render(look));
    }
    if stats.workers.iter().any(|worker| worker.failed > 0) {
        let mut table = Table::new([words("WORKER"), numbers("RUNS"), numbers("FAILED"), numbers("RATE")]);
        for WorkerStats { ip, runs, failed, .. } in &stats.workers {
            let rate = format!("{} %", failed * 100 / runs);
            let counts = [runs.to_string(), failed.to_string(), rate].map(Cell::from);
            table.row(std::iter::once(Cell::from(ip.to_string())).chain(counts).collect::<Vec<_>>());
        }
        text.push_str(&format!("\n{}", table.render(look)));
    }
    if !stats.failures.is_empty() {
        let mut table = Table::new([numbers("FAILED"), words("OUTCOME"), flexible("LAST ERROR"), words("JOBS")]);
        for group in &stats.failures {
            let named: Vec<String> = group.job_ids.iter().take(NAMED_MAX).map(ToString::to_string).collect();
            let more = if group.job_ids.len() > NAMED_MAX { " .." } else { "" };
            let count = group.job_ids.len().to_string();
            let outcome = Cell::styled(outcomes(group), JobState::Failed);
            table.row([Cell::from(count), outcome, Cell::from(&group.line), Cell::from(named.join(",") + more)]);
        }
        text.push_str(&format!("\n{}", table.render(look)));
    }
    if let Some(eta_s) = stats.eta_s.filter(|eta| *eta > 0) {
        text.push_str(&format!("\nthe queue is empty in about {}\n", span(eta_s * 1_000)));
    }
    if stats.cannot_run > 0 {
        text.push_str(&format!("\n{} cannot run now; `why JOB` says what is missing\n", jobs(stats.cannot_run)));
    }
    text
}

fn jobs(n: usize) -> String {
    if n == 1 { "1 queued job".to_owned() } else { format!("{n} queued jobs") }
}

/// How jobs ended that failed alike, with their numbers where that is in several ways.
fn outcomes(group: &FailureGroup) -> String {
    match group.outcomes.as_slice() {
        [] | [_] => group.outcome.to_string(),
        several => joined(several.iter().map(|of| format!("{} {}x", of.outcome, of.jobs))),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "c2d counted milliseconds")]
fn seconds(seconds: f64) -> String {
    span((seconds.clamp(0.0, 1e9) * 1_000.0) as u64)
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
    let lanes = lanes(&timeline.spans);
    let slot = |lane: &Lane| format!("{}.{}", lane.worker, lane.number);
    let slots = lanes.iter().map(|lane| slot(lane).len()).max().unwrap_or(0);
    let width = if look.width == u16::MAX { CELLS } else { look.width };
    let cells = usize::from(width).saturating_sub(slots + 3).max(CELLS_MIN);
    let mut text = String::new();
    for lane in lanes {
        text.push_str(&format!("{:slots$} |", slot(&lane)));
        let cells = lane.cells(&timeline.spans, &(timeline.from_ms..timeline.to_ms), cells);
        for run in cells.chunk_by(|a, b| a == b) {
            text.push_str(&match run[0].map(|at| &timeline.spans[at]) {
                Some(span) => part(look, span, run.len()),
                None => " ".repeat(run.len()),
            });
        }
        text.push_str("|\n");
    }
    text.push_str(&format!("{:slots$}  {since} ago{:>gap$}\n", "", "now", gap = cells.saturating_sub(since.len() + 4)));
    text.push_str("# succeeded  x failed  ? lost  - cancelled  > running\n");
    text
}

/// A run as so many signs, with the job's name or id in them where it has room.
fn part(look: &Look, span: &Span, cells: usize) -> String {
    let (sign, style) = if span.lost { ("?", Style::Bad) } else { sign(span.state) };
    let name = span.name.clone().unwrap_or_else(|| span.job_id.to_string());
    let name = sanitize::cell(&name);
    let shown = if name.is_ascii() && name.len() + 2 <= cells { format!("{sign}{name}") } else { String::new() };
    look.paint(style, &(shown.clone() + &sign.repeat(cells - shown.len())))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::lanes::tests::day;

    #[test]
    fn a_timeline_is_read_from_left_to_right() {
        let look = Look { width: 50, colour: false, zone: || TimeZone::UTC };
        let wanted = "10.0.0.11.1 |#job-1##########>job-3>>>>>>>>>>>>>>|\n\
                      10.0.0.11.2 |    xjob-2xxxxxxxxxxxxx            |\n\
                      10.0.0.12.1 |                                  -|\n";
        let text = timeline(&look, &Timeline { from_ms: 10_000, to_ms: 100_000, spans: day() });
        assert!(text.lines().take(3).all(|line| line.len() <= 50), "{text}");
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.starts_with(&wanted[..20]), "{text}");
        assert_eq!(
            timeline(&look, &Timeline { to_ms: 60_000, ..Timeline::default() }),
            "nothing ran in the last 1m00s\n"
        );
    }
}
