//! `hold`, `release`, `retry`, `why`: what becomes of jobs that wait, or have ended.

use clap::Args;

use crate::command::job_name::{JobName, JobNames};
use crate::command::outcome::Refusal;
use crate::command::{Complaint, Context, Data, Kind, Outcome, resolve};

/// Jobs as the operator names them.
#[derive(Clone, Debug, Args)]
pub struct Jobs {
    /// Ids, names, `last`, ranges like `3-9`, or states like `@failed` and `3-9@failed`
    #[arg(value_name = "JOB", required = true)]
    pub jobs: Vec<JobNames>,
}

/// One job as the operator names it.
#[derive(Clone, Debug, Args)]
pub struct Job {
    /// Its id (`job-3` or `3`), its name, or `last`
    #[arg(value_name = "JOB")]
    pub job: JobName,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Hold,
    Release,
}

impl Jobs {
    pub(crate) async fn hold(self, context: &Context) -> Result<Outcome, Complaint> {
        self.each(context, Change::Hold).await
    }

    pub(crate) async fn release(self, context: &Context) -> Result<Outcome, Complaint> {
        self.each(context, Change::Release).await
    }

    /// Submits all of them again, or none.
    pub(crate) async fn retry(self, context: &Context) -> Result<Outcome, Complaint> {
        let ended = resolve::jobs(context, &self.jobs).await?;
        let again = context.client.retry(&ended).await?.job_ids;
        Ok(Data::Retried { ended, again }.into())
    }

    /// One that cannot be changed does not keep those after it from it. A single job is a
    /// complaint; of several, the outcome says which were refused and why.
    async fn each(self, context: &Context, change: Change) -> Result<Outcome, Complaint> {
        let ids = resolve::jobs(context, &self.jobs).await?;
        let (mut changed, mut refused) = (Vec::new(), Vec::new());
        for id in &ids {
            let answer = match change {
                Change::Hold => context.client.hold(*id).await,
                Change::Release => context.client.release(*id).await,
            };
            match answer.map_err(Complaint::from) {
                Ok(answer) => changed.push(answer),
                Err(complaint) if ids.len() == 1 || complaint.kind != Kind::Refused => return Err(complaint),
                Err(complaint) => refused.push(Refusal { job_id: *id, message: complaint.message }),
            }
        }
        let exit = i32::from(!refused.is_empty());
        Ok(Outcome { data: Data::Changed { changed, refused }, exit })
    }
}

impl Job {
    pub(crate) async fn why(self, context: &Context) -> Result<Outcome, Complaint> {
        let job = resolve::job(context, &self.job).await?;
        Ok(Data::Why(Box::new(context.client.why(job).await?)).into())
    }
}
