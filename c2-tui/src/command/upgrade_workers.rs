//! `upgrade-workers`: agents run the newer program that c2d has.

use std::net::IpAddr;

use c2_shared::api::upgrade::UpgradeResponse;
use c2_shared::client::Client;
use c2_shared::id::WorkerId;

use crate::command::operands::SomeWorkers;
use crate::command::outcome::UpgradedWorker;
use crate::command::{CommandError, Context, Data, Outcome, targets};

/// What else the help says.
pub(crate) const ABOUT: &str = "c2d offers the c2-agent beside it, or that of the folder `agents` in its data folder, \
    like `agents/c2-agent-aarch64`. Running jobs continue. An agent whose new program does not reach c2d within 30 \
    seconds keeps the old one. Agents from packages are upgraded with apt";

pub(crate) async fn run(context: &Context, args: SomeWorkers) -> Result<Outcome, CommandError> {
    let upgrade = |client: Client, worker: WorkerId| async move { client.upgrade(worker.as_str()).await };
    let answers = targets::ask_each(context, &args.target(), upgrade).await?;
    let row = |(ip, answer): (IpAddr, Result<UpgradeResponse, CommandError>)| match answer {
        Ok(UpgradeResponse { from, to, .. }) => {
            UpgradedWorker { ip, from: Some(from), to: Some(to), refused: None, hint: None }
        }
        Err(CommandError { message, hint, .. }) => {
            UpgradedWorker { ip, from: None, to: None, refused: Some(message), hint }
        }
    };
    let workers: Vec<UpgradedWorker> = answers.into_iter().map(row).collect();
    let exit = i32::from(workers.iter().any(|worker| worker.refused.is_some()));
    Ok(Outcome { data: Data::Upgraded(workers), exit })
}
