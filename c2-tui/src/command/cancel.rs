//! `cancel`: ends jobs before their time.

use clap::Args;

use crate::command::job_name::JobNames;
use crate::command::{Complaint, Context, Data, Outcome, resolve};

/// The arguments of `cancel`.
#[derive(Clone, Debug, Args)]
pub struct Cancel {
    /// Ids, names, `last`, or ranges like `3-9`
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<JobNames>,
}

impl Cancel {
    /// Cancels all that can be cancelled. One that cannot does not save those after it: they were
    /// all asked for, and the first refusal is reported at the end.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, Complaint> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let (mut cancelled, mut refused) = (Vec::new(), Vec::new());
        for id in &ids {
            match context.client.cancel(*id).await.map_err(Complaint::from) {
                Ok(answer) => cancelled.push(answer),
                Err(complaint) => refused.push(complaint),
            }
        }
        match refused.into_iter().next() {
            None => Ok(Data::Cancelled(cancelled).into()),
            Some(first) if ids.len() == 1 => Err(first),
            Some(first) => {
                let message = format!("cancelled {} of {} jobs: {}", cancelled.len(), ids.len(), first.message);
                Err(Complaint { message, ..first })
            }
        }
    }
}
