//! `remove-worker`: forgets a worker that is offline for good.

use crate::command::operands::OneWorker;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: OneWorker) -> Result<Outcome, CommandError> {
    Ok(Data::WorkerRemoved(context.client.remove_worker(&args.worker).await?).into())
}
