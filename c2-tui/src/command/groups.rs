//! `groups`: the groups and their workers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context) -> Result<Outcome, CommandError> {
    let mut groups: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    for worker in context.client.workers().await?.workers {
        for group in worker.groups {
            groups.entry(group).or_default().insert(worker.ip);
        }
    }
    Ok(Data::Groups(groups).into())
}
