//! `retry`: ended jobs are submitted again, all of them or none.

use crate::command::operands::SomeJobs;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

pub(crate) async fn run(context: &Context, args: SomeJobs) -> Result<Outcome, CommandError> {
    let ended = resolve::jobs(context, &args.jobs).await?;
    let again = context.client.retry(&ended).await?.job_ids;
    Ok(Data::Retried { ended, again }.into())
}
