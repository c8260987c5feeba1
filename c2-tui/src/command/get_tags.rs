//! `get-tags`: a worker's tags and which job holds them.

use crate::command::operands::OneWorker;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: OneWorker) -> Result<Outcome, CommandError> {
    Ok(Data::Tags(context.client.tags(&args.worker).await?).into())
}
