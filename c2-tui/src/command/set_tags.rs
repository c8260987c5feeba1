//! `set-tags`: the tags that a worker offers.

use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct SetTags {
    /// Its address or host name
    #[arg(value_name = "WORKER")]
    pub(crate) worker: String,
    /// All tags that it is to offer, like `gpu:0,gpu:1,disk`; `""` for none
    #[arg(value_name = "TAGS", value_delimiter = ',', required = true)]
    pub(crate) tags: Vec<String>,
}

impl SetTags {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let tags = self.tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
        Ok(Data::Tags(context.client.set_tags(&self.worker, tags).await?).into())
    }
}
