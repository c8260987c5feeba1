//! `resume`: a drained worker gets work again.

use crate::command::operands::OneWorker;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: OneWorker) -> Result<Outcome, CommandError> {
    Ok(Data::WorkerChanged(Box::new(context.client.resume(&args.worker).await?)).into())
}
