//! What lies over the screen: the keys, all commands, and questions with what follows a yes.

use super::{act, edit, guard, pasted, prompt, run};
use crate::app::Effect;
use crate::app::finder::{Entry, Finder, Kind};
use crate::app::keymap::Action;
use crate::app::model::Model;
use crate::app::msg::Target;
use crate::app::overlay::{Overlay, Then};
use crate::app::table::Step;
use crate::app::toast;

/// Opens a list, or closes it where the same one is open.
pub(super) fn toggle(model: &mut Model, kind: Kind) {
    if matches!(&model.overlay, Some(Overlay::Finder(finder)) if finder.kind == kind) {
        model.overlay = None;
        return;
    }
    model.overlay = None;
    let present = model.contexts();
    // The list of keys is the whole table, but for what a console that may only look forbids.
    let allowed = |action: Action| !(model.settings.readonly && action.changes());
    let finder = match kind {
        Kind::Keys => Finder::keys(&present, allowed),
        Kind::Everything => Finder::everything(&present, allowed),
        Kind::Actions => Finder::actions(&present, allowed),
    };
    model.overlay = Some(Overlay::Finder(finder));
}

/// Text in a list: what is to be found, or the key of an action in the list of them.
pub(super) fn on_text(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let Some(Overlay::Finder(finder)) = &mut model.overlay else { return };
    let mut listed = finder.found().into_iter();
    match listed.find(|entry| finder.kind == Kind::Actions && entry.name() == text) {
        Some(entry) => choose(model, Some(entry), effects),
        None => finder.type_text(text),
    }
}

/// Does what an entry says, in the place over which the list was opened; a command goes into the line.
fn choose(model: &mut Model, entry: Option<Entry>, effects: &mut Vec<Effect>) {
    let Some(entry) = entry else { return };
    model.overlay = None;
    match entry {
        Entry::Head(_) => {}
        Entry::Key(binding) if model.contexts().contains(&binding.context) => {
            act::carry_out(model, binding.action, effects);
        }
        Entry::Key(binding) => {
            let text = format!("{} works in: {}", binding.chords, binding.context.title());
            model.toasts.say(toast::Kind::Plain, text, model.now);
        }
        Entry::Command(command) => prompt::begin(model, &format!("{} ", command.name)),
    }
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
            Action::Accept | Action::Yes if question.count.is_some() => {
                if action == Action::Yes {
                    question.typed = "y".to_owned();
                }
                question.refuse();
                model.overlay = Some(Overlay::Question(question));
            }
            // The key that does everything else, pressed by habit, is no answer here, and no silent no either.
            Action::Accept => {
                model.overlay = Some(Overlay::Question(question));
                model.toasts.say(toast::Kind::Plain, "y does it, n leaves it", model.now);
            }
            _ => {}
        },
        Some(Overlay::Finder(finder)) => in_finder(model, action, finder, effects),
        None => {}
    }
}

/// A click chooses from a list, and beside it closes it; questions stay.
pub(super) fn on_click(model: &mut Model, target: Target, effects: &mut Vec<Effect>) {
    match (&model.overlay, target) {
        (Some(Overlay::Finder(finder)), Target::Choice(at)) => {
            let entry = finder.found().get(at).copied();
            choose(model, entry, effects);
        }
        (Some(Overlay::Finder(_)), Target::Area(_) | Target::Row(..)) => model.overlay = None,
        _ => {}
    }
}

/// Moves through a list.
pub(super) fn step(model: &mut Model, step: Step) {
    let page = usize::from(model.size.1) / 2;
    if let Some(Overlay::Finder(finder)) = &mut model.overlay {
        finder.at = step.from(finder.at, finder.found().len(), page);
    }
}

/// Keys in a list.
fn in_finder(model: &mut Model, action: Action, mut finder: Finder, effects: &mut Vec<Effect>) {
    match action {
        Action::Accept => {
            let entry = finder.chosen();
            if entry.is_none() {
                model.overlay = Some(Overlay::Finder(finder));
            }
            return choose(model, entry, effects);
        }
        Action::Dismiss => return,
        Action::Rub => finder.rub(),
        _ => {}
    }
    model.overlay = Some(Overlay::Finder(finder));
}

/// What follows a yes.
pub(super) fn answer(model: &mut Model, then: Then, effects: &mut Vec<Effect>) {
    pasted::confirmed(model);
    match then {
        Then::Run(line) => guard::run(model, *line, true, effects),
        Then::Begin(text) => prompt::begin(model, &text),
        Then::Edit(job) => edit::fetch(model, job, effects),
        Then::RunAll(text) => pasted::begin(model, &text),
        Then::Quit => effects.push(Effect::Quit),
        Then::Save(what, path) => effects.push(Effect::Save { what, path, overwrite: true }),
        Then::Rows(verb, names) => run::rows(model, verb, &names, effects),
    }
}
