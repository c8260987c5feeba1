//! `get-tags`: the tags of workers and which job holds them.

use crate::command::operands::SomeWorkers;
use crate::command::{CommandError, Context, Outcome, targets};

pub(crate) async fn run(context: &Context, args: SomeWorkers) -> Result<Outcome, CommandError> {
    let (target, mut all) = (args.target(), Vec::new());
    for worker in targets::workers(context, &target).await? {
        all.push(context.client.tags(worker.worker_id.as_str()).await?);
    }
    Ok(targets::tags(&target, all))
}
