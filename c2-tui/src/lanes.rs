//! What ran side by side: each worker has as many lanes as it has slots, or as ever ran there at once.
//! Pure; the full screen and the line show the same lanes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use c2_shared::api::figures::Span;
use c2_shared::id::WorkerId;
use c2_shared::job::JobState;

/// What ran in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) worker: IpAddr,
    pub(crate) worker_id: Option<WorkerId>,
    /// The number of the slot on that worker, from 1 on.
    pub(crate) number: usize,
    /// Places in the list of spans, in the order of their starts.
    pub(crate) spans: Vec<usize>,
}

/// Puts spans, which are in the order of their starts, side by side; the lanes are in the order of
/// workers.
pub(crate) fn lanes(spans: &[Span]) -> Vec<Lane> {
    // Of each worker the lanes, each with the time until which it is taken.
    let mut workers: BTreeMap<_, Vec<(Vec<usize>, u64)>> = BTreeMap::new();
    for (at, span) in spans.iter().enumerate() {
        let lanes = workers.entry((span.worker, &span.worker_id)).or_default();
        let until = span.ended_ms.unwrap_or(u64::MAX);
        match lanes.iter_mut().find(|(_, taken)| *taken <= span.started_ms) {
            Some((lane, taken)) => {
                lane.push(at);
                *taken = until;
            }
            None => lanes.push((vec![at], until)),
        }
    }
    let lane = |(worker, id): (IpAddr, &Option<WorkerId>), number, spans| Lane {
        worker,
        worker_id: id.clone(),
        number,
        spans,
    };
    let numbered = workers.into_iter().flat_map(|(worker, lanes)| {
        lanes.into_iter().zip(1..).map(move |((spans, _), number)| lane(worker, number, spans))
    });
    numbered.collect()
}

/// Adds the slots of workers in which nothing ran.
pub(crate) fn add_idle(lanes: &mut Vec<Lane>, workers: impl Iterator<Item = (IpAddr, WorkerId, u32)>) {
    let mut used: BTreeMap<WorkerId, usize> = BTreeMap::new();
    for id in lanes.iter().filter_map(|lane| lane.worker_id.clone()) {
        *used.entry(id).or_default() += 1;
    }
    for (worker, id, slots) in workers {
        let used = used.get(&id).copied().unwrap_or_default();
        let slots = usize::try_from(slots).unwrap_or(usize::MAX);
        let idle = |number| Lane { worker, worker_id: Some(id.clone()), number, spans: Vec::new() };
        lanes.extend((used + 1..=slots).map(idle));
    }
    sort(lanes);
}

fn sort(lanes: &mut [Lane]) {
    lanes.sort_by(|a, b| (a.worker, &a.worker_id, a.number).cmp(&(b.worker, &b.worker_id, b.number)));
}

impl Lane {
    /// For each of so many cells between two times the span that fills it, by its place in the list.
    pub(crate) fn cells(&self, spans: &[Span], time: &Range<u64>, cells: usize) -> Vec<Option<usize>> {
        let whole = time.end.saturating_sub(time.start).max(1);
        let cell = |ms: u64| {
            let passed = ms.clamp(time.start, time.end.max(time.start)) - time.start;
            usize::try_from(u128::from(passed) * cells as u128 / u128::from(whole)).unwrap_or(cells).min(cells)
        };
        let mut filled = vec![None; cells];
        for (at, span) in self.spans.iter().filter_map(|at| Some((*at, spans.get(*at)?))) {
            let ended = span.ended_ms.unwrap_or(time.end);
            if ended >= time.start {
                // However short, a run is seen, and of several in one cell one that failed.
                let first = cell(span.started_ms).min(cells.saturating_sub(1));
                let has_failed = |at: usize| spans[at].state == JobState::Failed;
                for cell in &mut filled[first..cell(ended).max(first + 1).min(cells)] {
                    if has_failed(at) || !cell.is_some_and(has_failed) {
                        *cell = Some(at);
                    }
                }
            }
        }
        filled
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn ran(job: u64, worker: u8, from: u64, to: Option<u64>, state: JobState) -> Span {
        let json = serde_json::json!({
            "job_id": format!("job-{job}"), "attempt": 1, "worker": format!("10.0.0.{worker}"),
            "worker_id": format!("{worker:08x}"), "started_ms": from, "ended_ms": to, "state": state,
        });
        serde_json::from_value(json).unwrap()
    }

    /// What ran between 10,000 and 100,000.
    pub(crate) fn day() -> Vec<Span> {
        vec![
            ran(1, 11, 0, Some(50_000), JobState::Succeeded),
            ran(2, 11, 20_000, Some(70_000), JobState::Failed),
            ran(3, 11, 50_000, None, JobState::Running),
            ran(4, 12, 99_990, Some(99_991), JobState::Cancelled),
        ]
    }

    fn drawn(lanes: &[Lane], spans: &[Span]) -> Vec<String> {
        let sign = |cell: &Option<usize>| cell.map_or(".".to_owned(), |at| (at + 1).to_string());
        let line = |lane: &Lane| lane.cells(spans, &(10_000..100_000), 9).iter().map(sign).collect::<String>();
        lanes.iter().map(|lane| format!("{}.{} {}", lane.worker, lane.number, line(lane))).collect()
    }

    #[test]
    fn as_many_lanes_as_ever_ran_at_once() {
        let spans = day();
        let wanted = ["10.0.0.11.1 111133333", "10.0.0.11.2 .22222...", "10.0.0.12.1 ........4"];
        assert_eq!(drawn(&lanes(&spans), &spans), wanted);
        assert_eq!(lanes(&spans)[0].cells(&spans, &(5..5), 0), []);
    }

    #[test]
    fn a_failure_among_short_runs_is_seen() {
        let short = |job, state| ran(job, 11, 20_000 + job * 100, Some(20_050 + job * 100), state);
        let spans = [1, 2, 3].map(|job| short(job, if job == 2 { JobState::Failed } else { JobState::Succeeded }));
        assert_eq!(drawn(&lanes(&spans), &spans), ["10.0.0.11.1 .2......."]);
    }

    #[test]
    fn slots_that_were_idle_are_lanes_too() {
        let (spans, id) = (day(), |n: u8| WorkerId::from(format!("{n:08x}")));
        let mut lanes = lanes(&spans);
        let ip = |n: u8| IpAddr::from([10, 0, 0, n]);
        add_idle(&mut lanes, [(ip(11), id(11), 1), (ip(12), id(12), 2), (ip(9), id(9), 1)].into_iter());
        let idle = ["10.0.0.9.1 .........", "10.0.0.12.2 ........."];
        let drawn = drawn(&lanes, &spans);
        assert_eq!((drawn.len(), drawn[0].as_str(), drawn[4].as_str()), (5, idle[0], idle[1]), "{drawn:?}");
    }
}
