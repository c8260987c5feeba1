//! `groups`, `assign`, `unassign`: which workers belong together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome};

/// The arguments of `assign` and `unassign`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Membership {
    /// Its address or host name
    #[arg(value_name = "WORKER")]
    pub(crate) worker: String,
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) group: String,
}

/// Groups and their workers, as `list` tells them.
pub(crate) async fn list(context: &Context) -> Result<Outcome, CommandError> {
    let mut groups: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    for worker in context.client.workers().await?.workers {
        for group in worker.groups {
            groups.entry(group).or_default().insert(worker.ip);
        }
    }
    Ok(Data::Groups(groups).into())
}

impl Membership {
    pub(crate) async fn assign(self, context: &Context) -> Result<Outcome, CommandError> {
        let row = context.client.assign(&self.worker, BTreeSet::from([self.group])).await?;
        Ok(Data::WorkerChanged(Box::new(row)).into())
    }

    pub(crate) async fn unassign(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::WorkerChanged(Box::new(context.client.unassign(&self.worker, &self.group).await?)).into())
    }
}
