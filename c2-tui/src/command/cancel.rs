//! `cancel`: ends jobs before their time.

use clap::Args;

use crate::command::job_name::JobNames;
use crate::command::per_job::PerJob;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Cancel {
    /// Ids, names, `last`, ranges like `3-9`, `@STATE`, or `@GROUP`
    #[arg(value_name = "JOB", required = true, value_delimiter = ',')]
    pub(crate) jobs: Vec<JobNames>,
}

impl Cancel {
    /// Cancels all that can be cancelled: one that cannot does not save those after it. A single
    /// job that cannot is an error; of several, the outcome says which were refused and why.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let per_job = PerJob::each(ids, |id| context.client.cancel(id)).await?;
        Ok(per_job.outcome(|cancelled, refused| Data::Cancelled { cancelled, refused }))
    }
}
