//! `set-tags`: the tags that workers offer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use clap::Args;

use crate::command::{CommandError, Context, Outcome, targets};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct SetTags {
    /// A worker by address or name, `@all`, a group like `@gpu`, or a list of them
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// All tags that it is to offer, like `gpu:0,gpu:1,disk`; `""` for none
    #[arg(value_name = "TAGS", value_delimiter = ',', required = true)]
    pub(crate) tags: Vec<String>,
}

impl SetTags {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let tags = self.tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        let tags: BTreeSet<String> = tags.collect();
        self.refuse_workers(context, &tags).await?;
        let mut all = Vec::new();
        for worker in targets::workers(context, &self.target).await? {
            all.push(context.client.set_tags(worker.worker_id.as_str(), tags.clone()).await?);
        }
        Ok(targets::tags(&self.target, all))
    }

    /// A tag that is another worker was meant as one more target.
    async fn refuse_workers(&self, context: &Context, tags: &BTreeSet<String>) -> Result<(), CommandError> {
        let others = if tags.len() > 1 { targets::workers(context, "@all").await? } else { Vec::new() };
        let is_worker = |tag: &String| {
            tag.parse::<IpAddr>().is_ok() || others.iter().any(|worker| worker.hostname.eq_ignore_ascii_case(tag))
        };
        let Some(worker) = tags.iter().find(|tag| is_worker(tag)) else { return Ok(()) };
        let rest: Vec<&str> = tags.iter().filter(|tag| !is_worker(tag)).map(String::as_str).collect();
        let hint = format!("several workers stand in one word: set-tags {},{worker} {}", self.target, rest.join(","));
        Err(CommandError::usage(format!("{worker:?} is a worker, not a tag"), hint))
    }
}
