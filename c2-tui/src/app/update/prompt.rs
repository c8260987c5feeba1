//! The `!>` line: editing, history, search, completion, and what Enter does.

use super::{guard, run, watch};
use crate::app::Effect;
use crate::app::keymap::Action;
use crate::app::line::{Completion, Edit, Menu, Search, Source, complete};
use crate::app::model::{Focus, Model, Theme};
use crate::app::overlay::{self, Overlay};
use crate::app::panes::log::clock;
use crate::app::runs::Call;
use crate::app::table::Step;
use crate::app::toast::Kind;
use crate::app::update::open;
use crate::command::said;

pub(super) fn on_text(model: &mut Model, text: &str) {
    if let Some(search) = &mut model.line.search {
        search.needle.push_str(text);
        return search_from(model, usize::MAX);
    }
    model.line.menu = None;
    model.line.history.stop_walking();
    model.line.editor.insert(text);
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
            Some(rest) => line.editor.insert(&rest),
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
        Action::Complete if line.editor.text().is_empty() => super::act::carry_out(model, Action::FocusNext, effects),
        Action::Complete => complete_here(model, effects),
        Action::Accept => {
            let line = model.line.take();
            submit(model, line, effects);
        }
        Action::Dismiss => run::close_result(model),
        _ => {}
    }
}

/// Keys while the search through history is open.
fn in_search(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let Some(search) = model.line.search.clone() else { return };
    match action {
        Action::Older => search_from(model, search.at.unwrap_or(usize::MAX)),
        Action::Newer => {
            let history = &model.line.history;
            let later = (search.at.map_or(0, |at| at + 1)..history.len())
                .find(|&at| history.line(at).is_some_and(|l| l.contains(&search.needle)));
            found(model, later);
        }
        Action::Rub => {
            if let Some(search) = &mut model.line.search {
                search.needle.pop();
            }
            search_from(model, usize::MAX);
        }
        Action::TakeIntoLine => model.line.search = None,
        Action::Accept => {
            let line = model.line.take();
            submit(model, line, effects);
        }
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
        let blank = if choice.text.ends_with(['/', '=']) { "" } else { " " };
        let text = format!("{}{blank}", choice.text);
        model.line.editor.replace_bytes(completion.start, completion.end, &text);
    }
}

fn complete_here(model: &mut Model, effects: &mut Vec<Effect>) {
    let editor = &model.line.editor;
    let folder = model.folder.as_ref().map(|(folder, names)| (folder.as_str(), names.as_slice()));
    let source = Source { catalog: &model.catalog, store: &model.store, folder };
    let (completion, wanted) = complete(editor.text(), editor.caret_byte(), source);
    if let Some(folder) = wanted {
        return effects.push(Effect::ListFolder(folder));
    }
    offer(model, completion);
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

/// Enter: keeps the line in history and runs what it says.
fn submit(model: &mut Model, line: String, effects: &mut Vec<Effect>) {
    let command = line[said(&line)].trim_end().to_owned();
    if command.is_empty() {
        return;
    }
    if model.line.history.push(&line) {
        effects.push(Effect::Remember(line));
    }
    run_line(model, command, false, effects);
}

/// Runs a line: the console's own commands here, all others by the command layer, which is asked
/// about first where that is due and was not done.
pub(super) fn run_line(model: &mut Model, line: String, asked: bool, effects: &mut Vec<Effect>) {
    let words: Vec<&str> = line.trim().trim_start_matches(':').split_whitespace().collect();
    match words.as_slice() {
        ["quit" | "exit" | "q"] => effects.push(Effect::Quit),
        ["clear"] => run::close_result(model),
        ["messages"] => messages(model),
        ["calls"] => calls(model),
        ["reconnect"] => effects.push(Effect::RetryNow),
        ["runs"] => watch::runs(model, None),
        ["runs", which] => watch::runs(model, Some(which)),
        #[cfg(debug_assertions)]
        ["panic-on-purpose"] => panic_on_purpose(),
        ["theme", name] => theme(model, name),
        _ => guard::run(model, line, asked, effects),
    }
}

/// So that a test can see what a mistake leaves of the terminal.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "this is what it is for, and no release has it")]
fn panic_on_purpose() {
    panic!("on purpose");
}

fn messages(model: &mut Model) {
    let offset = model.settings.utc_offset_s;
    let lines = model.toasts.all().map(|t| format!("{}  {}", clock(t.wall_ms, offset), t.text)).collect();
    at_its_end(model, "messages", lines, "nothing was said yet");
}

/// Each line that was run as it would be in a script, behind its time and exit status.
fn calls(model: &mut Model) {
    let settings = &model.settings;
    let line = |call: &Call| {
        let at = clock(call.wall_ms, settings.utc_offset_s);
        let word = shlex::try_quote(&call.line).unwrap_or_else(|_| call.line.as_str().into());
        format!("{at}  {:>3}  c2-tui --server {} --exec {word}", call.status, settings.server)
    };
    let lines = model.runs.calls.iter().map(line).collect();
    at_its_end(model, "calls", lines, "nothing was run yet");
}

/// Opens a list that grows, each line in full, where its latest one is; `none` where it has none.
fn at_its_end(model: &mut Model, title: &str, mut lines: Vec<String>, none: &str) {
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    open::text(model, title.to_owned(), &lines.join("\n"));
    if let Some(text) = model.pager_mut(Focus::Page) {
        text.wrap_lines();
        text.step(Step::Last);
    }
}

fn theme(model: &mut Model, name: &str) {
    match Theme::ALL.iter().find(|(word, _)| *word == name) {
        Some((_, theme)) => model.settings.theme = *theme,
        None => {
            model.toasts.say(
                Kind::Bad,
                format!("unknown theme {name:?}: terminal, dark, light or contrast"),
                model.now,
            );
        }
    }
}

/// Keys while the palette is open.
pub(super) fn on_palette(model: &mut Model, action: Action, mut needle: String, at: usize) {
    let found = overlay::matching(&model.catalog, &needle);
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
pub(super) fn take_command(model: &mut Model, name: &str) {
    super::act::focus(model, Focus::Line);
    model.line.take();
    model.line.editor.insert(name);
}
