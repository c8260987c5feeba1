//! What the full screen does itself: the verbs that are no commands.

use super::{pages, result, watch};
use crate::app::Effect;
use crate::app::focus::Focus;
use crate::app::model::Model;
use crate::app::panes::log::clock;
use crate::app::runs::Call;
use crate::app::table::Step;
use crate::command::Console;

pub(super) fn carry_out(model: &mut Model, console: Console, effects: &mut Vec<Effect>) {
    match console {
        Console::Quit => effects.push(Effect::Quit),
        Console::Clear => result::close(model),
        Console::Messages => messages(model),
        Console::Calls => calls(model),
        Console::Reconnect => effects.push(Effect::RetryNow),
        Console::Runs(runs) => watch::runs(model, runs.run),
        Console::Theme(chosen) => model.settings.theme = chosen.theme,
        #[cfg(debug_assertions)]
        Console::PanicOnPurpose => panic_on_purpose(),
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
        let console = if settings.call.is_empty() { "c2-tui" } else { settings.call.as_str() };
        format!("{at}  {:>3}  {console} --exec {word}", call.status)
    };
    let lines = model.runs.calls.iter().map(line).collect();
    at_its_end(model, "calls", lines, "nothing was run yet");
}

/// Opens a list that grows, each line in full, where its latest one is; `none` where it has none.
fn at_its_end(model: &mut Model, title: &str, mut lines: Vec<String>, none: &str) {
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    pages::text(model, title.to_owned(), &lines.join("\n"));
    if let Some(text) = model.pager_mut(Focus::Page) {
        text.wrap_lines();
        text.step(Step::Last);
    }
}
