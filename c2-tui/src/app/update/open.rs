//! Going deeper: a worker, its jobs, a job, its output.

use c2_shared::api::jobs::JobInfo;
use c2_shared::id::JobId;

use super::{focus, output, pages};
use crate::app::Effect;
use crate::app::cache::JobScope;
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::page::Page;
use crate::app::panes::Pane;
use crate::app::report::Fault;
use crate::app::table::{Grid as _, Opens, Step};

pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    match (model.opens(), model.focus) {
        (Some(Opens::Worker(id, ip)), _) => {
            let mut page = Page::worker(id, ip);
            if let Page::Worker { jobs, .. } = &mut page {
                jobs.rebuild(&model.cache);
                jobs.wake();
            }
            pages::push(model, page);
        }
        (Some(Opens::Job(job)), _) => {
            effects.push(Effect::Fetch(job));
            pages::push(model, Page::job(job));
        }
        (Some(Opens::Jobs(filter)), _) => {
            model.panes.jobs.set_scope(JobScope::Active, &model.cache);
            model.panes.jobs.set_filter(&filter, &model.cache);
            focus::focus(model, Focus::Pane(Pane::Jobs));
        }
        (None, Focus::Page) => match model.pages.last() {
            Some(Page::Job { id, .. }) => output::open(model, *id, effects),
            Some(Page::Output { .. } | Page::Watch(_) | Page::Text { .. }) => {
                if let Some(text) = model.pager_mut(Focus::Page) {
                    text.step(Step::Down);
                }
            }
            Some(Page::Worker { .. }) | None => {}
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
pub(super) fn on_fetched(model: &mut Model, job: JobId, info: &Result<Box<JobInfo>, Fault>) {
    let glyphs = model.glyphs();
    for page in model.pages.iter_mut().filter(|p| p.about() == Some(job)) {
        page.load(info.clone(), glyphs);
    }
}
