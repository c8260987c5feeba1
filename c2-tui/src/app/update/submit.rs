//! Lines that are to be run: the one that Enter ends, and those that were pasted.

use super::{console, guard, marked, result};
use crate::app::Effect;
use crate::app::model::Model;
use crate::app::overlay::said_lines;
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
            run_verb(model, text, verb, false, effects);
            for line in lines.iter().skip(1) {
                if let Ok(verb) = command::parse(line) {
                    run_verb(model, text_of(line), verb, false, effects);
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

/// Runs pasted lines in their order, about which the operator was asked.
pub(super) fn run_pasted(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    for line in said_lines(text).iter().filter(|line| !said(line).is_empty()) {
        match command::parse(line) {
            Ok(verb) => run_verb(model, text_of(line), verb, true, effects),
            Err(error) => result::refuse(model, text_of(line), error),
        }
    }
}

/// The part of a line that says something.
fn text_of(line: &str) -> String {
    line[said(line)].trim_end().to_owned()
}

fn run_verb(model: &mut Model, text: String, verb: Verb, asked: bool, effects: &mut Vec<Effect>) {
    match verb {
        Verb::Console(verb) => console::carry_out(model, verb, effects),
        Verb::Command(command) => guard::run(model, Entered { text, command }, asked, effects),
    }
}
