//! Figures of the past, from rows of jobs: pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use c2_shared::api::figures::{FailureGroup, NameStats, OutcomeCount, Span, WorkerStats};
use c2_shared::api::jobs::{AttemptRow, JobRow};
use c2_shared::id::{JobId, WorkerId};
use c2_shared::job::{JobState, Outcome};

use crate::sched::Ahead;

/// The time by which the rate of ends is told.
const RATE_MS: u64 = 15 * 60 * 1_000;

/// How jobs of each name ran, those that ran most first.
pub(crate) fn by_name(rows: &[JobRow]) -> Vec<NameStats> {
    let mut names: BTreeMap<&str, OfName> = BTreeMap::new();
    let ran = rows.iter().filter(|row| matches!(row.state, JobState::Succeeded | JobState::Failed));
    for (row, name) in ran.filter_map(|row| Some((row, row.name.as_deref()?))) {
        let of_name = names.entry(name).or_default();
        of_name.runs += 1;
        of_name.failed += usize::from(row.state == JobState::Failed);
        of_name.peak_bytes = of_name.peak_bytes.max(row.peak_bytes);
        if row.state == JobState::Succeeded {
            of_name.took.extend(row.ran_ms());
            of_name.cpu.extend(row.cpu_ms);
        }
    }
    let stats = |(name, OfName { runs, failed, mut took, peak_bytes, mut cpu }): (&str, OfName)| {
        took.sort_unstable();
        cpu.sort_unstable();
        let (name, median_s, p90_s) = (name.to_owned(), part(&took, 50), part(&took, 90));
        NameStats { name, runs, failed, median_s, p90_s, peak_bytes, cpu_median_s: part(&cpu, 50) }
    };
    let mut names: Vec<NameStats> = names.into_iter().map(stats).collect();
    names.sort_by_key(|stats| Reverse(stats.runs));
    names
}

/// How often jobs failed on each worker, where they failed most first.
pub(crate) fn by_worker(rows: &[JobRow]) -> Vec<WorkerStats> {
    let mut workers: BTreeMap<&WorkerId, WorkerStats> = BTreeMap::new();
    for row in rows.iter().filter(|row| matches!(row.state, JobState::Succeeded | JobState::Failed)) {
        let (Some(id), Some(ip)) = (&row.worker_id, row.worker) else { continue };
        let known = workers.entry(id).or_insert_with(|| WorkerStats { ip, worker_id: id.clone(), runs: 0, failed: 0 });
        // The latest address counts.
        known.ip = ip;
        known.runs += 1;
        known.failed += usize::from(row.state == JobState::Failed);
    }
    let mut workers: Vec<WorkerStats> = workers.into_values().collect();
    workers.sort_by_key(|stats| Reverse((stats.failed, stats.runs)));
    workers
}

/// What jobs of one name took; times are of those that succeeded.
#[derive(Default)]
struct OfName {
    runs: usize,
    failed: usize,
    took: Vec<u64>,
    peak_bytes: Option<u64>,
    cpu: Vec<u64>,
}

/// How long jobs of each name typically run, in milliseconds.
pub(crate) struct Typical(BTreeMap<Box<str>, u64>);

impl Typical {
    pub(crate) fn of(rows: &[JobRow]) -> Self {
        let mut names: BTreeMap<&str, Vec<&JobRow>> = BTreeMap::new();
        rows.iter().for_each(|row| row.name.iter().for_each(|name| names.entry(name).or_default().push(row)));
        Self(names.into_iter().filter_map(|(name, rows)| Some((name.into(), median_ms(rows)?))).collect())
    }

    fn ms(&self, name: Option<&str>) -> Option<u64> {
        self.0.get(name?).copied()
    }

    /// Whether the names of all jobs say how long they will run.
    pub(crate) fn knows_all(&self, left: &Ahead) -> bool {
        let running = left.running.iter().map(|(name, _)| name);
        left.waiting.keys().chain(running).all(|name| self.ms(name.as_deref()).is_some())
    }
}

/// Half of the jobs that succeeded took no longer.
pub(crate) fn median_ms<'a>(rows: impl IntoIterator<Item = &'a JobRow>) -> Option<u64> {
    let succeeded = rows.into_iter().filter(|row| row.state == JobState::Succeeded);
    let mut took: Vec<u64> = succeeded.filter_map(JobRow::ran_ms).collect();
    took.sort_unstable();
    took.get(took.len().checked_sub(1)? / 2).copied()
}

/// Seconds until jobs have ended, so many of them side by side, if each takes as long as its name typically
/// does, or else as said; none where neither is known of any.
pub(crate) fn eta_s(left: &Ahead, typical: &Typical, otherwise_ms: Option<u64>, lanes: usize) -> Option<u64> {
    let takes = |name: &Option<Box<str>>| typical.ms(name.as_deref()).or(otherwise_ms);
    let (mut all_ms, mut longest_ms) = (0_u64, 0);
    let mut add = |each_ms: u64, jobs: usize| {
        all_ms = all_ms.saturating_add(each_ms.saturating_mul(jobs as u64));
        longest_ms = longest_ms.max(each_ms);
    };
    for (name, since_ms) in &left.running {
        add(takes(name)?.saturating_sub(*since_ms), 1);
    }
    for (name, jobs) in &left.waiting {
        add(takes(name)?, *jobs);
    }
    Some(all_ms.div_ceil(u64::try_from(lanes).ok().filter(|lanes| *lanes > 0)?).max(longest_ms).div_ceil(1_000))
}

/// Seconds until the whole queue has ended: a batch that may run few jobs at once may take longer than all the others.
pub(crate) fn queue_eta_s(left: &Ahead, limited: &[(u32, Ahead)], typical: &Typical, slots: u32) -> Option<u64> {
    let lanes = |most: u32| slots.min(most) as usize;
    let batches = limited.iter().map(|(max_running, left)| eta_s(left, typical, None, lanes(*max_running)));
    batches.fold(eta_s(left, typical, None, lanes(slots)), |longest, eta| Some(longest?.max(eta?)))
}

/// The time in seconds that so many of a hundred do not pass.
#[expect(clippy::cast_precision_loss, reason = "no job runs for a hundred thousand years")]
fn part(sorted_ms: &[u64], percent: usize) -> Option<f64> {
    let last = sorted_ms.len().checked_sub(1)?;
    let at = (sorted_ms.len() * percent).div_ceil(100).saturating_sub(1).min(last);
    Some(sorted_ms[at] as f64 / 1_000.0)
}

/// Failed jobs together that ended with the same last line but for its digits; what happened most first.
pub(crate) fn alike(failed: Vec<(JobRow, String)>) -> Vec<FailureGroup> {
    let mut groups: Vec<FailureGroup> = Vec::new();
    for (row, line) in failed {
        let (Some(outcome), line) = (row.outcome, masked(&line)) else { continue };
        match groups.iter_mut().find(|group| group.line == line && (!line.is_empty() || group.outcome == outcome)) {
            Some(group) => {
                group.job_ids.push(row.job_id);
                match group.outcomes.iter_mut().find(|count| count.outcome == outcome) {
                    Some(count) => count.jobs += 1,
                    None => group.outcomes.push(OutcomeCount { outcome, jobs: 1 }),
                }
            }
            None => {
                let outcomes = vec![OutcomeCount { outcome: outcome.clone(), jobs: 1 }];
                groups.push(FailureGroup { line, outcome, outcomes, job_ids: vec![row.job_id] });
            }
        }
    }
    groups.iter_mut().for_each(|group| group.outcomes.sort_by_key(|count| Reverse(count.jobs)));
    groups.sort_by_key(|group| Reverse(group.job_ids.len()));
    groups
}

/// A line with one `*` for each run of digits.
fn masked(line: &str) -> String {
    let mut masked = String::new();
    for c in line.trim().chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !masked.ends_with('*') {
            masked.push('*');
        }
    }
    // Shells name the file that they read the command from, which says nothing.
    masked.replace("/proc/*/fd/*: ", "")
}

/// Seconds until so many jobs have ended, those that run or will by themselves, at the rate at which they ended of late.
pub(crate) fn eta_by_rate_s(rows: &[JobRow], jobs: usize, now_ms: u64) -> Option<u64> {
    let from = now_ms.saturating_sub(RATE_MS);
    let ends = rows.iter().filter_map(|row| row.ended_ms).filter(|ended| (from..=now_ms).contains(ended));
    let (count, first) = ends.fold((0_u64, now_ms), |(count, first), ended| (count + 1, first.min(ended)));
    let took_s = now_ms.saturating_sub(first).max(1_000) / 1_000;
    (jobs as u64 * took_s).checked_div(count)
}

/// When jobs ran on workers, in the order of their starts; with the attempts at some of them before the last one.
pub(crate) fn spans(
    rows: impl Iterator<Item = JobRow>,
    tried: &BTreeMap<JobId, Vec<AttemptRow>>,
    from_ms: u64,
) -> Vec<Span> {
    let (mut spans, is_within) = (Vec::new(), |ended: Option<u64>| ended.is_none_or(|ended| ended >= from_ms));
    for row in rows {
        let is_last_shown = row.worker.is_some() && row.started_ms.is_some();
        let earlier = tried.get(&row.job_id).into_iter().flatten();
        let earlier = earlier.filter(|tried| tried.number < row.attempt || !is_last_shown);
        spans.extend(earlier.filter(|tried| is_within(tried.ended_ms)).filter_map(|tried| earlier_span(&row, tried)));
        spans.extend(last_span(row).filter(|span| is_within(span.ended_ms)));
    }
    spans.sort_by_key(|span| (span.started_ms, span.job_id));
    spans
}

fn last_span(row: JobRow) -> Option<Span> {
    Some(Span {
        job_id: row.job_id,
        attempt: row.attempt,
        worker: row.worker?,
        started_ms: row.started_ms?,
        name: row.name,
        worker_id: row.worker_id,
        ended_ms: row.ended_ms,
        state: row.state,
        lost: row.outcome == Some(Outcome::Lost),
    })
}

/// An attempt that has ended, and was not the job's end.
fn earlier_span(row: &JobRow, tried: &AttemptRow) -> Option<Span> {
    let outcome = tried.outcome.as_ref()?;
    Some(Span {
        job_id: row.job_id,
        attempt: tried.number,
        name: row.name.clone(),
        worker: tried.worker,
        worker_id: tried.worker_id.clone(),
        started_ms: tried.started_ms,
        ended_ms: Some(tried.ended_ms?),
        state: outcome.state(),
        lost: *outcome == Outcome::Lost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, name: Option<&str>, state: JobState, took_ms: u64) -> JobRow {
        let json = serde_json::json!({
            "job_id": JobId(id), "name": name, "state": state, "command": "x", "tags": [], "priority": 0,
            "worker": "10.0.0.11", "attempt": 1, "submitted_ms": 0, "started_ms": 1_000 * id,
            "ended_ms": 1_000 * id + took_ms, "outcome": {"kind": "exit", "code": i32::from(state == JobState::Failed)},
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn names_are_counted_and_timed_by_what_succeeded() {
        let mut rows: Vec<JobRow> = (1..=10).map(|n| row(n, Some("train"), JobState::Succeeded, n * 1_000)).collect();
        rows.push(row(11, Some("train"), JobState::Failed, 1));
        rows.push(row(12, Some("eval"), JobState::Failed, 1));
        rows.push(row(13, None, JobState::Succeeded, 1));
        rows.push(row(14, Some("train"), JobState::Cancelled, 1));
        for (n, row) in rows.iter_mut().enumerate().take(3) {
            (row.peak_bytes, row.cpu_ms) = (Some(100 * n as u64), Some(10_000 * n as u64));
        }
        rows[10].peak_bytes = Some(700);
        let train = NameStats {
            name: "train".to_owned(),
            runs: 11,
            failed: 1,
            median_s: Some(5.0),
            p90_s: Some(9.0),
            peak_bytes: Some(700),
            cpu_median_s: Some(10.0),
        };
        let eval = NameStats { name: "eval".to_owned(), runs: 1, failed: 1, ..NameStats::default() };
        assert_eq!(by_name(&rows), [train, eval]);
    }

    #[test]
    fn failures_are_alike_by_their_last_line_without_digits() {
        let failed = |id, line: &str| (row(id, None, JobState::Failed, 1), line.to_owned());
        let lines = [failed(9, "cannot open frame 17"), failed(8, "no memory"), failed(7, " cannot open frame 3 ")];
        assert_eq!(masked("job-7: 1: /proc/271/fd/6: ab: not found"), "job-*: *: ab: not found");
        let groups = alike(lines.to_vec());
        let told: Vec<_> = groups.iter().map(|group| (group.line.as_str(), group.job_ids.len())).collect();
        assert_eq!(told, [("cannot open frame *", 2), ("no memory", 1)]);
        assert_eq!((groups[0].job_ids[0], &groups[0].outcome), (JobId(9), &Outcome::Exit { code: 1 }));
        let mut killed = failed(6, "cannot open frame 1");
        killed.0.outcome = Some(Outcome::Signal { signal: 9 });
        let all = alike([vec![killed], lines.to_vec()].concat());
        let counts: Vec<_> = all[0].outcomes.iter().map(|count| (count.outcome.to_string(), count.jobs)).collect();
        assert_eq!(counts, [("exit 1".to_owned(), 2), ("signal 9".to_owned(), 1)], "each way to end is counted");
    }

    #[test]
    fn the_rate_of_late_says_when_the_queue_is_empty() {
        let rows: Vec<JobRow> = (0..10).map(|n| row(1_000 + n, None, JobState::Succeeded, 0)).collect();
        let now = 1_010_000;
        assert_eq!(eta_by_rate_s(&rows, 20, now), Some(20), "one a second");
        assert_eq!(eta_by_rate_s(&rows, 20, now + 2 * RATE_MS), None, "none of late");
        assert_eq!(eta_by_rate_s(&rows, 0, now), Some(0));
    }

    #[test]
    fn the_worker_on_which_jobs_fail_comes_first() {
        let on = |job: u64, worker: &str, state| JobRow {
            worker_id: Some(worker.into()),
            worker: Some(std::net::IpAddr::from([10, 0, 0, u8::try_from(job).unwrap()])),
            ..row(job, None, state, 1_000)
        };
        let rows = [
            on(1, "atlas", JobState::Succeeded),
            on(2, "atlas", JobState::Succeeded),
            on(3, "pi", JobState::Failed),
            on(4, "pi", JobState::Succeeded),
            on(5, "atlas", JobState::Cancelled),
        ];
        let seen: Vec<_> = by_worker(&rows).into_iter().map(|w| (w.ip.to_string(), w.runs, w.failed)).collect();
        assert_eq!(seen, [("10.0.0.4".to_owned(), 2, 1), ("10.0.0.2".to_owned(), 2, 0)]);
    }

    #[test]
    fn medians_by_name_say_when_jobs_will_have_ended() {
        let rows: Vec<JobRow> = [1_000, 9_000, 10_000, 11_000, 90_000]
            .into_iter()
            .enumerate()
            .map(|(n, took_ms)| row(n as u64 + 1, Some("train"), JobState::Succeeded, took_ms))
            .chain([row(9, Some("train"), JobState::Failed, 1), row(10, None, JobState::Succeeded, 4_000)])
            .collect();
        let typical = Typical::of(&rows);
        let train = Some("train".into());
        let left = |waiting: usize, running: &[u64]| Ahead {
            waiting: if waiting > 0 { [(train.clone(), waiting)].into() } else { BTreeMap::new() },
            running: running.iter().map(|since_ms| (train.clone(), *since_ms)).collect(),
        };
        assert_eq!(eta_s(&left(6, &[]), &typical, None, 2), Some(30));
        assert_eq!(eta_s(&left(2, &[4_000, 90_000]), &typical, None, 2), Some(13), "what runs runs on");
        assert_eq!(eta_s(&left(1, &[]), &typical, None, 8), Some(10), "no job is divided");
        assert_eq!(eta_s(&left(0, &[]), &typical, None, 2), Some(0));
        assert_eq!(eta_s(&left(1, &[]), &typical, None, 0), None, "nothing would run it");
        assert_eq!(queue_eta_s(&left(6, &[]), &[], &typical, 2), Some(30));
        assert_eq!(queue_eta_s(&left(6, &[]), &[(1, left(4, &[])), (5, left(2, &[]))], &typical, 2), Some(40));
        let nameless = Ahead { waiting: [(None, 3)].into(), running: Vec::new() };
        assert!(typical.knows_all(&left(1, &[5])) && !typical.knows_all(&nameless));
        assert_eq!(eta_s(&nameless, &typical, None, 1), None);
        assert_eq!(eta_s(&nameless, &typical, median_ms(&rows[6..]), 1), Some(12));
    }

    #[test]
    fn spans_are_those_that_reach_into_the_time() {
        let mut running = row(3, Some("train"), JobState::Running, 0);
        (running.ended_ms, running.outcome) = (None, None);
        let mut waiting = row(4, None, JobState::Queued, 0);
        (waiting.started_ms, waiting.ended_ms) = (None, None);
        let rows = [running, row(2, None, JobState::Failed, 5_000), row(1, None, JobState::Succeeded, 1), waiting];
        let spans = spans(rows.into_iter(), &BTreeMap::new(), 6_000);
        assert_eq!(spans.iter().map(|span| span.job_id.0).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn attempts_that_were_lost_are_spans_too() {
        let tried = |number: u32, outcome: Option<Outcome>| AttemptRow {
            number,
            worker: std::net::IpAddr::from([10, 0, 0, 12]),
            worker_id: None,
            given_at: None,
            started_ms: 1_000 * u64::from(number),
            ended_ms: outcome.as_ref().map(|_| 1_000 * u64::from(number) + 500),
            took_ms: None,
            peak_bytes: None,
            cpu_ms: None,
            outcome,
            output_kept: None,
        };
        let lost = || vec![tried(1, Some(Outcome::Lost)), tried(2, Some(Outcome::Exit { code: 3 })), tried(3, None)];
        let told = |row: JobRow, from_ms| {
            let told = spans([row].into_iter(), &[(JobId(7), lost())].into(), from_ms);
            told.into_iter().map(|span| (span.attempt, span.state, span.lost)).collect::<Vec<_>>()
        };
        let (failed, running) = (JobState::Failed, JobState::Running);
        let runs = JobRow { attempt: 3, ended_ms: None, outcome: None, ..row(7, None, running, 0) };
        assert_eq!(told(runs.clone(), 0), [(1, failed, true), (2, failed, false), (3, running, false)]);
        assert_eq!(told(runs.clone(), 2_000), [(2, failed, false), (3, running, false)], "of late");
        let rests = JobRow { attempt: 2, worker: None, started_ms: None, state: JobState::Queued, ..runs };
        assert_eq!(told(rests, 0), [(1, failed, true), (2, failed, false)], "one that waits ran before");
    }
}
