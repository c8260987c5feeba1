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
    let commands = table::commands();
    let width = commands.iter().map(|c| c.usage_short().len()).max().unwrap_or(0);
    let mut text = String::new();
    for command in &commands {
        let _ = writeln!(text, "{:width$}  {}", command.usage_short(), command.summary);
    }
    text.push_str("\n`help COMMAND` explains one of them; JOB is `job-3`, `3`, `last` or a job's name\n");
    text
}

fn one(name: &str) -> Result<String, Complaint> {
    table::long_help(name).ok_or_else(|| {
        let commands = table::commands();
        let names = commands.iter().map(|c| c.name.as_str());
        Complaint::usage(format!("unknown command {name:?}"), hint::for_unknown(name, names, "there are no commands"))
    })
}
