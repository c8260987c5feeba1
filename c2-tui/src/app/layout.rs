//! Where the parts of the screen are, as plain numbers.
//!
//! Both sides use it: drawing to know where, and `update` to know how many rows fit, so that
//! scrolling is decided before anything is drawn.

use c2_shared::id::WorkerId;

use crate::app::details::{self, Detail};
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::page::Page;
use crate::app::panes::Pane;
use crate::app::preferences::Sizes;
use crate::app::table::Tone;
use crate::app::text;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// The parts of the screen; a part without room has no area.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    /// The line about c2d and the cluster.
    pub(crate) header: Option<Area>,
    /// What the operator must do before there can be a connection.
    pub(crate) trouble: Option<Area>,
    /// The names of the panes on the border of the one that has room.
    pub(crate) tabs: Option<Area>,
    pub(crate) panes: Vec<(Pane, Area)>,
    /// The page that was opened over the panes.
    pub(crate) page: Option<Area>,
    /// Beside the jobs: what the selected one writes.
    pub(crate) preview: Option<Area>,
    pub(crate) result: Option<Area>,
    pub(crate) line: Area,
    /// The keys, or advice about the line.
    pub(crate) below: Option<Area>,
}

/// Cells of a label in front of a fact, with the gap behind it.
pub(crate) const LABEL: usize = 10;
/// Rows of what the operator must do, at most.
const TROUBLE_ROWS: u16 = 3;
/// Below this nothing useful fits.
pub(crate) const TINY: (u16, u16) = (20, 5);
/// Below this one pane at a time is shown.
const SMALL: (u16, u16) = (60, 15);
/// Below this height every row is for the pane and the line.
const COMPLETE: u16 = 8;
/// Rows of a pane from which on one of them is for a foot.
const FOOTED: u16 = 6;
/// Rows below which four panes would show only their borders.
const CROWDED: u16 = 14;
/// What is told of a worker and of a job above their pages.
pub(crate) const WORKER_FACTS: u16 = 10;
pub(crate) const JOB_FACTS: u16 = 12;
/// Below this width of the jobs there is no room beside them, and below this height none worth it.
const PREVIEW: (u16, u16) = (60, 5);
/// Graphics processors that are told of one by one.
const GPUS_MAX: u16 = 8;
/// From this width on the queue and the log stand beside the rest.
const WIDE: u16 = 120;

impl Area {
    fn cut_top(&mut self, rows: u16) -> Self {
        let rows = rows.min(self.height);
        let cut = Self { height: rows, ..*self };
        self.y += rows;
        self.height -= rows;
        cut
    }

    fn cut_bottom(&mut self, rows: u16) -> Self {
        let rows = rows.min(self.height);
        self.height -= rows;
        Self { y: self.y + self.height, height: rows, ..*self }
    }

    fn cut_right(&mut self, columns: u16) -> Self {
        let columns = columns.min(self.width);
        self.width -= columns;
        Self { x: self.x + self.width, width: columns, ..*self }
    }

    /// Cuts a box off whose last row is the first one of the rest: the line between them is one.
    fn share_top(&mut self, rows: u16) -> Self {
        let cut = self.cut_top(rows);
        (self.y, self.height) = (self.y - 1, self.height + 1);
        cut
    }

    /// The same at the lower end.
    fn share_bottom(&mut self, rows: u16) -> Self {
        let cut = self.cut_bottom(rows);
        self.height += 1;
        cut
    }

    /// The same at the right.
    fn share_right(&mut self, columns: u16) -> Self {
        let cut = self.cut_right(columns);
        self.width += 1;
        cut
    }

    /// Whether the last row of this box is the first one of the other.
    const fn is_over(self, other: Self) -> bool {
        let beside = other.x + other.width <= self.x || self.x + self.width <= other.x;
        self.y + self.height == other.y + 1 && !beside
    }
}

impl Screen {
    /// Whether the lower border of a box is the upper one of another.
    pub(crate) fn is_over_another(&self, area: Area) -> bool {
        self.panes.iter().map(|(_, other)| *other).chain(self.result).any(|other| area.is_over(other))
    }
}

/// Whether the terminal is too small for anything.
pub(crate) const fn too_small(width: u16, height: u16) -> bool {
    width < TINY.0 || height < TINY.1
}

pub(crate) fn screen(model: &Model) -> Screen {
    let (width, height) = model.size;
    let mut rest = Area { x: 0, y: 0, width, height };
    let mut screen = Screen::default();
    if too_small(width, height) {
        return screen;
    }
    screen.below = (height >= COMPLETE).then(|| rest.cut_bottom(1));
    screen.line = rest.cut_bottom(1);
    screen.header = (height >= COMPLETE).then(|| rest.cut_top(1));
    if let Some(trouble) = model.trouble().filter(|_| height >= COMPLETE) {
        let lines = text::wrapped(&text::sanitize(&trouble), trouble_width(width));
        screen.trouble = Some(rest.cut_top(u16::try_from(lines.len()).unwrap_or(1).min(TROUBLE_ROWS)));
    }
    if let Some(result) = &model.result {
        let zoomed = model.zoom && model.focus == Focus::Result;
        let wanted = u16::try_from(result.rows).unwrap_or(u16::MAX).saturating_add(2);
        let most = if zoomed { rest.height } else { (rest.height * 3 / 5).max(4) };
        let rows = match () {
            () if zoomed => most,
            () if result.is_folded && !model.pages.is_empty() && model.focus != Focus::Result => 1,
            () => wanted.clamp(3, most),
        };
        let shares = rows > 1 && model.pages.is_empty();
        screen.result = Some(if shares { rest.share_bottom(rows) } else { rest.cut_bottom(rows) });
    }
    if rest.height < 3 {
        return screen;
    }
    // Also where a result leaves little: one pane that can be read rather than four that cannot.
    let small = width < SMALL.0 || height < SMALL.1 || rest.height < CROWDED;
    if !model.pages.is_empty() {
        screen.page = Some(rest);
    } else if small {
        // They stand on the upper border: each row counts here.
        screen.tabs = Some(Area { x: rest.x + 1, width: rest.width - 2, height: 1, ..rest });
        screen.panes.push((model.pane, rest));
    } else if model.zoom && matches!(model.focus, Focus::Pane(_)) {
        screen.panes.push((model.pane, rest));
    } else if width >= WIDE {
        wide(model, rest, &mut screen);
    } else {
        narrow(model, rest, &mut screen);
    }
    if model.preview.is_some() {
        screen.preview = beside_jobs(model, &mut screen);
    }
    screen
}

/// Half of the room of the jobs: of a worker's, or of the pane that has them.
fn beside_jobs(model: &Model, screen: &mut Screen) -> Option<Area> {
    let jobs = match model.pages.last() {
        Some(page) if page.grid().is_some_and(|grid| grid.is_of_jobs()) => screen.page.as_mut(),
        Some(_) => None,
        None => {
            let of_jobs = |pane: &Pane| model.panes.grid(*pane).is_of_jobs();
            let pane = Some(model.pane).filter(|pane| of_jobs(pane) && screen.panes.len() == 1).unwrap_or(Pane::Jobs);
            screen.panes.iter_mut().find(|(shown, _)| *shown == pane).map(|(_, area)| area)
        }
    }?;
    let has_room = jobs.width >= PREVIEW.0 && jobs.height >= PREVIEW.1;
    has_room.then(|| jobs.share_right(jobs.width.div_ceil(2)))
}

/// Cells for what the operator must do: all but the blanks at both ends.
pub(crate) fn trouble_width(width: u16) -> usize {
    usize::from(width.saturating_sub(2))
}

/// Rows below the table of a pane, for what its columns have cut of the selected row: it stands on the
/// lower border, but for a border that is also the upper one of another box.
pub(crate) fn pane_foot(model: &Model, screen: &Screen, area: Area) -> u16 {
    // Without a row there is nothing that was cut, and what to do next needs the room.
    let has_rows = |pane: Pane| model.panes.grid(pane).len() > 0;
    // The last one of the rows that just fit would give way to it.
    let is_full =
        |pane: Pane| pane.view().puts_rows_first() && model.panes.grid(pane).len() + 3 == usize::from(area.height);
    let is_shown = |(pane, at): &(Pane, Area)| {
        *at == area && model.focus == Focus::Pane(*pane) && has_rows(*pane) && !is_full(*pane)
    };
    let focused = screen.panes.iter().any(is_shown);
    u16::from(focused && area.height >= FOOTED && screen.is_over_another(area))
}

/// Columns of facts beside each other.
pub(crate) const fn fact_columns(area: Area) -> u16 {
    if area.width >= 102 { 3 } else { 2 }
}

/// Rows of facts above the table or text of a page, and one to part them.
pub(crate) fn page_facts(model: &Model, page: &Page, area: Area) -> u16 {
    let rows = match page {
        Page::Worker { id, .. } => WORKER_FACTS.div_ceil(fact_columns(area)) + gpus(model, id) + 1,
        Page::Job { .. } => JOB_FACTS.div_ceil(fact_columns(area)) + 1,
        Page::Watch(_) => 1,
        _ => 0,
    };
    if area.height >= rows * 2 { rows } else { 0 }
}

/// Lines about graphics processors, one for each.
pub(crate) fn gpus(model: &Model, id: &WorkerId) -> u16 {
    let gpus = model.cache.workers.get(id).map_or(0, |worker| worker.row.load.gpu_percent.len());
    u16::try_from(gpus).unwrap_or(u16::MAX).min(GPUS_MAX)
}

/// What is told below the facts of a job, as far as half of the room below them takes it.
pub(crate) fn page_details(model: &Model, page: &Page, area: Area) -> Vec<Detail> {
    let Page::Job { info, .. } = page else { return Vec::new() };
    let room = area.height.saturating_sub(2 + page_facts(model, page, area)) / 2;
    let mut details = details::of(info, &model.sight(), detail_width(area));
    if details.len() > room.into() {
        details.truncate(room.saturating_sub(1).into());
        if room > 0 {
            details.push(("", "v shows all".to_owned(), Tone::Dim));
        }
    }
    details
}

/// Cells for a detail, behind its label.
pub(crate) fn detail_width(area: Area) -> usize {
    usize::from(area.width.saturating_sub(4)).saturating_sub(LABEL).max(1)
}

/// Rows above the table or text of a page: its facts, its details, and a rule below these.
pub(crate) fn page_head(model: &Model, page: &Page, area: Area) -> u16 {
    let details = u16::try_from(page_details(model, page, area).len()).unwrap_or(u16::MAX);
    page_facts(model, page, area) + if details > 0 { details + 1 } else { 0 }
}

/// Columns and rows for text inside of a box, below as many rows of facts.
pub(crate) fn text_size(area: Area, head: u16) -> (usize, usize) {
    (area.width.saturating_sub(4).into(), area.height.saturating_sub(2 + head).into())
}

/// Workers over jobs, and beside them the queue over the log.
fn wide(model: &Model, mut rest: Area, screen: &mut Screen) {
    let mut right = rest.share_right(percent(rest.width, 38_u16.saturating_add_signed(-model.sizes.side)));
    let workers = rest.share_top(workers_height(model, rest.height));
    let queue = right.share_top(percent(right.height, 50_u16.saturating_add_signed(model.sizes.foot)));
    screen.panes = vec![(Pane::Workers, workers), (Pane::Jobs, rest), (Pane::Queue, queue), (Pane::Log, right)];
}

/// Workers over jobs over the queue beside the log.
fn narrow(model: &Model, mut rest: Area, screen: &mut Screen) {
    let mut foot = rest.share_bottom(percent(rest.height, 36_u16.saturating_add_signed(model.sizes.foot)).max(4));
    let log = foot.share_right(percent(foot.width, 50_u16.saturating_add_signed(-model.sizes.side)));
    let workers = rest.share_top(workers_height(model, rest.height));
    let mut panes = vec![(Pane::Workers, workers), (Pane::Jobs, rest), (Pane::Queue, foot), (Pane::Log, log)];
    panes.retain(|(_, area)| area.height >= 3);
    screen.panes = panes;
}

/// As many rows as there are workers, within reason, so that the jobs get the rest.
fn workers_height(model: &Model, height: u16) -> u16 {
    // Without any it says how to get one.
    let rows = match model.panes.grid(Pane::Workers).in_scope() {
        0 => 6,
        workers => u16::try_from(workers).unwrap_or(u16::MAX).saturating_add(3),
    };
    // Jobs that are few leave the rest to the workers.
    let jobs = u16::try_from(model.panes.grid(Pane::Jobs).len()).unwrap_or(u16::MAX).saturating_add(3).max(8);
    let share = percent(height, 45_u16.saturating_add_signed(model.sizes.top)).max(4);
    let most = if model.sizes.top == 0 { share.max(height.saturating_sub(jobs)) } else { share };
    rows.max(if model.sizes.top > 0 { most } else { 5 }).min(most)
}

fn percent(of: u16, percent: u16) -> u16 {
    u16::try_from(u32::from(of) * u32::from(percent.clamp(10, 90)) / 100).unwrap_or(of)
}

/// The sizes when a pane was made larger by this much.
pub(crate) fn resized(mut sizes: Sizes, pane: Pane, percent: i16) -> Sizes {
    pane.view().grow(&mut sizes, percent);
    sizes.within_bounds()
}
