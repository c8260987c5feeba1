//! `hold`, `release`, `retry`: what becomes of jobs that wait, or have ended.

use clap::Args;

use crate::command::job_name::JobNames;
use crate::command::per_job::PerJob;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

/// Jobs as the operator names them.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Jobs {
    /// Ids, names, `last`, ranges like `3-9`, or states like `@failed` and `3-9@failed`
    #[arg(value_name = "JOB", required = true)]
    pub(crate) jobs: Vec<JobNames>,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Hold,
    Release,
}

impl Jobs {
    pub(crate) async fn hold(self, context: &Context) -> Result<Outcome, CommandError> {
        self.each(context, Change::Hold).await
    }

    pub(crate) async fn release(self, context: &Context) -> Result<Outcome, CommandError> {
        self.each(context, Change::Release).await
    }

    /// Submits all of them again, or none.
    pub(crate) async fn retry(self, context: &Context) -> Result<Outcome, CommandError> {
        let ended = resolve::jobs(context, &self.jobs).await?;
        let again = context.client.retry(&ended).await?.job_ids;
        Ok(Data::Retried { ended, again }.into())
    }

    /// One that cannot be changed does not keep those after it from it. A single job is a
    /// error; of several, the outcome says which were refused and why.
    async fn each(self, context: &Context, change: Change) -> Result<Outcome, CommandError> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let mut per_job = PerJob::of(&ids);
        for id in ids {
            let answer = match change {
                Change::Hold => context.client.hold(id).await,
                Change::Release => context.client.release(id).await,
            };
            per_job.take(id, answer)?;
        }
        Ok(per_job.outcome(|changed, refused| Data::Changed { changed, refused }))
    }
}
