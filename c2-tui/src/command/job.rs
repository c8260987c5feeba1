//! `job`: one job in full.

use clap::Args;

use crate::command::job_name::JobName;
use crate::command::{Complaint, Context, Data, Outcome, resolve};

/// The arguments of `job`.
#[derive(Clone, Debug, Args)]
pub struct Job {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub job: JobName,
}

impl Job {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, Complaint> {
        let id = resolve::job(context, &self.job).await?;
        Ok(Data::Job(Box::new(context.client.job(id, 0).await?.job)).into())
    }
}
