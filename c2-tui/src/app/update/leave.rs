//! Ctrl-C and `q`: stopping what is under way, and leaving the console, which takes two presses of
//! the same key or the answer to a question.

use super::watch;
use crate::app::Effect;
use crate::app::focus::Focus;
use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::overlay::{Overlay, Question};
use crate::app::pager::Pager;
use crate::app::toast::Kind;

/// The second press within this time quits.
const TWICE_MS: u64 = 1_000;

/// Ctrl-C clears what is being typed or stops what runs; only with nothing to clear or stop does a
/// second one quit.
pub(super) fn interrupt(model: &mut Model, effects: &mut Vec<Effect>) {
    if clear_or_stop(model, effects) {
        model.leaving = None;
    } else if is_second(model, Action::Interrupt) {
        effects.push(Effect::Quit);
    } else {
        model.toasts.say(Kind::Plain, "Ctrl-C again quits", model.now);
    }
}

/// `q` outside of text: one key alone never ends the console, and what still runs is asked about.
pub(super) fn quit(model: &mut Model, effects: &mut Vec<Effect>) {
    let running = running(model);
    if !running.is_empty() {
        model.overlay = Some(Overlay::Question(Question::quit(running)));
    } else if is_second(model, Action::Quit) {
        effects.push(Effect::Quit);
    } else {
        model.toasts.say(Kind::Plain, "press q again to quit", model.now);
    }
}

/// Whether the same key was pressed a moment ago, and no other one since.
fn is_second(model: &mut Model, action: Action) -> bool {
    let now = model.now.mono;
    let before = model.leaving.replace((action, now));
    before.is_some_and(|(_, at)| now.since_ms(at) <= TWICE_MS)
}

/// The lines that end with the console.
fn running(model: &mut Model) -> Vec<String> {
    let beside = watch::all(model).filter(|watch| watch.is_running()).map(|watch| watch.line.text.clone());
    let mut lines: Vec<String> = beside.collect();
    lines.extend(model.runs.present.as_ref().map(|present| present.line.clone()));
    lines
}

/// Takes one thing back, the uppermost first; false where there is nothing.
fn clear_or_stop(model: &mut Model, effects: &mut Vec<Effect>) -> bool {
    if model.overlay.take().is_some() || watch::interrupt(model, effects) || model.filtering.take().is_some() {
        return true;
    }
    let focus = model.focus;
    if focus != Focus::Line && model.pager_mut(focus).is_some_and(Pager::interrupt) {
        return true;
    }
    let is_choosing = model.line.search.is_some() || model.line.menu.is_some();
    if !model.line.take().is_empty() || is_choosing {
        return true;
    }
    model.runs.waiting.clear();
    model.runs.pasted = None;
    let Some(present) = model.runs.present.take() else { return false };
    effects.push(Effect::Abort(present.run));
    model.runs.status = Some(130);
    model.toasts.say(Kind::Plain, format!("stopped waiting for {:?}", present.line), model.now);
    true
}
