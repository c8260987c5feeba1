//! The machines that a target of ssh means: workers, and any other that has an address or a name here.
//!
//! What c2d does not know is looked up on this machine and said, so that a command never goes to a
//! stranger without a word.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use c2_shared::target::{Candidate, Machines, Target, TargetError};

use crate::command::{CommandError, Context};

/// Longest time for the look-up of a name.
const LOOKUP: Duration = Duration::from_secs(5);

/// A machine, with its groups if it is a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) ip: IpAddr,
    pub(crate) hostname: String,
    pub(crate) groups: Option<BTreeSet<String>>,
}

/// Finds the machines, each once.
pub(crate) async fn find(context: &Context, text: &str) -> Result<Vec<Machine>, CommandError> {
    let rows = context.client.workers().await?.workers;
    let candidates: Vec<Candidate<'_>> = rows.iter().map(Candidate::of).collect();
    let found = Target::parse(text).and_then(|target| target.machines(text, &candidates));
    let Machines { workers, strangers } = match found {
        Ok(found) => found,
        Err(error) => return Err(refused(context, text, &error).await),
    };
    let of_worker = |worker: &&Candidate<'_>| Machine {
        ip: worker.ip,
        hostname: worker.hostname.to_owned(),
        groups: Some(worker.groups.clone()),
    };
    let mut machines: Vec<Machine> = workers.iter().map(of_worker).collect();
    for stranger in strangers {
        let (ip, hostname) = match stranger.parse::<IpAddr>() {
            Ok(ip) => {
                context.progress(&format!("{ip} is not a worker; it is reached all the same"));
                (ip.to_canonical(), String::new())
            }
            Err(_) => match look_up(&stranger).await {
                Some(ip) => {
                    context.progress(&format!("{stranger} is not a worker; its address is {ip}"));
                    (ip, stranger)
                }
                None => return Err(refused(context, &stranger, &TargetError::UnknownWorker(stranger.clone())).await),
            },
        };
        if !machines.iter().any(|machine| machine.ip == ip) {
            machines.push(Machine { ip, hostname, groups: None });
        }
    }
    Ok(machines)
}

/// The address of a name, as this machine knows it.
async fn look_up(name: &str) -> Option<IpAddr> {
    let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((name, 0))).await.ok()?.ok()?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip().to_canonical()).collect();
    // Most networks at home speak the older one everywhere.
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.first().copied()
}

/// c2d's own words for what is wrong with a target, as it knows the candidates.
async fn refused(context: &Context, text: &str, error: &TargetError) -> CommandError {
    match context.client.target(text).await {
        Err(refusal) => refusal.into(),
        Ok(_) => CommandError::refused(error.to_string(), "`list` shows all workers and their groups"),
    }
}
