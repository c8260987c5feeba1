//! What ran in each slot over the last minutes, with one run selected.
//!
//! Which cells a run takes is worked out when c2d tells something new, and when a cell's time has passed, rather than
//! for each frame.

use std::collections::BTreeMap;
use std::ops::Range;

use c2_shared::api::figures::{self, Span};
use c2_shared::id::JobId;
use c2_shared::time::Mono;

use crate::app::cache::Cache;
use crate::app::figures::Freshness;
use crate::app::report::Fault;
use crate::app::table::Step;
use crate::app::text;
use crate::lanes::{self, Lane};

/// The latest attempt at a job, whichever that is.
const LATEST: u32 = u32::MAX;

/// Cells for the name of a slot, at most.
const NAME_MAX: usize = 20;

/// Without a word about it, the last quarter of an hour.
pub(crate) const SINCE_S: u64 = 15 * 60;

#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// So many seconds are shown.
    pub(crate) since_s: u64,
    pub(crate) freshness: Freshness,
    /// Why c2d did not tell it.
    pub(crate) fault: Option<Fault>,
    /// c2d's clock when it told it, and the console's then.
    told: Option<(u64, Mono)>,
    spans: Vec<Span>,
    lanes: Vec<Lane>,
    /// What each slot is called.
    names: Vec<String>,
    laid: Option<Laid>,
    /// The selected run: an attempt at a job.
    selected: Option<(JobId, u32)>,
    /// The selected lane, and the first one in sight.
    lane: usize,
    top: usize,
    height: usize,
    /// The time at which the selection goes from lane to lane.
    at_ms: u64,
}

/// The lanes in sight, as they were laid out for a place and a time.
#[derive(Clone, Debug)]
struct Laid {
    /// First lane, how many, cells for all, and the end of the time.
    what: (usize, usize, usize, u64),
    names: usize,
    runs: Vec<Vec<Run>>,
}

/// The cells of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its place in the list of spans.
    pub(crate) span: usize,
    pub(crate) from: usize,
    pub(crate) cells: usize,
}

impl Timeline {
    /// Nothing is told yet; this job is to be selected.
    pub(crate) fn new(since_s: u64, selected: Option<JobId>) -> Self {
        Self {
            since_s,
            freshness: Freshness::default(),
            fault: None,
            told: None,
            spans: Vec::new(),
            lanes: Vec::new(),
            names: Vec::new(),
            laid: None,
            selected: selected.map(|job| (job, LATEST)),
            lane: 0,
            top: 0,
            height: 1,
            at_ms: u64::MAX,
        }
    }

    /// Takes what c2d told: the lanes are anew, and the selected run stays selected.
    pub(crate) fn take(&mut self, told: figures::Timeline, cache: &Cache, now: Mono) {
        let is_first = self.told.replace((told.to_ms, now)).is_none();
        self.fault = None;
        self.lanes = lanes::lanes(&told.spans);
        self.spans = told.spans;
        let workers = cache.workers.values().map(|worker| &worker.row);
        let workers = workers.filter(|row| row.status.is_reachable());
        lanes::add_idle(&mut self.lanes, workers.map(|row| (row.ip, row.worker_id.clone(), row.slots)));
        self.names = names(&self.lanes, cache);
        self.laid = None;
        if let Some((job, LATEST)) = self.selected {
            let latest = self.spans.iter().filter(|span| span.job_id == job).map(|span| span.attempt).max();
            self.selected = Some((job, latest.unwrap_or(LATEST)));
        }
        let of_selected = |lane: &Lane| lane.spans.iter().any(|at| self.is_selected(&self.spans[*at]));
        if let Some(lane) = self.lanes.iter().position(of_selected) {
            self.lane = lane;
            return self.keep_in_sight();
        }
        if is_first {
            self.lane = self.lanes.iter().position(|lane| !lane.spans.is_empty()).unwrap_or(0);
        }
        self.keep_in_sight();
        self.select_near();
    }

    /// The time that is shown, by c2d's clock.
    pub(crate) fn time(&self, now: Mono) -> Range<u64> {
        let end = self.told.map_or(0, |(to_ms, at)| to_ms + now.since_ms(at));
        end.saturating_sub(self.since_s.saturating_mul(1_000))..end
    }

    pub(crate) const fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// The lanes in sight: the place of each, its name and its runs.
    pub(crate) fn visible(&self) -> impl Iterator<Item = (usize, &str, &[Run])> {
        let lanes = self.names.iter().enumerate().skip(self.top);
        let runs = self.laid.iter().flat_map(|laid| &laid.runs);
        lanes.zip(runs).map(|((at, name), runs)| (at, name.as_str(), runs.as_slice()))
    }

    /// Cells for the names of slots.
    pub(crate) fn names(&self) -> usize {
        self.laid.as_ref().map_or(0, |laid| laid.names)
    }

    /// Cells for their runs, in so many for both.
    pub(crate) const fn track(width: usize, names: usize) -> usize {
        width.saturating_sub(names + 3)
    }

    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(crate) const fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(crate) const fn top(&self) -> usize {
        self.top
    }

    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    pub(crate) const fn lane(&self) -> usize {
        self.lane
    }

    /// The job of the selected run.
    pub(crate) fn selected(&self) -> Option<JobId> {
        self.selected.map(|(job, _)| job)
    }

    pub(crate) fn is_selected(&self, span: &Span) -> bool {
        self.selected == Some((span.job_id, span.attempt))
    }

    /// The selected run.
    pub(crate) fn span(&self) -> Option<&Span> {
        self.spans.iter().find(|span| self.is_selected(span))
    }

    /// Fits it into so many cells and lanes.
    pub(crate) fn fit(&mut self, width: usize, height: usize, now: Mono) {
        self.height = height.max(1);
        self.keep_in_sight();
        let widest = self.names.iter().skip(self.top).take(self.height).map(|name| text::width(name)).max();
        let names = widest.unwrap_or(0).min(width / 4).min(NAME_MAX);
        let track = Self::track(width, names);
        let shown_ms = self.since_s.saturating_mul(1_000);
        // All of it moves by whole cells.
        let cell_ms = shown_ms.checked_div(track as u64).unwrap_or(0).max(1);
        let end = self.time(now).end.next_multiple_of(cell_ms);
        let what = (self.top, self.height, width, end);
        if self.laid.as_ref().is_none_or(|laid| laid.what != what) {
            let time = end.saturating_sub(shown_ms)..end;
            let lanes = self.lanes.iter().skip(self.top).take(self.height);
            let runs = lanes.map(|lane| runs(&lane.cells(&self.spans, &time, track))).collect();
            self.laid = Some(Laid { what, names, runs });
        }
    }

    /// From lane to lane, at the same time.
    pub(crate) fn step(&mut self, step: Step) {
        self.go_to(step.from(self.lane, self.lanes.len(), self.height));
    }

    pub(crate) fn scroll(&mut self, rows: i16) {
        self.go_to(self.lane.saturating_add_signed(rows.into()).min(self.lanes.len().saturating_sub(1)));
    }

    fn go_to(&mut self, lane: usize) {
        self.lane = lane;
        self.select_near();
        self.keep_in_sight();
    }

    /// From run to run in the lane.
    pub(crate) fn pass(&mut self, places: isize) {
        let Some(lane) = self.lanes.get(self.lane) else { return };
        let at = lane.spans.iter().position(|at| self.is_selected(&self.spans[*at]));
        let last = lane.spans.len().saturating_sub(1);
        if let Some(at) = at.and_then(|at| lane.spans.get(at.saturating_add_signed(places).min(last))) {
            self.select(*at);
        }
    }

    /// Selects a run by its place in the list.
    pub(crate) fn select(&mut self, at: usize) {
        let Some(span) = self.spans.get(at) else { return };
        self.selected = Some((span.job_id, span.attempt));
        self.at_ms = span.ended_ms.unwrap_or(u64::MAX);
        self.lane = self.lanes.iter().position(|lane| lane.spans.contains(&at)).unwrap_or(self.lane);
        self.keep_in_sight();
    }

    /// Selects the run of the lane that is nearest to the time of the one before.
    fn select_near(&mut self) {
        let away = |at: &&usize| {
            let span = &self.spans[**at];
            self.at_ms
                .abs_diff(self.at_ms.clamp(span.started_ms, span.ended_ms.unwrap_or(u64::MAX).max(span.started_ms)))
        };
        let near = self.lanes.get(self.lane).and_then(|lane| lane.spans.iter().min_by_key(away));
        self.selected = near.map(|at| (self.spans[*at].job_id, self.spans[*at].attempt));
    }

    fn keep_in_sight(&mut self) {
        self.lane = self.lane.min(self.lanes.len().saturating_sub(1));
        let lowest = (self.lane + 1).saturating_sub(self.height);
        self.top = self.top.clamp(lowest, self.lane).min(self.lanes.len().saturating_sub(self.height));
    }
}

/// What slots are called: by the hosts of their workers, or by the addresses where hosts are called alike.
fn names(lanes: &[Lane], cache: &Cache) -> Vec<String> {
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for worker in cache.workers.values().filter(|worker| !worker.hostname.is_empty()) {
        *hosts.entry(&worker.hostname).or_default() += 1;
    }
    let name = |lane: &Lane| {
        let worker = lane.worker_id.as_ref().and_then(|id| cache.workers.get(id));
        match worker.filter(|worker| hosts.get(worker.hostname.as_str()) == Some(&1)) {
            Some(worker) => format!("{}.{}", worker.hostname, lane.number),
            None => format!("{}.{}", lane.worker, lane.number),
        }
    };
    lanes.iter().map(name).collect()
}

/// Cells that belong to the same span, put together.
fn runs(cells: &[Option<usize>]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut from = 0;
    for run in cells.chunk_by(|a, b| a == b) {
        runs.extend(run[0].map(|span| Run { span, from, cells: run.len() }));
        from += run.len();
    }
    runs
}
