//! `queue-status`: the queue in numbers.

use crate::command::{CommandError, Context, Data, Outcome};

pub(crate) async fn run(context: &Context) -> Result<Outcome, CommandError> {
    Ok(Data::Queue(context.client.queue_status().await?).into())
}
