//! `help`: the commands in a table, or one of them in full.

use std::fmt::Write as _;

use c2_shared::hint;
use clap::Args;

use crate::command::{Complaint, Data, Outcome, table};

/// The arguments of `help`.
#[derive(Clone, Debug, Args)]
pub struct Help {
    /// Which command
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

impl Help {
    pub(crate) fn run(self) -> Result<Outcome, Complaint> {
        let text = match self.command {
            None => overview(),
            Some(name) => one(&name)?,
        };
        Ok(Data::Help(text).into())
    }
}

fn overview() -> String {
    let rows: Vec<_> = table::commands().iter().map(|c| (c.usage_short(), c.summary.clone())).collect();
    let after = "`help COMMAND` explains one of them; JOB is `job-3`, `3`, `last` or a job's name";
    format!("{}\n{after}\n", aligned("", &rows))
}

fn one(name: &str) -> Result<String, Complaint> {
    let commands = table::commands();
    let names = || commands.iter().flat_map(|c| std::iter::once(&c.name).chain(&c.aliases)).map(String::as_str);
    let Some(command) = commands.iter().find(|c| c.name == name || c.aliases.iter().any(|alias| alias == name)) else {
        let hint = hint::nearest(name, names()).map(|near| format!("did you mean {near:?}?"));
        let hint = hint.unwrap_or_else(|| "`help` lists the commands".to_owned());
        return Err(Complaint::usage(format!("unknown command {name:?}"), hint));
    };
    let arguments = command.arguments.iter().map(|a| (a.value.clone(), a.summary.clone()));
    let flags = command.flags.iter().map(|f| (f.usage(), f.explanation()));
    let mut text = format!("{}\n\nusage: {}\n", command.summary, command.usage);
    for (heading, rows) in [("arguments", arguments.collect::<Vec<_>>()), ("flags", flags.collect())] {
        if !rows.is_empty() {
            let _ = write!(text, "\n{heading}:\n{}", aligned("  ", &rows));
        }
    }
    if !command.note.is_empty() {
        let _ = write!(text, "\n{}\n", command.note);
    }
    Ok(text)
}

/// Names beside explanations.
fn aligned(indent: &str, rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, meaning)| format!("{indent}{name:width$}  {meaning}\n")).collect()
}
