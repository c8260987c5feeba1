//! `wake`: machines that sleep or are off are sent the packet that wakes them.

use crate::command::operands::SomeWorkers;
use crate::command::{CommandError, Context, Outcome, targets};

pub(crate) async fn run(context: &Context, args: SomeWorkers) -> Result<Outcome, CommandError> {
    let (target, mut rows) = (args.target(), Vec::new());
    for worker in targets::workers(context, &target).await? {
        rows.push(context.client.wake(worker.worker_id.as_str()).await?);
    }
    Ok(targets::changed(&target, rows))
}
