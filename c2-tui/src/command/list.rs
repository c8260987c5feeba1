//! `list`: all workers.

use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context) -> Result<Outcome, CommandError> {
    Ok(Data::Workers(context.client.workers().await?).into())
}
