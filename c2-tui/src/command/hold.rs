//! `hold`: jobs that have not started do not start.

use crate::command::operands::SomeJobs;
use crate::command::per_job::PerJob;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

pub(crate) async fn run(context: &Context, args: SomeJobs) -> Result<Outcome, CommandError> {
    let ids = resolve::jobs(context, &args.jobs).await?;
    let per_job = PerJob::each(ids, |id| context.client.hold(id)).await?;
    Ok(per_job.outcome(|changed, refused| Data::Changed { changed, refused }))
}
