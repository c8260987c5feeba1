//! `stats`: how jobs ran, by their names.

use c2_shared::api::figures::StatsQuery;
use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Stats {
    /// Only jobs of this name
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

impl Stats {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::Stats(context.client.stats(&StatsQuery { name: self.name }).await?).into())
    }
}
