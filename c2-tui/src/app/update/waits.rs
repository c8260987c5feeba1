//! Why jobs wait, in the queue pane: where its rows do not say it themselves, c2d is asked about the first job of
//! each row in sight, and again when something has changed.

use std::collections::BTreeMap;

use c2_shared::id::JobId;
use c2_shared::time::Mono;

use crate::app::Effect;
use crate::app::cache::{Told, WaitKey};
use crate::app::layout;
use crate::app::model::{Link, Model};
use crate::app::panes::Pane;

/// Between two questions about the same row.
pub(crate) const AGAIN_MS: u64 = 3_000;

/// The rows in sight that do not say it, and when each is to be asked about.
fn unsaid(model: &Model) -> Vec<(WaitKey, Mono)> {
    if model.cache.waits.is_empty() {
        return Vec::new();
    }
    let in_sight = layout::screen(model).panes.iter().any(|(pane, _)| *pane == Pane::Queue);
    let shown = model.panes.queue.shown().filter(|_| in_sight && model.link == Link::Up);
    let waits = shown.filter_map(|key| model.cache.waits.get(key));
    let waits = waits.filter(|wait| wait.decided(&model.cache).is_none());
    let due = |key: &WaitKey| match model.cache.told.get(key) {
        None => Some(Mono::default()),
        Some(told) => told.is_stale.then(|| told.asked.after_ms(AGAIN_MS)),
    };
    waits.filter_map(|wait| Some((wait.key(), due(&wait.key())?))).collect()
}

/// When c2d is to be asked next.
pub(crate) fn due(model: &Model) -> Option<Mono> {
    unsaid(model).into_iter().map(|(_, due)| due).min()
}

/// Asks about what is in sight, and forgets what waits no more.
pub(super) fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let now = model.now.mono;
    let due: Vec<WaitKey> = unsaid(model).into_iter().filter(|(_, due)| *due <= now).map(|(key, _)| key).collect();
    let waits = &model.cache.waits;
    model.cache.told.retain(|key, _| waits.contains_key(key));
    for (wait, job) in firsts(model, &due) {
        effects.push(Effect::Why { wait, job });
        let words = model.cache.told.remove(&wait).filter(|told| told.job == job).map(|told| told.words);
        let told = Told { job, words: words.unwrap_or_default(), asked: now, is_stale: false };
        model.cache.told.insert(wait, told);
    }
}

/// The first job of each of these rows: of the highest priority, and of these the oldest.
fn firsts(model: &Model, wanted: &[WaitKey]) -> BTreeMap<WaitKey, JobId> {
    let mut firsts: BTreeMap<WaitKey, (i32, JobId)> = BTreeMap::new();
    let waits: Vec<_> = wanted.iter().filter_map(|key| model.cache.waits.get(key)).collect();
    if waits.is_empty() {
        return BTreeMap::new();
    }
    for row in model.cache.jobs.values().map(|job| &job.row) {
        if let Some(wait) = waits.iter().find(|wait| wait.has(row)) {
            let first = firsts.entry(wait.key()).or_insert((row.priority, row.job_id));
            if row.priority > first.0 {
                *first = (row.priority, row.job_id);
            }
        }
    }
    firsts.into_iter().map(|(key, (_, job))| (key, job)).collect()
}

/// c2d has answered, or not; then it is asked again.
pub(super) fn on_why(model: &mut Model, wait: WaitKey, job: JobId, words: Option<String>) {
    let Some(told) = model.cache.told.get_mut(&wait).filter(|told| told.job == job) else { return };
    match words {
        Some(words) => told.words = words,
        None => told.is_stale = true,
    }
}

/// Something has changed of which that may come.
pub(super) fn spoil(model: &mut Model) {
    model.cache.told.values_mut().for_each(|told| told.is_stale = true);
}

#[cfg(test)]
mod tests {
    use c2_shared::api::jobs::JobRow;
    use c2_shared::job::{JobState, Needs};

    use super::*;
    use crate::app::{Msg, update};
    use crate::tests::demo::{at, busy, change, console, job, jobs, press, queue, send, snapshot, workers};

    fn asked(effects: &[Effect]) -> Vec<JobId> {
        effects.iter().filter_map(|e| if let Effect::Why { job, .. } = e { Some(*job) } else { None }).collect()
    }

    fn why(model: &Model) -> Vec<String> {
        model.cache.waits.values().map(|wait| format!("{} {}", wait.state(), wait.why(&model.cache))).collect()
    }

    fn answer(model: &mut Model, effects: &[Effect], words: &str) {
        for effect in effects {
            if let Effect::Why { wait, job } = effect {
                send(model, Msg::Why { wait: *wait, job: *job, words: Some(words.to_owned()) });
            }
        }
    }

    #[test]
    fn c2d_is_asked_about_the_first_job_of_each_row_that_does_not_say_why_itself() {
        let mut model = console(120, 40);
        send(&mut model, Msg::Connected);
        let effects = send(&mut model, snapshot(workers(), jobs()));
        assert_eq!(asked(&effects), [JobId(8), JobId(10)], "one that is held, or whose tag is in use, says it");
        assert_eq!(why(&model)[0], "blocked ", "nothing is claimed before it is known");
        answer(&mut model, &effects, "no worker has 64 cpus");
        let wanted =
            ["blocked no worker has 64 cpus", "held awaits a release", "queued tag \"gpu:0\" is held by other jobs"];
        assert_eq!(why(&model)[..3], wanted, "{:?}", why(&model));
        assert_eq!(why(&model)[3], "queued job-10: no worker has 64 cpus", "of several it is said whose reason it is");
        assert_eq!(asked(&update(&mut model, Msg::Tick, at(60_000))), [], "nothing has changed");
    }

    #[test]
    fn it_is_asked_again_once_something_has_changed_and_only_while_it_is_seen() {
        let mut model = busy(120, 40);
        let first = JobRow { priority: 9, ..job(20, JobState::Queued) };
        let effects = send(&mut model, change(vec![first]));
        assert_eq!(asked(&effects), [], "not more often than every three seconds");
        assert_eq!(due(&model), Some(at(AGAIN_MS).mono));
        let effects = update(&mut model, Msg::Tick, at(AGAIN_MS));
        assert_eq!(asked(&effects), [JobId(8), JobId(20)], "the highest priority is the first");
        press(&mut model, &["Alt-2", "z"]);
        send(&mut model, change(vec![job(21, JobState::Queued)]));
        assert_eq!(asked(&update(&mut model, Msg::Tick, at(2 * AGAIN_MS))), [], "nobody looks at it");
        assert_eq!(due(&model), None, "and nothing wakes the console for it");
    }

    /// What a job takes, where it may run and its time are reasons of its own.
    #[test]
    fn jobs_of_different_needs_are_rows_of_their_own() {
        let mut model = console(120, 40);
        send(&mut model, Msg::Connected);
        let mut workers = workers();
        workers.iter_mut().for_each(|worker| worker.slots_used = worker.slots);
        let needs = Needs { cpus: 64, ..Needs::default() };
        let rows = vec![
            job(1, JobState::Queued),
            JobRow { needs: needs.clone(), ..job(2, JobState::Queued) },
            JobRow { workers: vec!["atlas".to_owned()], ..job(3, JobState::Queued) },
            JobRow { needs, ..job(4, JobState::Queued) },
            job(5, JobState::Blocked),
            JobRow { begin_at: Some(1), ..job(6, JobState::Blocked) },
        ];
        let effects = send(&mut model, snapshot(workers, rows));
        assert_eq!(asked(&effects), [JobId(5), JobId(6), JobId(2), JobId(3)]);
        let shown: Vec<_> = model.cache.waits.values().map(|wait| (wait.count, wait.asks())).collect();
        let wanted = [(1, ""), (1, "begin"), (1, ""), (2, "cpus=64"), (1, "worker=atlas")];
        assert_eq!(shown, wanted.map(|(count, asks)| (count, asks.to_owned())));
        answer(&mut model, &effects, "no worker has 64 cpus");
        assert_eq!(why(&model)[2..4], ["queued all slots are in use", "queued job-2: no worker has 64 cpus"]);
    }

    #[test]
    fn a_paused_queue_says_so_and_asks_nothing_about_what_is_queued() {
        let mut model = busy(120, 40);
        let mut paused = queue(&jobs());
        paused.paused = true;
        let event = c2_shared::api::events::Change { queue: paused, ..Default::default() };
        send(&mut model, Msg::Event(c2_shared::api::events::Event::Change(Box::new(event))));
        let queued: Vec<String> = why(&model).into_iter().filter(|words| words.starts_with("queued")).collect();
        assert_eq!(queued, ["queued the whole queue is paused", "queued the whole queue is paused"]);
        let effects = update(&mut model, Msg::Tick, at(AGAIN_MS));
        assert_eq!(asked(&effects), [JobId(8)], "but about what is blocked");
    }
}
