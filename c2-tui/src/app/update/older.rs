//! Jobs that ended before those that c2d told by itself: asked for where they are counted and in sight.

use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::job::JobState;

use super::feed;
use crate::app::Effect;
use crate::app::cache::JobScope;
use crate::app::focus::Focus;
use crate::app::model::{Link, Model};
use crate::app::page::Page;
use crate::app::panes::Pane;

/// Asks once for what is in sight and not all here. A new snapshot begins from the start.
pub(super) fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.link != Link::Up || model.cache.heard_ms.is_none() {
        return;
    }
    let chip = Some(model.panes.jobs.scope()).filter(|_| model.focus == Focus::Pane(Pane::Jobs));
    let log = (model.focus == Focus::Pane(Pane::Log)).then_some(&JobScope::Ended);
    let wanted: &[Option<JobState>] = match chip.or(log) {
        Some(JobScope::Done) => &[Some(JobState::Succeeded), Some(JobState::Cancelled)],
        Some(JobScope::Failed) => &[Some(JobState::Failed)],
        Some(JobScope::All | JobScope::Ended) => &[None],
        _ => &[],
    };
    for state in wanted {
        let told = |of: JobState| model.cache.queue.ended.get(&of).copied().unwrap_or(0);
        let all = state.map_or_else(|| model.cache.queue.ended.values().sum(), told);
        let is_here = |of: JobState| state.map_or(of.is_terminal(), |state| state == of);
        if !model.older_asked.contains(state) && !model.older_asked.contains(&None) {
            model.older_asked.push(*state);
            if (model.cache.jobs.values().filter(|job| is_here(job.row.state)).count() as u64) < all {
                effects.push(Effect::FetchEnded(*state));
            }
        }
    }
}

/// Everything was told anew: what was fetched before is gone, and the jobs of pages are fetched again.
pub(super) fn begin_anew(model: &mut Model, effects: &mut Vec<Effect>) {
    model.older_asked.clear();
    let alike = model.pages.iter().filter_map(|page| if let Page::Alike { ids, .. } = page { Some(ids) } else { None });
    let ids: Vec<JobId> = alike.flatten().copied().collect();
    fetch(model, &ids, effects);
}

/// Fetches those of the jobs that are not here.
pub(super) fn fetch(model: &Model, ids: &[JobId], effects: &mut Vec<Effect>) {
    effects.extend(ids.iter().filter(|id| !model.cache.jobs.contains_key(id)).map(|id| Effect::Fetch(*id)));
}

/// Takes rows that were fetched.
pub(super) fn on_rows(model: &mut Model, rows: Vec<JobRow>) {
    if model.cache.learn(rows) {
        feed::rebuild(model);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Msg;
    use crate::tests::demo::{busy, job, jobs, press, send, snapshot, workers};

    fn asked(effects: &[Effect]) -> Vec<Option<JobState>> {
        effects.iter().filter_map(|e| if let Effect::FetchEnded(state) = e { Some(*state) } else { None }).collect()
    }

    #[test]
    fn chips_fetch_what_they_count() {
        let table: [(&[&str], &[Option<JobState>]); 5] = [
            (&["Alt-2"], &[]),
            (&["Alt-2", "a", "a"], &[Some(JobState::Succeeded), Some(JobState::Cancelled)][..1]),
            (&["F4"], &[Some(JobState::Failed)]),
            (&["Alt-2", "a", "a", "a", "a"], &[Some(JobState::Succeeded), Some(JobState::Failed), None]),
            (&["Alt-4"], &[None]),
        ];
        for (keys, states) in table {
            let mut model = busy(120, 40);
            assert_eq!(asked(&press(&mut model, keys)), states, "{keys:?}: one cancelled job is all there was");
            assert_eq!(asked(&press(&mut model, &["Alt-1", "Alt-2"])), [], "{keys:?}: once");
        }
    }

    #[test]
    fn rows_that_were_fetched_are_rows_and_a_new_snapshot_begins_anew() {
        let mut model = busy(120, 40);
        press(&mut model, &["F4"]);
        let before = model.panes.jobs.ids().len();
        send(&mut model, Msg::Rows((100..130).map(|n| job(n, JobState::Failed)).collect()));
        assert_eq!(model.panes.jobs.ids().len(), before + 30);
        assert!(model.failures.is_empty(), "they are not new");
        let again = send(&mut model, snapshot(workers(), jobs()));
        assert_eq!(asked(&again), [Some(JobState::Failed)]);
    }
}
