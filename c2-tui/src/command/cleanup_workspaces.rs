//! `cleanup-workspaces`: removes what ended jobs left on workers.

use clap::Args;
use tokio::task::JoinSet;

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
    /// Asks all workers at once, as each takes its own time. A single one that cannot be asked is a
    /// error; of several, the outcome says which.
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let meant = targets::workers(context, &self.target).await?;
        let single = meant.len() == 1;
        let mut asking = JoinSet::new();
        for worker in meant {
            let client = context.client.clone();
            asking.spawn(async move {
                let asked = client.cleanup(worker.worker_id.as_str()).await;
                (worker.ip, asked.map_err(CommandError::from))
            });
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
}
