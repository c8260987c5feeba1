//! `detect-tags`: the tags that fit a worker's hardware.

use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome, operands};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct DetectTags {
    /// Its address or host name
    #[arg(value_name = "WORKER", value_parser = operands::one)]
    pub(crate) worker: String,
    /// Add the suggested tags to those that it offers
    #[arg(long)]
    pub(crate) apply: bool,
}

impl DetectTags {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::Detected(Box::new(context.client.detect_tags(&self.worker, self.apply).await?)).into())
    }
}
