//! `timeline`: what ran where and when.

use c2_shared::api::figures::TimelineQuery;
use c2_shared::time::parse_duration_s;
use clap::Args;

use crate::command::{CommandError, Context, Data, Outcome};

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(crate) struct Timeline {
    /// From so long ago on, like `90`, `15m`, `2h30m`; 15m without it
    #[arg(long, value_name = "DUR", value_parser = parse_duration_s)]
    pub(crate) since: Option<u64>,
}

impl Timeline {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, CommandError> {
        Ok(Data::Timeline(context.client.timeline(&TimelineQuery { since_s: self.since }).await?).into())
    }
}
