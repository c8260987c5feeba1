//! How far a batch has come, told while somebody waits for it.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use c2_shared::api::batches::BatchRow;
use c2_shared::api::jobs::JobRow;
use c2_shared::id::JobId;
use c2_shared::job::Outcome as JobOutcome;

use crate::command::await_job::Waiting;
use crate::command::{CommandError, Context};
use crate::render;

/// How often it is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Looks after which a line is stale, though little has changed.
const STALE: u32 = 30;
/// Lines for jobs that end steadily.
const LINES: usize = 20;

/// Waits for all of these jobs, telling how far they, or their batch, have come.
pub(crate) async fn all(context: &Context, ids: &[JobId], batch: Option<&str>) -> Result<Vec<JobRow>, CommandError> {
    match batch {
        Some(batch) => beside(context, batch, each(context, ids, false)).await,
        None => each(context, ids, true).await,
    }
}

async fn each(context: &Context, ids: &[JobId], counts: bool) -> Result<Vec<JobRow>, CommandError> {
    let (mut rows, mut failed) = (Vec::with_capacity(ids.len()), 0);
    let step = ids.len().div_ceil(LINES);
    let mut waiting = Waiting::new(context, ids.len());
    for id in ids {
        let row = waiting.end_of(*id, true).await?.row;
        failed += usize::from(row.outcome.as_ref().map_or(0, JobOutcome::exit_status) != 0);
        rows.push(row);
        if counts && rows.len() % step == 0 && rows.len() < ids.len() {
            let not = if failed > 0 { format!(", {failed} of them did not succeed") } else { String::new() };
            context.progress(&format!("{} of {} jobs have ended{not}", rows.len(), ids.len()));
        }
    }
    Ok(rows)
}

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
    let (mut told, mut looks): (Option<BatchRow>, u32) = (None, 0);
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        // Whether c2d is there at all is for whoever waits to say.
        let Ok(row) = context.client.batch(batch).await else { continue };
        looks += 1;
        let is_due = told.as_ref().is_none_or(|before| {
            let step = row.jobs.div_ceil(LINES);
            row.ended() >= before.ended() + step || row != *before && looks >= STALE
        });
        if is_due {
            context.progress(&render::progress(&row));
            (told, looks) = (Some(row), 0);
        }
    }
}
