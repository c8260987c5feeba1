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
        let stats = context.client.stats(&StatsQuery { name: self.name.clone() }).await?;
        if let Some(name) = self.name.filter(|_| stats.names.is_empty()) {
            let message = format!("no job called {name:?} has ended");
            return Err(CommandError::refused(message, "`stats` lists the names of those that have"));
        }
        Ok(Data::Stats(stats).into())
    }
}
