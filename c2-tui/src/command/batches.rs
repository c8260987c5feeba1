//! `batches`: what was submitted under one name, and how far it has come.

use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Batches {
    /// Only this batch, in full
    #[arg(value_name = "BATCH")]
    pub(crate) name: Option<String>,
}

impl Batches {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(match self.name {
            None => Data::Batches(context.client.batches().await?).into(),
            // As it is named elsewhere.
            Some(name) => {
                let name = name.strip_prefix("@batch:").unwrap_or(&name);
                Data::Batch(Box::new(context.client.batch(name).await?)).into()
            }
        })
    }
}
