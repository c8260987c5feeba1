//! Ends of jobs: those that are to be told aloud, and the failures since the operator last looked.

use std::collections::BTreeSet;

use c2_shared::id::JobId;
use c2_shared::job::JobState;

use super::focus;
use crate::app::Effect;
use crate::app::cache::{Cache, JobScope};
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::panes::Pane;
use crate::app::table::Grid as _;
use crate::app::toast::Kind;

/// What of the jobs was so before an event.
pub(super) struct Before {
    failed: BTreeSet<JobId>,
    /// How many jobs are marked, if it is about one of them and some of them have not ended.
    marked: Option<usize>,
}

/// Looks at the jobs that an event is about, before it comes.
pub(super) fn before(model: &Model, ids: &[JobId]) -> Before {
    let failed = ids.iter().copied().filter(|id| state(&model.cache, *id) == Some(JobState::Failed)).collect();
    let is_marked = |id: &JobId| model.panes.of_jobs().into_iter().any(|table| table.has_mark(id));
    let marked = if ids.iter().any(is_marked) { marked_active(model) } else { None };
    Before { failed, marked }
}

/// Tells what has ended by an event.
pub(super) fn after(model: &mut Model, ids: &[JobId], before: &Before, effects: &mut Vec<Effect>) {
    let has_failed = |id: &JobId| state(&model.cache, *id) == Some(JobState::Failed) && !before.failed.contains(id);
    let failures: Vec<JobId> = ids.iter().copied().filter(has_failed).collect();
    model.failures.extend(failures);
    let rows = model.watched.iter().filter_map(|id| model.cache.jobs.get(id)).map(|job| &job.row);
    let ended: Vec<(JobId, JobState)> =
        rows.filter(|row| row.state.is_terminal()).map(|row| (row.job_id, row.state)).collect();
    for (job, state) in ended {
        model.watched.remove(&job);
        let name = model.cache.jobs.get(&job).and_then(|job| job.row.name.as_deref());
        let name = name.map_or_else(String::new, |name| format!(" {name}"));
        ring(model, format!("{job}{name} {state}"), state == JobState::Failed, effects);
    }
    if let (Some(jobs), None) = (before.marked, marked_active(model)) {
        ring(model, format!("all {jobs} marked jobs have ended"), false, effects);
    }
}

fn ring(model: &mut Model, text: String, is_bad: bool, effects: &mut Vec<Effect>) {
    model.toasts.say(if is_bad { Kind::Bad } else { Kind::Good }, text.clone(), model.now);
    effects.push(Effect::Ring(text));
}

fn marked_active(model: &Model) -> Option<usize> {
    let marked = model.marked_jobs();
    let is_active = |id: &JobId| state(&model.cache, *id).is_some_and(|state| !state.is_terminal());
    (marked.len() > 1 && marked.iter().any(is_active)).then_some(marked.len())
}

fn state(cache: &Cache, id: JobId) -> Option<JobState> {
    cache.jobs.get(&id).map(|job| job.row.state)
}

/// Goes to the failed jobs, and to the latest of those that are new.
pub(super) fn show_failures(model: &mut Model) {
    let latest = model.failures.last().copied();
    focus::focus(model, Focus::Pane(Pane::Jobs));
    model.panes.jobs.set_scope(JobScope::Failed, &model.cache);
    model.panes.jobs.set_filter("", &model.cache);
    if let Some(id) = latest {
        model.panes.jobs.select(&id);
    }
}

/// Failures that are in sight where the operator is are no longer new.
pub(super) fn look(model: &mut Model) {
    let looks = match model.focus {
        Focus::Pane(Pane::Log) => true,
        Focus::Pane(Pane::Jobs) => *model.panes.jobs.scope() == JobScope::Failed,
        _ => false,
    };
    if looks {
        model.failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Msg, Settings};
    use crate::tests::demo::{busy, change, job, press, send};

    fn rings(effects: &[Effect]) -> Vec<&str> {
        effects.iter().filter_map(|e| if let Effect::Ring(text) = e { Some(text.as_str()) } else { None }).collect()
    }

    #[test]
    fn a_watched_job_rings_once_at_its_end() {
        let mut model = busy(120, 40);
        press(&mut model, &["Alt-2", "n"]);
        assert_eq!(rings(&send(&mut model, change(vec![job(5, JobState::Failed)]))), [""; 0]);
        let mut train = job(4, JobState::Succeeded);
        train.name = Some("train".to_owned());
        assert_eq!(rings(&send(&mut model, change(vec![train]))), ["job-4 train succeeded"]);
        assert_eq!(rings(&send(&mut model, change(vec![job(4, JobState::Succeeded)]))), [""; 0]);
        press(&mut model, &["n", "n"]);
        assert!(model.watched.is_empty(), "the same key takes it back");
    }

    #[test]
    fn the_last_of_the_marked_jobs_rings() {
        let mut model = busy(120, 40);
        press(&mut model, &["Alt-2", "Space", "Space"]);
        assert_eq!(rings(&send(&mut model, change(vec![job(4, JobState::Succeeded)]))), [""; 0]);
        let last = send(&mut model, change(vec![job(5, JobState::Failed)]));
        assert_eq!(rings(&last), ["all 2 marked jobs have ended"]);
    }

    #[test]
    fn failures_are_counted_until_somebody_looks() {
        let mut model = busy(120, 40);
        assert_eq!(model.failures.len(), 0, "what was there at first is not new");
        send(&mut model, change(vec![job(5, JobState::Failed), job(6, JobState::Failed)]));
        send(&mut model, change(vec![job(6, JobState::Failed)]));
        assert_eq!(model.failures, [JobId(5), JobId(6)]);
        press(&mut model, &["F4"]);
        assert_eq!((model.focus, model.panes.jobs.selected()), (Focus::Pane(Pane::Jobs), Some(JobId(6))));
        assert!(model.failures.is_empty());
        let mut fresh = Model::new(Settings::default());
        send(&mut fresh, Msg::Connected);
        press(&mut fresh, &["F4"]);
        assert_eq!(*fresh.panes.jobs.scope(), JobScope::Failed, "it leads there in any case");
    }
}
