//! `unassign`: takes workers out of a group.

use clap::Args;

use crate::command::operands::Membership;
use crate::command::{CommandError, Context, Outcome, targets};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Unassign {
    #[command(flatten)]
    pub(crate) membership: Membership,
    /// Do it without a question, which only the full screen asks
    #[arg(long)]
    pub(crate) yes: bool,
}

pub(crate) async fn run(context: &Context, args: Unassign) -> Result<Outcome, CommandError> {
    let Membership { target, group } = args.membership;
    let meant = targets::workers(context, &target).await?;
    let members = context.client.workers().await?.workers.into_iter().filter(|row| row.groups.contains(&group));
    let members: Vec<_> = members.map(|row| row.worker_id).collect();
    let (mut inside, outside): (Vec<_>, Vec<_>) =
        meant.into_iter().partition(|worker| members.contains(&worker.worker_id));
    // Those that are not in it are as they should be, unless that is true of all.
    inside.extend(outside.into_iter().next().filter(|_| inside.is_empty()));
    let mut rows = Vec::new();
    for worker in inside {
        rows.push(context.client.unassign(worker.worker_id.as_str(), &group).await?);
    }
    Ok(targets::changed(&target, rows))
}
