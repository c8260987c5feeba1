//! `unassign`: takes workers out of a group.

use crate::command::operands::Membership;
use crate::command::{CommandError, Context, Outcome, targets};

pub(crate) async fn run(context: &Context, args: Membership) -> Result<Outcome, CommandError> {
    let Membership { target, group } = args;
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
