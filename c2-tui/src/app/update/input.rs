//! Keys and pasted text: to an action by the one table, or into whatever text is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{act, filter, focus, output, overlay, prompt, rows, undo};
use crate::app::Effect;
use crate::app::finder::Kind as Listed;
use crate::app::focus::Focus;
use crate::app::keymap::{self, Action};
use crate::app::model::Model;
use crate::app::overlay::{Overlay, Question, Then, said_lines};
use crate::app::pager::{Ask, Command, Pager};
use crate::app::proposal::{Undo, WORD_LEN};
use crate::app::toast::Kind;
use crate::command;

pub(super) fn on_key(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let Some(name) = keymap::name(key) else { return };
    let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let letter = if let (KeyCode::Char(c), true) = (key.code, plain) { Some(c) } else { None };
    if overlay::ends_an_answer(model, letter) {
        return;
    }
    let word = word_of(model, letter);
    let is_asked = model.proposal.is_some() || matches!(model.overlay, Some(Overlay::Question(_)));
    // The letter that leads to the line takes those before it along, if they are the beginning of a verb.
    let to_line = keymap::find(&model.contexts(), &name) == Some(Action::ToLine);
    if let Some(word) = word.as_ref().filter(|word| is_asked || to_line || word.chars().count() >= WORD_LEN) {
        undo::undo(model, effects);
        return into_line(model, word);
    }
    if let Some(text) = keyed_text(model).filter(|text| text.awaits_letter()) {
        return text.letter(letter);
    }
    if let (Some(letter), Some(proposal)) = (letter, &model.proposal) {
        // No letter does it, as letters may be those of a word; but what is meant by them stays unsaid by none.
        if letter == 'n' {
            return model.proposal = None;
        }
        if letter == proposal.letter || letter == 'y' {
            return model.toasts.say(Kind::Plain, "Enter does it, Esc leaves it", model.now);
        }
    }
    if let Some(action) = keymap::find(&model.contexts(), &name) {
        if let Some(letter) = letter.filter(|c| c.is_alphabetic() && action.is_proposed() && !takes_text(model)) {
            model.proposal = None;
            return rows::propose(model, action, letter);
        }
        if let (Action::Pager(Command::Digit), Some(c), Some(text)) = (action, letter, keyed_text(model)) {
            return text.digit(c);
        }
        let was_asked = matches!(model.overlay, Some(Overlay::Question(_)));
        act::carry_out(model, action, effects);
        if was_asked && model.overlay.is_none() {
            overlay::answered(model, letter);
        }
        return;
    }
    if let Some(c) = letter {
        if word.is_some() {
            undo::undo(model, effects);
        }
        let before = model.proposal.take().map(|proposal| proposal.letter);
        let text = word.unwrap_or_else(|| before.into_iter().chain([c]).collect());
        on_text(model, &text, effects);
    }
}

/// The word that a letter goes on, where others were typed before it that are no text.
fn word_of(model: &mut Model, letter: Option<char>) -> Option<String> {
    let now = model.now.mono;
    let is_searched = match &model.overlay {
        // A list of keys that a letter opened may be the second thing that a word has done.
        Some(Overlay::Finder(finder)) => finder.kind != Listed::Keys || !model.trail.opened(&finder.needle),
        _ => false,
    };
    let letter = letter.filter(|_| !takes_text(model) && !is_searched);
    if letter.is_some() && model.trail.is_over(now) {
        model.undo = Some(Undo::of(model));
    }
    let mut encoded = [0; 4];
    let word = letter.and_then(|letter| model.trail.joined(letter.encode_utf8(&mut encoded), now));
    model.trail.push(letter, now);
    word
}

/// A word that was typed where it is no text goes to the line, and does nothing else.
fn into_line(model: &mut Model, word: &str) {
    model.proposal = None;
    focus::focus(model, Focus::Line);
    prompt::on_text(model, word);
}

/// The text that has the keys, if nothing lies over it.
fn keyed_text(model: &mut Model) -> Option<&mut Pager> {
    if model.overlay.is_some() || model.focus == Focus::Line { None } else { model.pager_mut(model.focus) }
}

/// Letters that came faster than anybody types are text wherever they come, but for a sign in front of
/// them that asks for text. An Enter behind them counts where they were typed and not pasted: where
/// letters have no other meaning.
pub(super) fn on_burst(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    if let Some(Overlay::Question(Question { then: Then::RunAll(before), .. })) = &mut model.overlay {
        // The rest of what is asked about.
        let text = std::mem::take(before) + text;
        model.overlay = None;
        return on_paste(model, &text, effects);
    }
    let sign = text.chars().next().filter(|c| !c.is_alphanumeric() && asks_for_text(model, *c));
    if let Some(c) = sign {
        on_key(model, KeyCode::Char(c).into(), effects);
    }
    let rest = &text[sign.map_or(0, char::len_utf8)..];
    let is_typed = takes_text(model);
    // The first letters of a word may have come one by one.
    let word = model.trail.joined(rest, model.now.mono).filter(|_| !is_typed);
    if word.is_some() {
        undo::undo(model, effects);
    }
    let text = word.as_deref().unwrap_or(rest);
    if text.contains('\n') {
        on_paste(model, text, effects);
    } else if is_typed || !text.trim().is_empty() {
        // Its blanks are those between this word and the next, which may come by itself.
        on_text(model, if is_typed { text } else { text.trim_start() }, effects);
    }
    if is_typed && rest.ends_with('\n') && rest.lines().count() == 1 {
        on_key(model, KeyCode::Enter.into(), effects);
    }
}

/// Whether a letter opens a place for more of them.
fn asks_for_text(model: &Model, letter: char) -> bool {
    use crate::app::pager::Command::{Filter, Search, SearchBack};
    let action = keymap::find(&model.contexts(), letter.encode_utf8(&mut [0; 4]));
    matches!(action, Some(Action::ToLine | Action::Filter | Action::Pager(Search | SearchBack | Filter)))
}

/// Whether letters are text now.
fn takes_text(model: &Model) -> bool {
    model.overlay.is_none() && (model.filtering.is_some() || model.focus == Focus::Line || output::is_asked(model))
}

/// Text of several lines is never run by itself.
pub(super) fn on_paste(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = said_lines(&text);
    match &lines[..] {
        [] => {}
        [line] if !line.contains('\n') => on_text(model, line, effects),
        _ if model.overlay.is_none() && model.filtering.is_none() => {
            model.overlay = Some(Overlay::Question(Question::run(text)));
        }
        _ => on_text(model, &lines.join(" "), effects),
    }
}

/// The verb that is being typed instead of the name of a file: its first letter is the key that asks for one.
fn verb_in_place_of_a_file(pager: &Pager) -> Option<String> {
    let prompt = pager.prompt().filter(|prompt| prompt.ask == Ask::Save)?;
    let word = format!("s{}", prompt.editor.text());
    command::find(&word).map(|_| word)
}

/// Text goes to whatever edits text now, and otherwise to the line: a letter that means nothing where
/// it was typed begins a command there, and the letters behind it act on nothing else.
fn on_text(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let asked = output::is_asked(model);
    match &mut model.overlay {
        Some(Overlay::Finder(_)) => overlay::on_text(model, text, effects),
        Some(Overlay::Question(Question { count: Some(_), typed, wrong, .. }))
            if text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            *wrong = None;
            typed.extend(text.chars().take(6));
        }
        // Words are no answer.
        Some(Overlay::Question(_)) => {
            model.overlay = None;
            on_text(model, text, effects);
        }
        None if model.filtering.is_some() => filter::edit(model, |editor| _ = editor.insert(text)),
        None if model.focus == Focus::Line => prompt::on_text(model, text),
        None if asked => {
            let Some(pager) = keyed_text(model) else { return };
            pager.type_text(text);
            if let Some(word) = verb_in_place_of_a_file(pager) {
                pager.dismiss();
                into_line(model, &word);
            }
        }
        None => into_line(model, text),
    }
}
