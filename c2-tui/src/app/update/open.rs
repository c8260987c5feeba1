//! Going deeper: a worker, its jobs, a job, its output.

use c2_shared::api::jobs::JobInfo;
use c2_shared::id::JobId;

use super::{act, output};
use crate::app::Effect;
use crate::app::model::{Focus, Model};
use crate::app::msg::Fault;
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::panes::Pane;
use crate::app::store::JobScope;
use crate::app::table::{Grid as _, Step};

/// Opens what is selected.
pub(super) fn open(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.focus {
        Focus::Pane(Pane::Workers) => {
            if let Some(ip) = model.panes.workers.selected() {
                let mut page = Page::worker(ip);
                if let Page::Worker { jobs, .. } = &mut page {
                    jobs.rebuild(&model.store);
                    jobs.wake();
                }
                push(model, page);
            }
        }
        Focus::Pane(Pane::Jobs) => open_job(model, model.panes.jobs.selected(), effects),
        Focus::Pane(Pane::Log) => open_job(model, model.panes.log.selected(), effects),
        Focus::Pane(Pane::Queue) => show_waiting(model),
        Focus::Page => match model.pages.last() {
            Some(Page::Worker { jobs, .. }) => open_job(model, jobs.selected(), effects),
            Some(Page::Job { id, .. }) => output::open(model, *id, effects),
            Some(Page::Output { .. } | Page::Watch(_) | Page::Text { .. }) => {
                if let Some(text) = model.pager_mut(Focus::Page) {
                    text.step(Step::Down);
                }
            }
            None => {}
        },
        Focus::Result => {
            if let Some(result) = model.result.take() {
                // A result is the line's, and so is the page that it becomes.
                model.focus = Focus::Line;
                push(model, Page::Text { title: result.title, text: result.text });
            }
        }
        Focus::Line => {}
    }
}

fn open_job(model: &mut Model, job: Option<JobId>, effects: &mut Vec<Effect>) {
    if let Some(id) = job {
        effects.push(Effect::Fetch(id));
        push(model, Page::job(id));
    }
}

/// Opens a text in the pager.
pub(super) fn text(model: &mut Model, title: String, text: &str) {
    push(model, Page::Text { title, text: Pager::new(text.as_bytes()) });
}

/// Opens a page over what is there, from the part that has the keys.
pub(super) fn push(model: &mut Model, page: Page) {
    model.pages.open(page, model.focus);
    model.focus = Focus::Page;
}

/// From what waits to the jobs that do.
fn show_waiting(model: &mut Model) {
    let Some(wait) = model.panes.queue.selected().and_then(|key| model.store.waits.get(&key)) else { return };
    let mut filter = format!("state:{}", wait.state());
    if let Some(group) = &wait.group {
        filter = filter + " group:" + group;
    }
    for tag in &wait.tags {
        filter = filter + " tags:" + tag;
    }
    model.panes.jobs.set_scope(JobScope::Active, &model.store);
    model.panes.jobs.set_filter(&filter, &model.store);
    act::focus(model, Focus::Pane(Pane::Jobs));
}

/// Takes a job that was fetched to the pages that are about it.
pub(super) fn on_fetched(model: &mut Model, job: JobId, info: &Result<Box<JobInfo>, Fault>) {
    let glyphs = model.glyphs();
    for page in model.pages.iter_mut().filter(|p| p.about() == Some(job)) {
        page.load(info.clone(), glyphs);
    }
}
