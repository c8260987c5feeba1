//! Lines that are to be run.

use super::{console, guard, marked, result};
use crate::app::Effect;
use crate::app::model::Model;
use crate::command::{self, CommandError, Entered, Verb, said};

/// Enter: runs what the line says and keeps it in history. A line that is not understood stays to be
/// corrected.
pub(super) fn submit(model: &mut Model, effects: &mut Vec<Effect>) {
    let line = model.line.editor.text().to_owned();
    let text = text_of(&line);
    if text.is_empty() {
        model.line.take();
        return;
    }
    let lines = match marked::expand(model, &line) {
        Ok(lines) => lines,
        Err(why) => {
            let error = CommandError::usage(why, "Space in a table marks rows");
            return result::refuse(model, text, error);
        }
    };
    match command::parse(lines.first().unwrap_or(&line)) {
        Ok(verb) => {
            model.line.take();
            if model.line.history.push(&line) {
                effects.push(Effect::Remember(line));
            }
            let text = lines.first().map_or(text, |line| text_of(line));
            run_verb(model, text, verb, effects);
            for line in lines.iter().skip(1) {
                if let Ok(verb) = command::parse(line) {
                    run_verb(model, text_of(line), verb, effects);
                }
            }
        }
        Err(error) => {
            model.line.search = None;
            model.line.menu = None;
            result::refuse(model, text, error);
        }
    }
}

/// The part of a line that says something.
pub(super) fn text_of(line: &str) -> String {
    line[said(line)].trim_end().to_owned()
}

/// Does what a line says.
pub(super) fn run_verb(model: &mut Model, text: String, verb: Verb, effects: &mut Vec<Effect>) {
    match verb {
        Verb::Console(verb) => console::carry_out(model, verb, effects),
        Verb::Command(command) => guard::run(model, Entered { text, command }, false, effects),
    }
}
