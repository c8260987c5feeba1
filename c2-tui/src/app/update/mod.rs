//! The one function that changes the model: a message goes in, effects come out.

mod act;
mod click;
mod console;
mod feed;
mod guard;
mod input;
mod leave;
#[cfg(test)]
mod leave_tests;
#[cfg(test)]
mod line_tests;
mod open;
mod output;
#[cfg(test)]
pub(crate) mod output_tests;
mod prompt;
mod run;
#[cfg(test)]
mod tests;
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
        Msg::Paste(text) => input::on_paste(model, &text),
        Msg::Mouse { deed, target } => click::on_mouse(model, deed, target, &mut effects),
        Msg::Resize { width, height } => model.size = (width, height),
        // What time brings is brought by the common steps below.
        Msg::Tick => {}
        Msg::Connecting { server } => feed::on_connecting(model, server),
        Msg::Connected => feed::on_connected(model),
        Msg::Disconnected { fault, retry_at, lasts } => feed::on_disconnected(model, fault, retry_at, lasts),
        Msg::Event(event) => feed::on_event(model, event, &mut effects),
        Msg::Finished { run, report } => run::on_finished(model, run, &report, &mut effects),
        Msg::Bulk { run, one } => run::on_bulk(model, run, one, &mut effects),
        Msg::Fetched { job, info } => open::on_fetched(model, job, &info),
        Msg::Output { document, news } => output::on_news(model, document, news),
        Msg::Saved { what, path, ending } => output::on_saved(model, what, path, ending),
        Msg::History(lines) => {
            model.line.history.load(lines);
            model.generation = before;
        }
        Msg::Folder { folder, names } => prompt::on_folder(model, folder, names, &mut effects),
        Msg::Notice(text) => model.toasts.say(Kind::Plain, text, now),
    }
    model.fit();
    output::serve(model, &mut effects);
    let chosen = Preferences::of(model);
    if chosen != model.kept {
        model.kept = chosen;
        effects.push(Effect::Keep(chosen));
    }
    effects
}
