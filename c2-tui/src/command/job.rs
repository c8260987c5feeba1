//! `job`: one job in full.

use crate::command::operands::OneJob;
use crate::command::{CommandError, Context, Data, Outcome, resolve};

pub(crate) async fn run(context: &Context, args: OneJob) -> Result<Outcome, CommandError> {
    let id = resolve::job(context, &args.job).await?;
    Ok(Data::Job(Box::new(context.client.job(id, 0).await?.job)).into())
}
