//! `cancel`: ends jobs before their time.

use clap::Args;

use crate::command::job_name::JobNames;
use crate::command::outcome::Refusal;
use crate::command::{Complaint, Context, Data, Kind, Outcome, resolve};

/// The arguments of `cancel`.
#[derive(Clone, Debug, Args)]
pub struct Cancel {
    /// Ids, names, `last`, or ranges like `3-9`
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<JobNames>,
}

impl Cancel {
    /// Cancels all that can be cancelled: one that cannot does not save those after it. A single
    /// job that cannot is a complaint; of several, the outcome says which were refused and why.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, Complaint> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let (mut cancelled, mut refused) = (Vec::new(), Vec::new());
        for id in &ids {
            match context.client.cancel(*id).await.map_err(Complaint::from) {
                Ok(answer) => cancelled.push(answer),
                Err(complaint) if ids.len() == 1 || complaint.kind != Kind::Refused => return Err(complaint),
                Err(complaint) => refused.push(Refusal { job_id: *id, message: complaint.message }),
            }
        }
        let exit = i32::from(!refused.is_empty());
        Ok(Outcome { data: Data::Cancelled { cancelled, refused }, exit })
    }
}
