//! `wait`: until jobs have ended.

use std::pin::pin;

use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::selection::{Common, Selection};
use c2_shared::time::parse_duration_s;
use clap::Args;

use crate::command::await_job::Waiting;
use crate::command::job_name::JobNames;
use crate::command::{CommandError, Context, Data, Outcome, await_job, progress, resolve};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Wait {
    /// Ids, names, `last`, ranges like `3-9`, `@STATE`, `@GROUP`, or `@batch:NAME`
    #[arg(value_name = "JOB", required = true, value_delimiter = ',')]
    pub(crate) jobs: Vec<JobNames>,
    /// Stop waiting after this time, like `90`, `5m` or `2h30m`; the jobs continue
    #[arg(long, value_name = "DUR", value_parser = parse_duration_s)]
    pub(crate) timeout: Option<u64>,
}

impl Wait {
    /// Waits for one job after the other, which takes as long as the longest of them. The exit
    /// status is that of the first job, in the order named, that did not succeed.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let wait = ended(context, &ids, self.timeout);
        let rows = match self.jobs.as_slice() {
            [JobNames::All(Selection { common: Common::Batch(batch), .. })] => {
                progress::beside(context, batch, wait).await?
            }
            _ => wait.await?,
        };
        let exit = await_job::exit_status(&rows);
        Ok(Outcome { data: Data::Waited(rows), exit })
    }
}

/// The jobs once they have ended, or the time is over.
async fn ended(context: &Context, ids: &[JobId], timeout: Option<u64>) -> Result<Vec<JobRow>, CommandError> {
    let mut time_over = pin!(tokio::time::sleep(await_job::limit(timeout)));
    let mut rows: Vec<JobRow> = Vec::new();
    let mut waiting = Waiting::new(context, ids);
    for (i, id) in ids.iter().enumerate() {
        let ended = tokio::select! {
            biased;
            ended = waiting.end_of(*id, i > 0) => ended?,
            () = &mut time_over => context.client.job(*id, 0).await?.job,
        };
        rows.push(ended.row);
    }
    Ok(rows)
}
