//! The output of the selected job beside its table: it follows the selection, and nothing is asked of
//! c2d while it is not in sight.

use super::output;
use crate::app::Effect;
use crate::app::layout;
use crate::app::live::{Preview, Shown};
use crate::app::model::Model;
use crate::app::toast::Kind;

/// Shows it, or no longer.
pub(super) fn toggle(model: &mut Model) {
    model.preview = if model.preview.is_some() { None } else { Some(Preview::default()) };
    if model.preview.is_some() && layout::screen(model).preview.is_none() {
        model.preview = None;
        model.toasts.say(Kind::Plain, "no room beside the jobs: f shows what this one writes", model.now);
    }
}

/// Goes on to the job that is selected now, once the selection rests.
pub(super) fn follow(model: &mut Model, effects: &mut Vec<Effect>) {
    let (now, selected) = (model.now.mono, model.previewed());
    let is_shown = layout::screen(model).preview.is_some();
    let Some(preview) = &mut model.preview else { return };
    if !is_shown {
        *preview = Preview::default();
        return;
    }
    // What was seen last stays where nothing is selected.
    if let Some(job) = selected.filter(|job| preview.selected.is_none_or(|(before, _)| before != *job)) {
        preview.selected = Some((job, now));
    }
    if let (Some((job, _)), Some(due)) = (preview.selected, preview.due())
        && due <= now
    {
        let live = output::live(model, job, Shown::default(), effects);
        model.preview = Some(Preview { selected: Some((job, now)), live: Some(live) });
    }
}
