//! Operands that several verbs take, as the operator names them.

use clap::Args;

use crate::command::job_name::{JobName, JobNames};
use crate::command::targets;

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct OneWorker {
    /// Its address or host name
    #[arg(value_name = "WORKER", value_parser = one)]
    pub(crate) worker: String,
}

/// A word that can only mean one worker.
pub(crate) fn one(text: &str) -> Result<String, String> {
    match targets::is_one(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} means several workers, and this takes one; `list` shows all")),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct SomeWorkers {
    /// Workers by address or name, `@all`, groups like `@gpu`
    #[arg(value_name = "TARGET", required = true)]
    pub(crate) targets: Vec<String>,
}

impl SomeWorkers {
    /// All of them as one target.
    pub(crate) fn target(&self) -> String {
        self.targets.join(",")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct OneJob {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub(crate) job: JobName,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct SomeJobs {
    /// Ids, names, `last`, ranges like `3-9`, or states like `@failed` and `3-9@failed`
    #[arg(value_name = "JOB", required = true, value_delimiter = ',')]
    pub(crate) jobs: Vec<JobNames>,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Membership {
    /// A worker by address or name, `@all`, a group like `@gpu`, or a list of them
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) group: String,
}
