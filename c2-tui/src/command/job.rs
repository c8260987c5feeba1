//! `job`, `why`: one job in full, and why it does not run.

use clap::Args;

use crate::command::job_name::JobName;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

/// One job as the operator names it.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Job {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub(crate) job: JobName,
}

impl Job {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let id = resolve::job(context, &self.job).await?;
        Ok(Data::Job(Box::new(context.client.job(id, 0).await?.job)).into())
    }

    pub(crate) async fn why(self, context: &Context) -> Result<Outcome, CommandError> {
        let id = resolve::job(context, &self.job).await?;
        Ok(Data::Why(Box::new(context.client.why(id).await?)).into())
    }
}
