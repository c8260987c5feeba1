//! `set-resources`: what workers have for jobs to take.

use std::collections::BTreeMap;

use c2_shared::api::workers::ResourcesRequest;
use c2_shared::resources::{self, Amount};
use clap::Args;

use crate::command::{CommandError, Context, Outcome, targets};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct SetResources {
    /// A worker by address or name, `@all`, a group like `@gpu`, or a list of them
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// `slots`, `cpus`, `memory`, `gpus`, `vram` of each of these, or a name of your own, like
    /// `cpus=8,memory=30G,license=2`; `NAME=auto` is what the worker says itself
    #[arg(value_name = "NAME=N", value_delimiter = ',', required = true)]
    pub(crate) amounts: Vec<String>,
}

impl SetResources {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let said = self.amounts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        let resources = said.map(amount).collect::<Result<BTreeMap<_, _>, _>>()?;
        let request = ResourcesRequest { resources };
        let mut rows = Vec::new();
        for worker in targets::workers(context, &self.target).await? {
            let answer = context.client.set_resources(worker.worker_id.as_str(), &request).await?;
            answer.notes.iter().for_each(|note| context.progress(&format!("{}: {note}", worker.ip)));
            rows.push(answer.worker);
        }
        Ok(targets::resources(&self.target, rows))
    }
}

fn amount(text: &str) -> Result<(String, Option<Amount>), CommandError> {
    let hint = "write names with amounts, like cpus=8,memory=30G,license=2; NAME=auto takes one back";
    let wrong = |why: String| CommandError::usage(why, hint);
    let (name, amount) = text.split_once('=').ok_or_else(|| wrong(format!("{text:?} has no amount")))?;
    let amount = match amount {
        "" | "auto" => None,
        amount => Some(resources::parse(name, amount).map_err(|why| wrong(format!("{name}: {why}")))?),
    };
    Ok((name.to_owned(), amount))
}
