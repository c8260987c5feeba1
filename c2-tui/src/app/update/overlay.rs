//! What lies over the screen: the keys, all commands, and questions with what follows a yes.

use super::{guard, prompt, run, submit};
use crate::app::Effect;
use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::msg::Target;
use crate::app::overlay::{self, Overlay, Then};

pub(super) fn toggle_help(model: &mut Model) {
    model.overlay = match model.overlay {
        Some(Overlay::Help { .. }) => None,
        _ => Some(Overlay::help(&model.contexts())),
    };
}

/// Letters of an answer that was written out, `yes` or `no`, come within this time.
const WORD_MS: u64 = 1_000;

/// A question was answered by a key: remembers what may follow of the word.
pub(super) fn answered(model: &mut Model, letter: Option<char>) {
    let rest = match letter {
        Some('y') => "es",
        Some('n') => "o",
        _ => return,
    };
    model.answered = Some((rest, model.now.mono));
}

/// Whether a letter only ends the word with which a question was just answered.
pub(super) fn ends_an_answer(model: &mut Model, letter: Option<char>) -> bool {
    let Some((rest, at)) = model.answered.take() else { return false };
    let left = letter.and_then(|letter| rest.strip_prefix(letter));
    match left.filter(|_| model.now.mono.since_ms(at) <= WORD_MS) {
        Some(left) => {
            model.answered = Some((left, at));
            true
        }
        None => false,
    }
}

/// Keys while something lies over the screen.
pub(super) fn on_action(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match model.overlay.take() {
        Some(Overlay::Question(mut question)) => match action {
            Action::Yes if question.count.is_none() => answer(model, question.then, effects),
            Action::Accept if question.is_confirmed() => answer(model, question.then, effects),
            Action::Rub => {
                question.typed.pop();
                model.overlay = Some(Overlay::Question(question));
            }
            Action::Yes => model.overlay = Some(Overlay::Question(question)),
            _ => {}
        },
        Some(Overlay::Palette { needle, at }) => on_palette(model, action, needle, at),
        other => model.overlay = other,
    }
}

/// A click beside what lies over the screen closes it; questions stay.
pub(super) fn on_click(model: &mut Model, target: Target) {
    match (&model.overlay, target) {
        (Some(Overlay::Palette { needle, .. }), Target::Choice(at)) => {
            let name = overlay::matching(needle).get(at).map(|v| format!("{} ", v.name));
            if let Some(name) = name {
                take_command(model, &name);
            }
        }
        (Some(Overlay::Help { .. } | Overlay::Palette { .. }), Target::Area(_) | Target::Row(..)) => {
            model.overlay = None;
        }
        _ => {}
    }
}

/// Keys while the palette is open.
fn on_palette(model: &mut Model, action: Action, mut needle: String, at: usize) {
    let found = overlay::matching(&needle);
    let len = found.len();
    let at = match action {
        Action::Accept => {
            if let Some(name) = found.get(at).map(|v| format!("{} ", v.name)) {
                take_command(model, &name);
            }
            return;
        }
        Action::Next => (at + 1).min(len.saturating_sub(1)),
        Action::Previous => at.saturating_sub(1),
        Action::Rub => {
            needle.pop();
            0
        }
        _ => return,
    };
    model.overlay = Some(Overlay::Palette { needle, at });
}

/// Puts a command's name into the line.
fn take_command(model: &mut Model, name: &str) {
    prompt::begin(model, name);
}

/// What follows a yes.
fn answer(model: &mut Model, then: Then, effects: &mut Vec<Effect>) {
    match then {
        Then::Run(line) => guard::run(model, *line, true, effects),
        Then::RunAll(text) => submit::run_pasted(model, &text, effects),
        Then::Quit => effects.push(Effect::Quit),
        Then::Save(what, path) => effects.push(Effect::Save { what, path, overwrite: true }),
        Then::Rows(verb, names) => run::rows(model, verb, &names, effects),
    }
}
