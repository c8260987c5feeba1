//! `unassign`: takes a worker out of a group.

use crate::command::operands::Membership;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: Membership) -> Result<Outcome, CommandError> {
    Ok(Data::WorkerChanged(Box::new(context.client.unassign(&args.worker, &args.group).await?)).into())
}
