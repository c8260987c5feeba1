//! The one function that changes the model: a message goes in, effects come out.
//!
//! A key is a row of [`crate::app::keymap::TABLE`], which names an action. `act` hands each action to
//! the file that it belongs to: `prompt` edits the `!>` line, `submit` runs it, `console` has its verbs
//! that are no commands, `focus` moves between the parts, `filter` filters tables, `open` goes deeper
//! from a row, `rows` acts on rows, `output`, `preview` and `watch` are about what jobs and commands
//! write, `figures` about the past, `schedules` about schedules, `waits` about why jobs wait, `overlay` about what lies over the screen, `leave` about Ctrl-C and
//! `q`. What changes a table or a text alone is a method of these.
//! Below them `guard` asks and forbids, `undo` takes back what the letters of a word did, `run` starts lines, `result` shows what came of them, and
//! `pages` opens and leaves pages. No file uses one that uses it.

mod click;
mod feed;
mod input;

mod act;
mod console;
mod edit;
mod ends;
mod figures;
#[cfg(test)]
pub(crate) mod figures_tests;
mod filter;
mod fit;
mod focus;
mod guard;
mod leave;
#[cfg(test)]
mod leave_tests;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod link_tests;
mod marked;
mod older;
mod open;
#[cfg(test)]
mod operator_tests;
mod output;
#[cfg(test)]
pub(crate) mod output_tests;
mod overlay;
mod pages;
#[cfg(test)]
mod pane_tests;
mod pasted;
mod preview;
#[cfg(test)]
mod preview_tests;
mod progress;
mod prompt;
#[cfg(test)]
mod proposal_tests;
mod result;
mod rows;
#[cfg(test)]
mod rows_tests;
mod run;
mod schedules;
mod submit;
#[cfg(test)]
mod tests;
mod undo;
pub(crate) mod waits;
mod watch;

use crate::app::toast::Kind;
use crate::app::{Effect, Model, Msg, Now, Preferences};

/// Takes a message at a time.
pub(crate) fn update(model: &mut Model, msg: Msg, now: Now) -> Vec<Effect> {
    model.now = now;
    let mut effects = Vec::new();
    let before = model.generation;
    model.generation += 1;
    match msg {
        Msg::Key(key) => input::on_key(model, key, &mut effects),
        Msg::Paste(text) => input::on_paste(model, &text, &mut effects),
        Msg::Burst(text) => input::on_burst(model, &text, &mut effects),
        Msg::Mouse { gesture, target } => click::on_mouse(model, gesture, target, &mut effects),
        Msg::Resize { width, height } => {
            model.size = (width, height);
            model.result.iter_mut().for_each(|result| result.measure(width));
        }
        // What time brings is brought by the common steps below.
        Msg::Tick => {}
        Msg::Connecting { server } => feed::on_connecting(model, server),
        Msg::Connected => feed::on_connected(model),
        Msg::Silent { since } => feed::on_silent(model, since),
        Msg::Heard => feed::on_heard(model),
        Msg::Disconnected { fault, retry_at, lasts } => feed::on_disconnected(model, fault, retry_at, lasts),
        Msg::Event(event) => feed::on_event(model, event, &mut effects),
        Msg::Finished { run, report } => run::on_finished(model, run, &report, &mut effects),
        Msg::Noted { run, line } => run::on_noted(model, run, &line),
        Msg::Bulk { run, one } => run::on_bulk(model, run, one, &mut effects),
        Msg::Fetched { job, info } => {
            edit::on_fetched(model, job, &info);
            open::on_fetched(model, job, &info);
            older::on_rows(model, info.ok().map(|info| info.row).into_iter().collect());
        }
        Msg::Why { wait, job, words } => waits::on_why(model, wait, job, words),
        Msg::Rows(rows) => older::on_rows(model, rows),
        Msg::Figures(figures) => {
            let told = figures.asked();
            figures::on_figures(model, figures);
            told.into_iter().for_each(|told| prompt::on_names(model, told, &mut effects));
        }
        Msg::Output { document, news } => output::on_news(model, document, news),
        Msg::Saved { what, path, ending } => output::on_saved(model, what, path, ending),
        Msg::History(lines) => {
            model.line.history.load(lines);
            model.generation = before;
        }
        Msg::Folder { folder, names } => prompt::on_folder(model, folder, names, &mut effects),
        Msg::Notice(text) => model.toasts.say(Kind::Plain, text, now),
    }
    pasted::look(model, &mut effects);
    ends::look(model);
    preview::follow(model, &mut effects);
    fit::fit(model);
    progress::look(model);
    output::serve(model, &mut effects);
    figures::ask(model, &mut effects);
    older::ask(model, &mut effects);
    waits::ask(model, &mut effects);
    let chosen = Preferences::of(model);
    if chosen != model.kept {
        model.kept = chosen;
        effects.push(Effect::Keep(chosen));
    }
    effects
}
