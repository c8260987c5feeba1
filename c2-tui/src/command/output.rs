//! `output`: what a job wrote, to the byte.

use c2_shared::api::jobs::{OutputQuery, Stream};
use c2_shared::id::JobId;
use c2_shared::job::JobState;
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
    /// What this attempt wrote, by its number; `job JOB` lists the attempts
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
    /// Go on showing what it writes until it has ended
    #[arg(long)]
    pub(crate) follow: bool,
}

impl Output {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let job = resolve::job(context, &self.job).await?;
        let stream = if self.stderr { Stream::Stderr } else { Stream::Stdout };
        let query = OutputQuery { stream, attempt: self.attempt };
        if !self.follow {
            let output = context.client.output(job, query).await?;
            return Ok(Data::Output { job, stream, output }.into());
        }
        if let Some(number) = self.attempt {
            check_running(context, job, number).await?;
        }
        follow::one(context, job, Some(query), String::new()).await?;
        Ok(Data::Followed(Vec::new()).into())
    }
}

/// Refuses to follow any other attempt than the one that runs.
async fn check_running(context: &Context, job: JobId, number: u32) -> Result<(), CommandError> {
    let info = context.client.job(job, 0).await?.job;
    if info.row.state == JobState::Running && info.row.attempt == number {
        return Ok(());
    }
    if info.attempts.iter().any(|attempt| attempt.number == number) {
        let message = format!("attempt {number} of {job} has ended and writes nothing more");
        let hint = format!("leave out --follow: output {job} --attempt={number}");
        return Err(CommandError::refused(message, hint));
    }
    let hint = format!("leave out --attempt, or list the attempts with: job {job}");
    Err(CommandError::refused(format!("{job} has no attempt {number}"), hint))
}
