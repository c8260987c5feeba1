//! Going deeper: a worker, its jobs, a job, its output.

use c2_shared::api::jobs::JobInfo;
use c2_shared::id::JobId;

use super::{figures, focus, output, pages, schedules};
use crate::app::Effect;
use crate::app::cache::JobScope;
use crate::app::details;
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::page::{Loaded, Page};
use crate::app::panes::Pane;
use crate::app::report::Fault;
use crate::app::table::{Grid as _, Opens, Step};

pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    match (model.opens(), model.focus) {
        (Some(Opens::Worker(id, ip)), _) => {
            let mut page = Page::worker(id, ip);
            if let Some(grid) = page.grid_mut() {
                grid.rebuild(&model.cache);
                grid.wake();
            }
            pages::push(model, page);
        }
        (Some(Opens::Job(job)), _) => output::open_job(model, job, effects),
        (Some(Opens::Alike(line, jobs)), _) => figures::open_alike(model, line, jobs, effects),
        (Some(Opens::Schedule(name)), _) => schedules::show(model, &name, effects),
        (Some(Opens::Jobs(filter)), _) => {
            model.panes.jobs.set_scope(JobScope::Active, &model.cache);
            model.panes.jobs.set_filter(&filter, &model.cache);
            focus::focus(model, Focus::Pane(Pane::Jobs));
        }
        (None, Focus::Page) => match model.pages.last() {
            Some(Page::Job { live, .. }) => output::open(model, live.job, live.shown, effects),
            Some(Page::Output(_) | Page::Watch(_) | Page::Text { .. }) => {
                if let Some(text) = model.pager_mut(Focus::Page) {
                    text.step(Step::Down);
                }
            }
            Some(Page::Timeline(timeline)) => {
                if let Some(job) = timeline.selected() {
                    output::open_job(model, job, effects);
                }
            }
            Some(Page::Worker { .. } | Page::Alike { .. } | Page::List(_)) | None => {}
        },
        (None, Focus::Result) => {
            if let Some(result) = model.result.take() {
                // A result is the line's, and so is the page that it becomes.
                model.focus = Focus::Line;
                pages::push(model, Page::Text { title: result.title, text: result.text });
            }
        }
        (None, Focus::Line | Focus::Pane(_)) => {}
    }
}

/// Takes a job that was fetched to the pages that are about it.
pub(super) fn on_fetched(model: &mut Model, job: JobId, fetched: &Result<Box<JobInfo>, Fault>) {
    for page in model.pages.iter_mut().filter(|page| page.about() == Some(job)) {
        if let Page::Job { info, .. } = page {
            *info = match fetched.clone() {
                Ok(job) => Loaded::Here(job),
                Err(fault) => Loaded::Failed(fault),
            };
        }
    }
}

/// All that is told of the job of a page, where the page itself has no room for it.
pub(super) fn details(model: &mut Model) {
    let Some(Page::Job { info, live }) = model.pages.last() else { return };
    let lines = details::of(info, &model.sight(), usize::MAX);
    let lines: Vec<String> = lines.into_iter().map(|(label, line, _)| format!("{label:<10}{line}")).collect();
    let title = format!("{} in full", live.job);
    pages::text(model, title, &lines.join("\n"));
    if let Some(text) = model.pager_mut(Focus::Page) {
        text.wrap_lines();
    }
}
