//! Keys and pasted text: to an action by the one table, or into whatever text is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{act, filter, focus, output, prompt};
use crate::app::Effect;
use crate::app::focus::Focus;
use crate::app::keymap::{self, Action};
use crate::app::model::Model;
use crate::app::overlay::{Overlay, Question};
use crate::app::pager::{Command, Pager};

pub(super) fn on_key(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let Some(name) = keymap::name(key) else { return };
    let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let letter = if let (KeyCode::Char(c), true) = (key.code, plain) { Some(c) } else { None };
    if let Some(text) = keyed_text(model).filter(|text| text.awaits_letter()) {
        return text.letter(letter);
    }
    if let Some(action) = keymap::find(&model.contexts(), &name) {
        if let (Action::Pager(Command::Digit), Some(c), Some(text)) = (action, letter, keyed_text(model)) {
            return text.digit(c);
        }
        return act::carry_out(model, action, effects);
    }
    if let Some(c) = letter {
        on_text(model, c.encode_utf8(&mut [0; 4]));
    }
}

/// The text that has the keys, if nothing lies over it.
fn keyed_text(model: &mut Model) -> Option<&mut Pager> {
    if model.overlay.is_some() || model.focus == Focus::Line { None } else { model.pager_mut(model.focus) }
}

/// Text of several lines is never run by itself.
pub(super) fn on_paste(model: &mut Model, text: &str) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> =
        text.lines().map(str::trim_end).filter(|l| !l.trim().is_empty()).map(str::to_owned).collect();
    match lines.len() {
        0 => {}
        1 => on_text(model, &lines[0]),
        _ if model.overlay.is_none() && model.filtering.is_none() => {
            model.overlay = Some(Overlay::Question(Question::run(lines)));
        }
        _ => on_text(model, &lines.join(" ")),
    }
}

/// Text goes to whatever edits text now, and otherwise to the line: a letter that means nothing where
/// it was typed begins a command there, and the letters behind it act on nothing else.
fn on_text(model: &mut Model, text: &str) {
    let asked = output::is_asked(model);
    match &mut model.overlay {
        Some(Overlay::Palette { needle, at }) => {
            needle.push_str(text);
            *at = 0;
        }
        Some(Overlay::Question(question)) => {
            question.typed.extend(text.chars().filter(|c| question.count.is_some() && c.is_ascii_digit()).take(6));
        }
        Some(Overlay::Help { .. }) => {}
        None if model.filtering.is_some() => filter::edit(model, |editor| editor.insert(text)),
        None if model.focus == Focus::Line => prompt::on_text(model, text),
        None if asked => {
            if let Some(pager) = keyed_text(model) {
                pager.type_text(text);
            }
        }
        None => {
            focus::focus(model, Focus::Line);
            prompt::on_text(model, text);
        }
    }
}
