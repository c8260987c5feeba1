//! Figures of the past: the pages that show them, and asking c2d while they are in sight.

use c2_shared::id::JobId;

use super::{focus, older, pages};
use crate::app::Effect;
use crate::app::figures::{Asked, Figures, Freshness};
use crate::app::focus::Focus;
use crate::app::keymap::Action;
use crate::app::layout;
use crate::app::listing::{Listed, Listing};
use crate::app::model::{Link, Model};
use crate::app::page::Page;
use crate::app::panes::Pane;
use crate::app::text::sanitize;
use crate::app::timeline::{SINCE_S, Timeline};

/// Between two questions how long jobs take; what took long does not change soon.
const MEDIANS_MS: u64 = 60_000;

pub(super) fn carry_out(model: &mut Model, action: Action) {
    match (action, model.pages.last_mut()) {
        (Action::List(of), _) => open_list(model, of),
        (Action::Timeline, _) => open_timeline(model, None),
        (Action::Pass(places), Some(Page::Timeline(timeline))) => timeline.pass(places.into()),
        _ => {}
    }
}

/// Opens the page of what ran where, at the job that was selected.
pub(super) fn open_timeline(model: &mut Model, since_s: Option<u64>) {
    match model.pages.last() {
        Some(Page::Timeline(shown)) if since_s.is_none_or(|since_s| since_s == shown.since_s) => {
            focus::focus(model, Focus::Page);
        }
        _ => {
            let selected = model.selected_job();
            pages::push(model, Page::Timeline(Box::new(Timeline::new(since_s.unwrap_or(SINCE_S), selected))));
        }
    }
}

/// Opens a page of rows that c2d tells.
fn open_list(model: &mut Model, of: Listed) {
    if matches!(model.pages.last(), Some(Page::List(list)) if list.of == of) {
        focus::focus(model, Focus::Page);
    } else {
        pages::push(model, Page::List(Listing::new(of)));
    }
    if of == Listed::Groups {
        model.failures.clear();
    }
}

/// Opens the page of jobs that failed alike.
pub(super) fn open_alike(model: &mut Model, line: String, jobs: Vec<JobId>, effects: &mut Vec<Effect>) {
    older::fetch(model, &jobs, effects);
    let mut page = Page::alike(line, jobs);
    if let Some(grid) = page.grid_mut() {
        grid.rebuild(&model.cache);
        grid.wake();
    }
    pages::push(model, page);
}

/// Jobs have changed: what is told of the past may be another thing now.
pub(super) fn spoil(model: &mut Model) {
    model.pages.iter_mut().filter_map(Page::freshness_mut).for_each(|freshness| freshness.spoil());
}

/// A line has ended, which may have changed a schedule.
pub(super) fn ask_schedules_again(model: &mut Model) {
    of(model, Asked::Schedules).filter_map(Page::freshness_mut).for_each(Freshness::ask_again);
}

/// The pages for which this is asked.
fn of(model: &mut Model, asked: Asked) -> impl Iterator<Item = &mut Page> {
    model.pages.iter_mut().filter(move |page| page.asks().is_some_and(|(asks, _)| asks == asked))
}

/// Asks for what is in sight, once it is due.
pub(super) fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.now.mono;
    if model.link != Link::Up {
        return;
    }
    let asked = model.pages.last().and_then(Page::asks);
    if let Some((asked, _)) = asked.filter(|(_, freshness)| freshness.due().is_some_and(|due| due <= now)) {
        effects.push(Effect::Ask(asked));
        if let Some(freshness) = model.pages.last_mut().and_then(Page::freshness_mut) {
            freshness.ask(now);
        }
    }
}

/// While jobs with names run in sight, asks now and then how long such jobs take.
pub(super) fn ask_medians(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.now.mono;
    let is_due = model.medians_asked.is_none_or(|asked| now.since_ms(asked) >= MEDIANS_MS);
    let in_sight = || layout::screen(model).panes.iter().any(|(pane, _)| *pane == Pane::Jobs);
    if model.cache.seen.named_runs && is_due && in_sight() {
        model.medians_asked = Some(now);
        effects.push(Effect::Ask(Asked::Stats));
    }
}

/// Takes what c2d told.
pub(super) fn on_figures(model: &mut Model, figures: Figures) {
    let now = model.now.mono;
    match figures {
        Figures::Stats(stats) => {
            model.cache.take_stats(stats);
            list(model, Asked::Stats);
        }
        Figures::Timeline(told) => {
            for page in model.pages.iter_mut() {
                if let Page::Timeline(timeline) = page {
                    timeline.take(told.clone(), &model.cache, now);
                }
            }
        }
        Figures::Schedules(told) => {
            model.cache.take_schedules(told);
            list(model, Asked::Schedules);
        }
        Figures::Notifications(list) => {
            let rows = list.notifications.into_iter();
            model.cache.notifications = rows.map(|row| (sanitize(&row.name), sanitize(&row.to))).collect();
        }
        // An older c2d tells none of it; where it is only beside other things, it is left out.
        Figures::Failed(asked, why) => of(model, asked).for_each(|page| page.fail(&why)),
    }
}

/// Takes rows that lie in the cache to the pages that asked for them.
fn list(model: &mut Model, asked: Asked) {
    for page in model.pages.iter_mut() {
        match page {
            Page::List(list) if list.of.source().asks() == asked => list.take(&model.cache),
            _ => {}
        }
    }
}
