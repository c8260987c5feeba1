//! `@marked` in a line: what is marked in the tables, put in its place before the line is read.

use super::rows::name_of;
use crate::app::model::Model;
use crate::command::{Operand, find, scan};

/// Stands for the marked rows.
pub(crate) const MARKED: &str = "@marked";

/// The lines that a line with `@marked` stands for: one, or one for each worker where a verb takes only
/// one. Nothing is marked where there is none.
pub(super) fn expand(model: &Model, line: &str) -> Result<Vec<String>, &'static str> {
    let (words, _) = scan(line);
    let Some((verb, words)) = words.split_first() else { return Ok(vec![line.to_owned()]) };
    let Some(command) = find(&verb.text) else { return Ok(vec![line.to_owned()]) };
    let operands = words.iter().filter(|word| !word.text.starts_with('-'));
    let operand = command.argument(0).map_or(Operand::Text, |argument| argument.operand);
    let is_marked = |word: &&crate::command::Word| word.text == MARKED && !word.is_quoted();
    let places: Vec<_> = match operand {
        Operand::Job => operands.filter(is_marked).collect(),
        Operand::Worker | Operand::Target => operands.take(1).filter(is_marked).collect(),
        _ => Vec::new(),
    };
    if places.is_empty() {
        return Ok(vec![line.to_owned()]);
    }
    let names: Vec<String> = if operand == Operand::Job {
        model.marked_jobs().iter().map(ToString::to_string).collect()
    } else {
        model.panes.workers.marks().map(|id| name_of(&model.cache, &id)).collect()
    };
    if names.is_empty() {
        return Err("no row is marked");
    }
    let put = |text: &str| {
        let mut put = line.to_owned();
        places.iter().rev().for_each(|word| put.replace_range(word.span.clone(), text));
        put
    };
    Ok(if operand == Operand::Worker {
        names.iter().map(|name| put(name)).collect()
    } else {
        vec![put(&names.join(","))]
    })
}
