//! What c2d tells: the connection and the changes of the rows.

use c2_shared::api::events::Event;
use c2_shared::id::JobId;
use c2_shared::time::Mono;

use super::{ends, figures, older, result, waits};
use crate::app::Effect;
use crate::app::cache::Job;
use crate::app::model::{Link, Model};
use crate::app::page::Page;
use crate::app::pages::Pages;
use crate::app::panes::Panes;
use crate::app::report::Fault;
use crate::app::table::{Grid as _, Table};
use crate::app::toast::Kind;

/// From this many jobs in one change on, ordering everything anew is cheaper than following.
const FOLLOW_MAX: usize = 256;

pub(super) fn on_connecting(model: &mut Model, server: String) {
    model.settings.server = server;
    // A countdown that ran out stays on the screen while it is tried again, so that nothing flickers.
    if !matches!(model.link, Link::Down { .. }) {
        model.link = Link::Connecting { since: model.now.mono };
    }
}

pub(super) fn on_connected(model: &mut Model) {
    if model.was_up {
        model.toasts.say(Kind::Good, "connected again", model.now);
    }
    model.link = Link::Up;
    model.was_up = true;
    result::cured(model);
}

pub(super) fn on_silent(model: &mut Model, since: Mono) {
    if model.link == Link::Up {
        let silent_ms = model.now.mono.since_ms(since);
        model.cache.away_ms = Some(model.now.wall_ms.saturating_sub(silent_ms));
        model.link = Link::Silent { since };
    }
}

pub(super) fn on_heard(model: &mut Model) {
    if matches!(model.link, Link::Silent { .. }) {
        model.link = Link::Up;
    }
    model.cache.away_ms = model.cache.away_ms.filter(|_| model.link != Link::Up);
}

/// Each new reason that the operator must do something about is a message; that c2d is away is one
/// when it was there.
pub(super) fn on_disconnected(model: &mut Model, fault: Fault, retry_at: Mono, lasts: bool) {
    let is_known = matches!(&model.link, Link::Down { fault: before, .. } if *before == fault);
    if lasts && !is_known {
        model.toasts.say(Kind::Bad, fault.words(), model.now);
    } else if matches!(model.link, Link::Up | Link::Silent { .. }) {
        model.toasts.say(Kind::Bad, format!("lost c2d: {}", fault.message), model.now);
    }
    model.cache.away_ms = model.cache.away_ms.or(Some(model.now.wall_ms));
    model.link = Link::Down { fault, retry_at, lasts };
}

pub(super) fn on_event(model: &mut Model, event: Event, effects: &mut Vec<Effect>) {
    on_heard(model);
    let is_snapshot = matches!(event, Event::Snapshot(_));
    let mut ids: Vec<JobId> = match &event {
        Event::Change(change) => change.jobs.iter().map(|row| row.job_id).collect(),
        Event::Snapshot(_) => Vec::new(),
    };
    ids.sort_unstable();
    ids.dedup();
    let before = ends::before(model, &ids);
    let follow = ids.len() <= FOLLOW_MAX;
    if follow {
        for id in &ids {
            if let Some(job) = model.cache.jobs.get(id) {
                job_tables(&mut model.panes, &mut model.pages).for_each(|t| t.leave(job, &model.cache));
            }
        }
    }
    let changed = model.cache.apply(event, model.now.wall_ms);
    if changed.all || !follow {
        rebuild(model);
    } else {
        for id in &ids {
            if let Some(job) = model.cache.jobs.get(id) {
                job_tables(&mut model.panes, &mut model.pages).for_each(|t| t.enter(job, &model.cache));
            }
        }
        job_tables(&mut model.panes, &mut model.pages).for_each(Table::find_selected);
        if changed.workers {
            model.panes.workers.rebuild(&model.cache);
        }
        if changed.waits {
            model.panes.queue.rebuild(&model.cache);
        }
    }
    ends::after(model, &ids, &before, effects);
    if changed.all || !ids.is_empty() {
        figures::spoil(model);
    }
    waits::spoil(model);
    figures::ask_medians(model, effects);
    let shown = model.pages.iter().filter(|page| matches!(page, Page::Job { .. })).filter_map(Page::about);
    let stale = shown.filter(|id| changed.all || ids.binary_search(id).is_ok());
    let outputs = model.pages.iter().filter_map(Page::live).map(|live| live.job);
    let unknown = outputs.filter(|id| changed.all && !model.cache.jobs.contains_key(id));
    for id in stale.chain(unknown).collect::<std::collections::BTreeSet<_>>() {
        effects.push(Effect::Fetch(id));
    }
    if is_snapshot {
        older::begin_anew(model, effects);
    }
}

/// Orders all tables anew.
pub(super) fn rebuild(model: &mut Model) {
    model.panes.rebuild(&model.cache);
    pages(&mut model.pages).for_each(|t| t.rebuild(&model.cache));
}

fn job_tables<'a>(panes: &'a mut Panes, over: &'a mut Pages) -> impl Iterator<Item = &'a mut Table<Job>> {
    panes.of_jobs_mut().into_iter().chain(pages(over))
}

fn pages(over: &mut Pages) -> impl Iterator<Item = &mut Table<Job>> {
    over.iter_mut().filter_map(Page::jobs_mut)
}
