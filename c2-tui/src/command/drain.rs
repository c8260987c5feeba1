//! `drain`: a worker finishes what it has and gets nothing new.

use crate::command::operands::OneWorker;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: OneWorker) -> Result<Outcome, CommandError> {
    Ok(Data::WorkerChanged(Box::new(context.client.drain(&args.worker).await?)).into())
}
