//! The verbs that need a worker and nothing else: `info`, `get-tags`, `drain`, `resume`,
//! `remove-worker`.

use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome};

/// A worker as the operator names it.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Worker {
    /// Its address or host name
    #[arg(value_name = "WORKER")]
    pub(crate) worker: String,
}

impl Worker {
    pub(crate) async fn info(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::Worker(Box::new(context.client.worker(&self.worker).await?)).into())
    }

    pub(crate) async fn tags(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::Tags(context.client.tags(&self.worker).await?).into())
    }

    pub(crate) async fn drain(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::WorkerChanged(Box::new(context.client.drain(&self.worker).await?)).into())
    }

    pub(crate) async fn resume(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::WorkerChanged(Box::new(context.client.resume(&self.worker).await?)).into())
    }

    pub(crate) async fn remove(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::WorkerRemoved(context.client.remove_worker(&self.worker).await?).into())
    }
}
