//! The `!>` line: editing, history, search, completion, and what Enter does.

use super::{focus, result, submit};
use crate::app::Effect;
use crate::app::figures::Asked;
use crate::app::focus::Focus;
use crate::app::keymap::Action;
use crate::app::line::{CHARS_MAX, Completion, Edit, Menu, Search, Source, Wanted, complete};
use crate::app::model::Model;
use crate::app::toast::Kind;

pub(super) fn on_text(model: &mut Model, text: &str) {
    // A job that was to be edited would take the place of what is typed now.
    model.editing = None;
    if let Some(search) = &mut model.line.search {
        search.needle.push_str(text);
        return search_from(model, usize::MAX);
    }
    model.line.menu = None;
    model.line.history.stop_walking();
    insert(model, text);
}

/// Puts text into the line, or says why not.
fn insert(model: &mut Model, text: &str) {
    if !model.line.editor.insert(text) {
        let words =
            format!("a line takes {CHARS_MAX} characters; nothing was put in. Run a file: submit --script FILE");
        model.toasts.say(Kind::Bad, words, model.now);
    }
}

/// Begins another line; Ctrl-Y brings the one that was there back.
pub(super) fn begin(model: &mut Model, text: &str) {
    focus::focus(model, Focus::Line);
    model.line.editor.apply(Edit::End);
    model.line.editor.apply(Edit::KillToStart);
    model.line.take();
    insert(model, text);
}

pub(super) fn carry_out(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    if model.line.search.is_some() {
        return in_search(model, action, effects);
    }
    if model.line.menu.is_some() && in_menu(model, action) {
        return;
    }
    let line = &mut model.line;
    match action {
        Action::Edit(edit) => {
            line.history.stop_walking();
            line.editor.apply(edit);
        }
        Action::RightOrAccept => match line.ghost().map(str::to_owned) {
            Some(rest) => _ = line.editor.insert(&rest),
            None => line.editor.apply(Edit::Right),
        },
        Action::DeleteOrQuit if line.editor.text().is_empty() => effects.push(Effect::Quit),
        Action::DeleteOrQuit => line.editor.apply(Edit::DeleteRight),
        Action::Older => {
            let typed = line.editor.text().to_owned();
            if let Some(older) = line.history.older(&typed) {
                line.editor.set(&older);
            }
        }
        Action::Newer => {
            if let Some(newer) = line.history.newer() {
                line.editor.set(&newer);
            }
        }
        Action::Search => {
            line.search = Some(Search { draft: line.editor.text().to_owned(), ..Search::default() });
        }
        Action::Complete if line.editor.text().is_empty() => focus::focus_beside(model, 1),
        Action::Complete => complete_here(model, effects),
        Action::Accept => submit::submit(model, effects),
        Action::Dismiss => result::close(model),
        _ => {}
    }
}

/// Keys while the search through history is open.
fn in_search(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let Some(search) = model.line.search.clone() else { return };
    match action {
        Action::Older => search_from(model, search.at.unwrap_or(usize::MAX)),
        Action::Newer => {
            let later = model.line.history.find_later(&search.needle, search.at.map_or(0, |at| at + 1));
            found(model, later);
        }
        Action::Rub => {
            if let Some(search) = &mut model.line.search {
                search.needle.pop();
            }
            search_from(model, usize::MAX);
        }
        Action::TakeIntoLine => model.line.search = None,
        Action::Accept => submit::submit(model, effects),
        _ => {
            model.line.search = None;
            model.line.editor.set(&search.draft);
        }
    }
}

fn search_from(model: &mut Model, before: usize) {
    let needle = model.line.search.as_ref().map(|s| s.needle.clone()).unwrap_or_default();
    let at = model.line.history.find(&needle, before);
    found(model, at);
}

/// Shows a line that was found; when none was, the last one stays.
fn found(model: &mut Model, at: Option<usize>) {
    if let Some(search) = &mut model.line.search {
        search.is_missing = at.is_none() && !search.needle.is_empty();
    }
    let Some(at) = at else { return };
    if let Some(line) = model.line.history.line(at).map(str::to_owned) {
        model.line.editor.set(&line);
    }
    if let Some(search) = &mut model.line.search {
        search.at = Some(at);
    }
}

/// Keys while the menu is open. Says whether the key meant the menu; any other key closes it.
fn in_menu(model: &mut Model, action: Action) -> bool {
    let Some(menu) = &mut model.line.menu else { return false };
    let len = menu.completion.choices.len();
    match action {
        Action::Next => menu.at = Some(menu.at.map_or(0, |at| (at + 1) % len)),
        Action::Previous => menu.at = Some(menu.at.map_or(len - 1, |at| (at + len - 1) % len)),
        Action::Accept if menu.at.is_some() => {
            let at = menu.at.unwrap_or_default();
            choose(model, at);
        }
        Action::Dismiss => model.line.menu = None,
        _ => {
            model.line.menu = None;
            return false;
        }
    }
    true
}

/// Takes an entry of the menu into the line.
pub(super) fn choose(model: &mut Model, at: usize) {
    let Some(Menu { completion, .. }) = model.line.menu.take() else { return };
    if let Some(choice) = completion.choices.get(at) {
        let blank = if choice.text.ends_with(['/', '=', ':']) { "" } else { " " };
        let text = format!("{}{blank}", choice.text);
        model.line.editor.replace_bytes(completion.start, completion.end, &text);
    }
}

fn complete_here(model: &mut Model, effects: &mut Vec<Effect>) {
    let editor = &model.line.editor;
    let folder = model.folder.as_ref().map(|(folder, names)| (folder.as_str(), names.as_slice()));
    let source = Source { cache: &model.cache, folder, told: model.names_told };
    let (completion, wanted) = complete(editor.text(), editor.caret_byte(), source);
    model.names_asked = None;
    match wanted {
        Some(Wanted::Folder(folder)) => effects.push(Effect::ListFolder(folder)),
        Some(Wanted::Names(asked)) => {
            model.names_asked = Some(asked);
            effects.push(Effect::Ask(asked));
        }
        None => offer(model, completion),
    }
}

/// Names were told, or cannot be: completes, if the line still asks for them.
pub(super) fn on_names(model: &mut Model, told: Asked, effects: &mut Vec<Effect>) {
    if model.names_asked.take() == Some(told) && model.focus == Focus::Line && model.line.search.is_none() {
        model.names_told = Some(told);
        complete_here(model, effects);
        // The next Tab asks again: they come and go.
        model.names_told = None;
    }
}

/// The one that fits, else what all share, else the menu.
fn offer(model: &mut Model, completion: Completion) {
    let typed = completion.end - completion.start;
    let common = completion.common().to_owned();
    match completion.choices.len() {
        0 => model.toasts.say(Kind::Plain, "nothing fits here", model.now),
        1 => {
            model.line.menu = Some(Menu { completion, at: Some(0) });
            choose(model, 0);
        }
        _ => {
            let mut completion = completion;
            if common.len() > typed {
                model.line.editor.replace_bytes(completion.start, completion.end, &common);
                completion.end = completion.start + common.len();
            }
            model.line.menu = Some(Menu { completion, at: None });
        }
    }
}

/// A folder was listed: completes, if the line still asks for it.
pub(super) fn on_folder(model: &mut Model, folder: String, names: Vec<String>, effects: &mut Vec<Effect>) {
    model.folder = Some((folder, names));
    if model.focus == Focus::Line && model.line.search.is_none() {
        complete_here(model, effects);
    }
    // The next Tab looks again: files come and go.
    model.folder = None;
}
