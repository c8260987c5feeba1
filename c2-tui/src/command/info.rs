//! `info`: one worker in full.

use crate::command::operands::OneWorker;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: OneWorker) -> Result<Outcome, CommandError> {
    Ok(Data::Worker(Box::new(context.client.worker(&args.worker).await?)).into())
}
