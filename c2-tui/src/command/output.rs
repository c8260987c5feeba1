//! `output`: what a job wrote, to the byte.

use c2_shared::api::jobs::Stream;
use clap::Args;

use crate::command::job_name::JobName;
use crate::command::{CommandError, Context, Data, Outcome, follow, resolve};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Output {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub(crate) job: JobName,
    /// Standard error in place of standard output
    #[arg(long)]
    pub(crate) stderr: bool,
    /// Go on showing what it writes until it has ended
    #[arg(long)]
    pub(crate) follow: bool,
}

impl Output {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let job = resolve::job(context, &self.job).await?;
        let stream = if self.stderr { Stream::Stderr } else { Stream::Stdout };
        if self.follow {
            follow::one(context, job, Some(stream), String::new()).await?;
            return Ok(Data::Followed(Vec::new()).into());
        }
        let output = context.client.output(job, stream).await?;
        Ok(Data::Output { job, stream, output }.into())
    }
}
