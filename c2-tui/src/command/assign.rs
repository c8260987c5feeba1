//! `assign`: puts workers into a group.

use std::collections::BTreeSet;

use crate::command::operands::Membership;
use crate::command::{CommandError, Context, Outcome, targets};

pub(crate) async fn run(context: &Context, args: Membership) -> Result<Outcome, CommandError> {
    let mut rows = Vec::new();
    for worker in targets::workers(context, &args.target).await? {
        rows.push(context.client.assign(worker.worker_id.as_str(), BTreeSet::from([args.group.clone()])).await?);
    }
    Ok(targets::changed(&args.target, rows))
}
