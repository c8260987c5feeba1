//! When the console wakes without being told: to show what time alone changes, and to ask again.

use c2_shared::job::JobState;
use c2_shared::time::Mono;

use crate::app::focus::Focus;
use crate::app::live::Preview;
use crate::app::model::{Link, Model, SPINNER_MS};
use crate::app::page::Page;
use crate::app::pager::Pager;
use crate::app::update::waits;

impl Model {
    /// When the picture changes next by time alone: ages, countdowns, toasts, the spinner. With
    /// nothing to show that ages there is no such time, and the console sleeps.
    pub(crate) fn next_wake(&self) -> Option<Mono> {
        let now = self.now;
        let second = now.mono.after_ms(1_000 - now.wall_ms % 1_000);
        let mut times: Vec<Mono> = self.toasts.next_expiry(now).into_iter().collect();
        if self.runs.present.is_some() {
            times.push(now.mono.after_ms(SPINNER_MS));
        }
        let previewed = self.preview.as_ref().and_then(|preview| preview.live.as_ref()).map(|live| &live.text);
        let texts = [Focus::Page, Focus::Result].into_iter().filter_map(|focus| self.pager(focus));
        if texts.chain(previewed).any(Pager::is_hungry) {
            times.push(now.mono);
        }
        times.extend(self.preview.as_ref().and_then(Preview::due));
        if self.link == Link::Up {
            times.extend(self.pages.last().and_then(Page::asks).and_then(|(_, freshness)| freshness.due()));
        }
        times.extend(waits::due(self));
        let watched = matches!(self.pages.last(), Some(Page::Watch(watch)) if watch.is_running());
        if self.link != Link::Up || watched || self.any_job_ages() {
            times.push(second);
        } else {
            times.extend(self.silences().map(|ms| now.mono.after_ms(until_told_otherwise(ms))).min());
        }
        times.into_iter().min()
    }

    /// For how long workers were not heard of which that is told.
    fn silences(&self) -> impl Iterator<Item = u64> {
        let silent = self.cache.workers.values().filter(|w| !w.row.status.is_reachable());
        silent.filter_map(|w| w.heard_ms).map(|heard| self.now.wall_ms.saturating_sub(heard))
    }

    fn any_job_ages(&self) -> bool {
        self.cache.queue.running > 0 || self.cache.waits.values().any(|w| w.count > 0 && w.state() != JobState::Running)
    }
}

/// When a time is told in other words: each second within the first hour, then each minute.
const fn until_told_otherwise(ms: u64) -> u64 {
    let step = if ms < 3_600_000 { 1_000 } else { 60_000 };
    step - ms % step
}
