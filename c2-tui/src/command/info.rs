//! `info`: one worker in full.

use clap::Args;

use crate::command::{Complaint, Context, Data, Outcome};

/// The arguments of `info`.
#[derive(Clone, Debug, Args)]
pub struct Info {
    /// Its address or host name
    #[arg(value_name = "WORKER")]
    pub worker: String,
}

impl Info {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, Complaint> {
        Ok(Data::Worker(Box::new(context.client.worker(&self.worker).await?)).into())
    }
}
