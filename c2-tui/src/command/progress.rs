//! How far a batch has come, told while somebody waits for it.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use c2_shared::api::batches::BatchRow;
use c2_shared::api::jobs::{JobRow, JobsQuery};
use c2_shared::id::JobId;
use c2_shared::job::Outcome as JobOutcome;

use crate::command::await_job::{Waiting, end};
use crate::command::{CommandError, Context};
use crate::render;

/// How often it is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Looks after which a line is stale, though little has changed.
const STALE: u32 = 30;
/// Lines for jobs that end steadily.
const LINES: usize = 20;

/// Jobs that have ended and are asked for at once.
const PAGE: usize = 500;

/// Waits for all of these jobs, telling how far they, or their batch, have come.
pub(crate) async fn all(
    context: &Context,
    ids: &[JobId],
    batch: Option<&str>,
    leave_files: bool,
) -> Result<Vec<JobRow>, CommandError> {
    // Missing files are reported for each job by itself.
    let singly = leave_files || ids.len() <= LINES;
    match batch {
        Some(batch) => beside(context, batch, each(context, ids, singly, false)).await,
        None => each(context, ids, singly, true).await,
    }
}

/// Waits for each of a few; of many, for the one that will end as the last or nearly so, and looks at the others from time
/// to time, as a request for each would keep c2d from its work.
async fn each(context: &Context, ids: &[JobId], singly: bool, counts: bool) -> Result<Vec<JobRow>, CommandError> {
    let (mut rows, mut said) = (Vec::with_capacity(ids.len()), 0);
    let mut waiting = Waiting::new(context, ids);
    let mut last_end = pin!(end(context, ids.last().copied().unwrap_or(JobId(0)), true));
    let mut awaits_last = !singly;
    while let Some(first) = ids.get(rows.len()) {
        if awaits_last {
            let look = async {
                tokio::select! {
                    ended = last_end.as_mut() => ended.map(|_| false),
                    () = tokio::time::sleep(LOOK_AGAIN) => Ok(true),
                }
            };
            awaits_last = waiting.saying_why(*first, look).await?;
        } else {
            rows.push(waiting.end_of(*first, true).await?.row);
        }
        if !singly {
            catch_up(context, ids, &mut rows).await;
        }
        if counts {
            said = say_count(context, &rows, ids.len(), said);
        }
    }
    Ok(rows)
}

/// Takes over the jobs that have ended, up to the first that has not.
async fn catch_up(context: &Context, ids: &[JobId], rows: &mut Vec<JobRow>) {
    while let Some(first) = ids.get(rows.len()) {
        let left = &ids[rows.len()..];
        let (after, limit) = (Some(JobId(first.0.saturating_sub(1))), Some(left.len().min(PAGE)));
        // Whether c2d is there at all is for the wait to say.
        let Ok(page) = context.client.jobs(&JobsQuery { all: true, after, limit, ..JobsQuery::default() }).await else {
            return;
        };
        let asked = page.jobs.len();
        let has_ended = |(row, id): &(JobRow, &JobId)| row.job_id == **id && row.state.is_terminal();
        let ended: Vec<_> = page.jobs.into_iter().zip(left).take_while(has_ended).map(|(row, _)| row).collect();
        let is_all = ended.len() == asked && asked > 0;
        rows.extend(ended);
        if !is_all {
            return;
        }
    }
}

/// Reports how many have ended, if that is a step more than the last report; returns the number reported last.
fn say_count(context: &Context, rows: &[JobRow], all: usize, said: usize) -> usize {
    let (step, ended) = (all.div_ceil(LINES), rows.len());
    if ended / step == said / step || ended == all {
        return said;
    }
    let is_failure = |row: &&JobRow| row.outcome.as_ref().map_or(0, JobOutcome::exit_status) != 0;
    let failed = rows.iter().filter(is_failure).count();
    let not = if failed > 0 { format!(", {failed} of them did not succeed") } else { String::new() };
    context.progress(&format!("{ended} of {all} jobs have ended{not}"));
    ended
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
