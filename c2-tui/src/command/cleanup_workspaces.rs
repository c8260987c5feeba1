//! `cleanup-workspaces`: removes what ended jobs left on workers.

use std::net::IpAddr;

use c2_shared::id::WorkerId;
use c2_shared::target::{Candidate, Target};
use clap::Args;
use tokio::task::JoinSet;

use crate::command::outcome::CleanedWorker;
use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Cleanup {
    /// A worker by address or name, `@all`, a group like `@gpu`, or a list of them
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
}

impl Cleanup {
    /// Asks all workers at once, as each takes its own time. A single one that cannot be asked is a
    /// error; of several, the outcome says which.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let meant = self.workers(context).await?;
        let single = meant.len() == 1;
        let mut asking = JoinSet::new();
        for (id, ip) in meant {
            let client = context.client.clone();
            asking.spawn(async move { (ip, client.cleanup(id.as_str()).await.map_err(CommandError::from)) });
        }
        let mut workers = Vec::new();
        while let Some(asked) = asking.join_next().await {
            let (ip, answer) = asked.expect("asking does not panic");
            workers.push(match answer {
                Ok(answer) => CleanedWorker { ip, cleaned: Some(answer.cleaned), refused: None },
                Err(error) if single => return Err(error),
                Err(error) => CleanedWorker { ip, cleaned: None, refused: Some(error.message) },
            });
        }
        workers.sort_by_key(|worker| worker.ip);
        let exit = i32::from(workers.iter().any(|worker| worker.refused.is_some()));
        Ok(Outcome { data: Data::Cleaned(workers), exit })
    }

    async fn workers(&self, context: &Context) -> Result<Vec<(WorkerId, IpAddr)>, CommandError> {
        let bad = |e: c2_shared::target::TargetError| {
            CommandError::refused(e.to_string(), "`list` shows all workers and their groups")
        };
        let target = Target::parse(&self.target).map_err(bad)?;
        let list = context.client.workers().await?.workers;
        let candidates: Vec<Candidate<'_>> = list.iter().map(Candidate::of).collect();
        let meant = target.resolve(&self.target, &candidates).map_err(bad)?;
        Ok(meant.iter().map(|worker| (worker.id.clone(), worker.ip)).collect())
    }
}
