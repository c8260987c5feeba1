//! Lines that were pasted: one after the other, each as if it were typed then, so that what destroys asks by itself
//! when the lines before it have ended.

use std::collections::VecDeque;

use super::{result, submit};
use crate::app::Effect;
use crate::app::model::Model;
use crate::app::overlay::said_lines;
use crate::app::runs::Pasted;
use crate::app::toast::Kind;
use crate::command::said;

/// Begins with the lines of a text, about which the operator was asked.
pub(super) fn begin(model: &mut Model, text: &str) {
    let lines: VecDeque<String> = said_lines(text).into_iter().filter(|line| !said(line).is_empty()).collect();
    model.runs.pasted = Some(Pasted { count: lines.len(), lines, ..Pasted::default() });
}

/// Runs the next line where nothing runs and nothing is asked.
pub(super) fn look(model: &mut Model, effects: &mut Vec<Effect>) {
    while model.overlay.is_none() && model.runs.present.is_none() && model.runs.waiting.is_empty() {
        let Some(pasted) = &mut model.runs.pasted else { return };
        if std::mem::take(&mut pasted.is_asked) {
            let left = std::mem::take(&mut pasted.lines).len();
            if left > 0 {
                model.toasts.say(Kind::Plain, format!("{left} of the pasted lines were not run"), model.now);
            }
            continue;
        }
        let Some(line) = pasted.lines.pop_front() else {
            let (failed, count) = (pasted.failed, pasted.count);
            model.runs.pasted = None;
            if failed > 0 && count > 1 {
                model.toasts.say(Kind::Bad, format!("{failed} of {count} lines failed"), model.now);
            }
            return;
        };
        match crate::command::parse(&line) {
            Ok(verb) => submit::run_verb(model, submit::text_of(&line), verb, effects),
            Err(error) => result::refuse(model, submit::text_of(&line), error),
        }
        let is_asked = model.overlay.is_some();
        model.runs.pasted.iter_mut().for_each(|pasted| pasted.is_asked = is_asked);
    }
}

/// The question about a line was answered with yes.
pub(super) fn confirmed(model: &mut Model) {
    model.runs.pasted.iter_mut().for_each(|pasted| pasted.is_asked = false);
}
