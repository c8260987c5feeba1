//! `log`: the latest results.

use c2_shared::api::jobs::LogQuery;
use c2_shared::job::JobState;
use c2_shared::limits::LOG_LEN;
use clap::Args;

use crate::command::jobs::states;
use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Log {
    /// How many results, 20 without it
    #[arg(value_name = "N", default_value_t = LOG_LEN, hide_default_value = true)]
    pub(crate) lines: usize,
    /// Only results of this state
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub(crate) state: Option<JobState>,
    /// Only results of this worker
    #[arg(long, value_name = "WORKER")]
    pub(crate) worker: Option<String>,
    /// Only results of jobs of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Only results before this one, by its number in the log
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<u64>,
}

impl Log {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let Self { lines, state, worker, name, before } = self;
        let query = LogQuery { lines: Some(lines), before, state, worker, name };
        Ok(Data::Log(context.client.log(&query).await?).into())
    }
}
