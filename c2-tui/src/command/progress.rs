//! How far a batch has come, told while somebody waits for it.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use c2_shared::api::batches::BatchRow;
use tokio::time::Instant;

use crate::command::{CommandError, Context};
use crate::render;

/// How often it is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long a line is good for, though little has changed.
const STALE: Duration = Duration::from_secs(60);
/// Lines for a batch that goes on steadily.
const LINES: usize = 20;

/// Waits, telling meanwhile how far the batch has come.
pub(crate) async fn beside<T>(
    context: &Context,
    batch: &str,
    wait: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let mut tell = pin!(tell(context, batch));
    tokio::select! {
        biased;
        waited = wait => waited,
        never = &mut tell => match never {},
    }
}

async fn tell(context: &Context, batch: &str) -> Infallible {
    let mut told: Option<(BatchRow, Instant)> = None;
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        // Whether c2d is there at all is for whoever waits to say.
        let Ok(row) = context.client.batch(batch).await else { continue };
        let is_due = told.as_ref().is_none_or(|(before, at)| {
            let step = row.jobs.div_ceil(LINES);
            row.ended() >= before.ended() + step || row != *before && at.elapsed() >= STALE
        });
        if is_due {
            context.progress(&render::progress(&row));
            told = Some((row, Instant::now()));
        }
    }
}
