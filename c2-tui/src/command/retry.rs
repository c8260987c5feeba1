//! `retry`: ended jobs are submitted again, all of them or none.

use c2_shared::api::batches::{BatchResponse, JobNote};
use c2_shared::job::Standing;
use c2_shared::selection::Common;

use crate::command::job_name::JobNames;
use crate::command::operands::SomeJobs;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

pub(crate) async fn run(context: &Context, args: SomeJobs) -> Result<Outcome, CommandError> {
    let mut ended = Vec::new();
    for name in &args.jobs {
        ended.extend(meant(context, name).await?);
    }
    let mut seen = std::collections::BTreeSet::new();
    ended.retain(|id| seen.insert(*id));
    let BatchResponse { job_ids: again, notes } = context.client.retry(&ended).await?;
    for JobNote { job, jobs, message } in notes {
        let more = if jobs > 1 { format!(" and {} more", jobs - 1) } else { String::new() };
        context.progress(&format!("{}{more}: {message}", again[job]));
    }
    Ok(Data::Retried { ended, again }.into())
}

/// The jobs that a name means; of a batch those that did not succeed.
async fn meant(context: &Context, name: &JobNames) -> Result<Vec<c2_shared::id::JobId>, CommandError> {
    match name {
        JobNames::All(selection) if matches!(selection.common, Common::Batch(_)) => {
            let mut jobs = resolve::all(context, selection, Some(Standing::Failed)).await?;
            jobs.extend(resolve::all(context, selection, Some(Standing::Cancelled)).await?);
            jobs.sort_unstable();
            if jobs.is_empty() { Err(resolve::no_job(&selection.common)) } else { Ok(jobs) }
        }
        name => resolve::jobs(context, std::slice::from_ref(name)).await,
    }
}
