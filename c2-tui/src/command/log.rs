//! `log`: the latest results.

use c2_shared::api::jobs::LogQuery;
use c2_shared::job::JobState;
use c2_shared::limits::LOG_LEN;
use clap::Args;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};

use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Log {
    /// How many results, 20 without it
    #[arg(value_name = "N", default_value_t = LOG_LEN, hide_default_value = true, value_parser = at_least_one())]
    pub(crate) lines: usize,
    /// Only results of this state
    #[arg(long, value_name = "STATE", value_parser = ended_states())]
    pub(crate) state: Option<JobState>,
    /// Only results of this worker
    #[arg(long, value_name = "WORKER")]
    pub(crate) worker: Option<String>,
    /// Only results of jobs of this batch
    #[arg(long, value_name = "BATCH")]
    pub(crate) batch: Option<String>,
    /// Only results of jobs of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Only results before this one, by its number, which stands under the table
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<u64>,
}

/// A count of rows.
pub(crate) fn at_least_one() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..)
}

/// Nothing else ends up in the log.
fn ended_states() -> impl TypedValueParser<Value = JobState> {
    let ended = || JobState::ALL.into_iter().filter(|state| state.is_terminal());
    PossibleValuesParser::new(ended().map(JobState::word))
        .map(move |word| ended().find(|state| state.word() == word).expect("only these words pass the parser"))
}

impl Log {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        let Self { lines, state, worker, batch, name, before } = self;
        let asks = [&worker, &batch, &name];
        let filtered = state.is_some() || before.is_some() || asks.iter().any(|ask| ask.is_some());
        let query = LogQuery { lines: Some(lines), before, state, worker, batch, name };
        Ok(Data::Log { log: context.client.log(&query).await?, filtered }.into())
    }
}
