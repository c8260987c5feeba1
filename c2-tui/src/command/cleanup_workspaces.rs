//! `cleanup-workspaces`: removes what ended jobs left on workers.

use std::net::IpAddr;

use c2_shared::api::files::CleanupResponse;
use c2_shared::client::Client;
use c2_shared::id::WorkerId;
use clap::Args;

use crate::command::outcome::CleanedWorker;
use crate::command::{CommandError, Context, Data, Outcome, targets};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Cleanup {
    /// A worker by address or name, `@all`, a group like `@gpu`, or a list of them
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    /// Do it without a question, which only the full screen asks
    #[arg(long)]
    pub(crate) yes: bool,
}

impl Cleanup {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let clean = |client: Client, worker: WorkerId| async move { client.cleanup(worker.as_str()).await };
        let answers = targets::ask_each(context, &self.target, clean).await?;
        let row = |(ip, answer): (IpAddr, Result<CleanupResponse, CommandError>)| match answer {
            Ok(answer) => CleanedWorker { ip, cleaned: Some(answer.cleaned), refused: None },
            Err(error) => CleanedWorker { ip, cleaned: None, refused: Some(error.message) },
        };
        let workers: Vec<CleanedWorker> = answers.into_iter().map(row).collect();
        let exit = i32::from(workers.iter().any(|worker| worker.refused.is_some()));
        Ok(Outcome { data: Data::Cleaned(workers), exit })
    }
}
