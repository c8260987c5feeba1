//! `remove-worker`: forgets a worker that is offline for good.

use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome, operands};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct RemoveWorker {
    /// A worker by address, name, or the beginning of its id
    #[arg(value_name = "WORKER", value_parser = operands::one)]
    pub(crate) worker: String,
    /// It is lost with the jobs that it has: they run elsewhere or end, as each asked
    #[arg(long)]
    pub(crate) lost: bool,
    /// Do what --lost shows
    #[arg(long, requires = "lost")]
    pub(crate) yes: bool,
}

impl RemoveWorker {
    /// What would be lost is shown first.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        if self.lost && !self.yes {
            let worker = context.client.worker(&self.worker).await?;
            return Ok(Data::WorkerToLose(Box::new(worker)).into());
        }
        Ok(Data::WorkerRemoved(context.client.remove_worker(&self.worker, self.lost).await?).into())
    }
}
