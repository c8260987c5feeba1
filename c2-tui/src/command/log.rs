//! `log`: the latest results.

use c2_shared::api::jobs::LogQuery;
use c2_shared::limits::LOG_LEN;
use clap::Args;

use crate::command::{Complaint, Context, Data, Outcome};

/// The arguments of `log`.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// How many results, 20 without it
    #[arg(value_name = "N", default_value_t = LOG_LEN, hide_default_value = true)]
    pub lines: usize,
}

impl Log {
    pub(crate) async fn run(self, context: &Context) -> Result<Outcome, Complaint> {
        Ok(Data::Log(context.client.log(&LogQuery { lines: Some(self.lines), ..LogQuery::default() }).await?).into())
    }
}
