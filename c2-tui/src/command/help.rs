//! `help`: the commands in a table, or one of them in full.

use std::fmt::Write as _;

use clap::{Args, ValueHint};

use crate::command::{CommandError, CommandInfo, Data, Outcome, table};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Help {
    /// Which command
    #[arg(value_name = "COMMAND", value_hint = ValueHint::CommandName)]
    pub(crate) command: Option<String>,
}

impl Help {
    pub(crate) fn run(self) -> Result<Outcome, CommandError> {
        let text = match self.command {
            None => overview(),
            Some(name) => one(&name)?,
        };
        Ok(Data::Text { name: "help", text }.into())
    }
}

fn overview() -> String {
    let row = |command: &CommandInfo| (command.name.clone(), command.summary.clone());
    let (screen, commands): (Vec<_>, Vec<_>) = table::commands().iter().partition(|command| command.full_screen);
    let [commands, screen] = [commands, screen].map(|group| group.into_iter().map(row).collect::<Vec<_>>());
    let after = "`help COMMAND` explains one of them, with its operands, flags and examples";
    format!("{}\non the full screen also:\n{}\n{after}\n", aligned("", &commands), aligned("", &screen))
}

fn one(name: &str) -> Result<String, CommandError> {
    let command = table::known(name)?;
    let arguments = command.arguments.iter().map(|a| (a.value.clone(), a.explanation()));
    let flags = command.flags.iter().map(|f| (f.usage(), f.explanation()));
    let mut text = format!("{}\n\nusage: {}\n", command.summary, command.usage);
    for (heading, rows) in [("arguments", arguments.collect::<Vec<_>>()), ("flags", flags.collect())] {
        if !rows.is_empty() {
            let _ = write!(text, "\n{heading}:\n{}", aligned("  ", &rows));
        }
    }
    if !command.examples.is_empty() {
        let _ = write!(text, "\nexamples:\n{}", indented(&command.examples));
    }
    if !command.note.is_empty() {
        let _ = write!(text, "\n{}\n", command.note);
    }
    Ok(text)
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// Names beside explanations.
fn aligned(indent: &str, rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, meaning)| format!("{indent}{name:width$}  {meaning}\n")).collect()
}
