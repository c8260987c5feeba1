//! `assign`: puts a worker into a group.

use std::collections::BTreeSet;

use crate::command::operands::Membership;
use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, args: Membership) -> Result<Outcome, CommandError> {
    let row = context.client.assign(&args.worker, BTreeSet::from([args.group])).await?;
    Ok(Data::WorkerChanged(Box::new(row)).into())
}
