//! `cancel`: ends jobs before their time.

use clap::Args;

use crate::command::job_name::JobNames;
use crate::command::many::{Deed, Many};
use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Cancel {
    /// Ids, names, `last`, ranges like `3-9`, `@STATE`, or `@GROUP`
    #[arg(value_name = "JOB", required = true, value_delimiter = ',')]
    pub(crate) jobs: Vec<JobNames>,
    /// Do it without a question, which only the full screen asks
    #[arg(long)]
    pub(crate) yes: bool,
}

impl Cancel {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let many = Many::each(context, &self.jobs, &Deed::Cancel).await?;
        Ok(many.outcome(|cancelled, refused| Data::Cancelled { cancelled, refused }))
    }
}
