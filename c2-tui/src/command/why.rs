//! `why`: why a job does not run.

use crate::command::operands::OneJob;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

pub(crate) async fn run(context: &Context, args: OneJob) -> Result<Outcome, CommandError> {
    let id = resolve::job(context, &args.job).await?;
    Ok(Data::Why(Box::new(context.client.why(id).await?)).into())
}
