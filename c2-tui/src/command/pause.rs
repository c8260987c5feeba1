//! `pause` and `unpause`: whether the queue hands out jobs.

use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context, paused: bool) -> Result<Outcome, CommandError> {
    Ok(Data::Paused(context.client.pause(paused).await?).into())
}
