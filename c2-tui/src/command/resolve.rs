//! Finds out from c2d which jobs are meant by `last`, a name or a range.

use c2_shared::api::jobs::{JobRow, JobsQuery};
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::limits::PAGE_LEN_MAX;

use crate::command::job_name::{JobName, JobNames};
use crate::command::{Complaint, Context};

/// Finds one job.
pub(crate) async fn job(context: &Context, name: &JobName) -> Result<JobId, Complaint> {
    match name {
        JobName::Id(id) => Ok(*id),
        JobName::Last => last(&context.client)
            .await?
            .ok_or_else(|| Complaint::refused("there is no last job", "submit one with `submit \"echo hello\"`")),
        JobName::Named(name) => named(context, name).await,
    }
}

/// Finds all jobs meant, without repetition, in the order in which they were named.
pub(crate) async fn jobs(context: &Context, names: &[JobNames]) -> Result<Vec<JobId>, Complaint> {
    let mut found = Vec::new();
    for name in names {
        match name {
            JobNames::One(name) => found.push(job(context, name).await?),
            JobNames::Range(first, last) => found.extend((first.0..=last.0).map(JobId)),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|id| seen.insert(*id));
    Ok(found)
}

/// Finds the highest id. c2d lists jobs in the order of their ids only, so this asks "is there one
/// after N" for doubling N and then halves the gap: some twenty questions for a million jobs, where
/// reading the list would carry all of them over the wire.
async fn last(client: &Client) -> Result<Option<JobId>, Complaint> {
    let Some(mut known) = next_after(client, 0).await? else { return Ok(None) };
    let mut step = 1;
    let mut bound = loop {
        match next_after(client, known.saturating_add(step)).await? {
            Some(id) => (known, step) = (id, step * 2),
            None => break known.saturating_add(step),
        }
    };
    while known < bound {
        let middle = known + (bound - known) / 2;
        match next_after(client, middle).await? {
            Some(id) => known = id,
            None => bound = middle,
        }
    }
    Ok(Some(JobId(known)))
}

/// The first id after `after`.
async fn next_after(client: &Client, after: u64) -> Result<Option<u64>, Complaint> {
    let after = (after > 0).then_some(JobId(after));
    let page = client.jobs(&JobsQuery { all: true, limit: Some(1), after, ..JobsQuery::default() }).await?;
    Ok(page.jobs.first().map(|row| row.job_id.0))
}

/// Finds the newest job of a name: first among those that have not ended, which are at hand.
async fn named(context: &Context, name: &str) -> Result<JobId, Complaint> {
    for all in [false, true] {
        let found = rows_named(&context.client, name, all).await?;
        if let Some(newest) = found.iter().map(|row| row.job_id).max() {
            if found.len() > 1 {
                context.progress(&format!("{} jobs are named {name:?}; the newest is {newest}", found.len()));
            }
            return Ok(newest);
        }
    }
    Err(Complaint::refused(format!("unknown job {name:?}"), "`jobs --all` lists all jobs; name one by its id"))
}

async fn rows_named(client: &Client, name: &str, all: bool) -> Result<Vec<JobRow>, Complaint> {
    let mut query = JobsQuery { all, limit: Some(PAGE_LEN_MAX), ..JobsQuery::default() };
    let mut found = Vec::new();
    loop {
        let page = client.jobs(&query).await?;
        found.extend(page.jobs.into_iter().filter(|row| row.name.as_deref() == Some(name)));
        match page.next_after {
            Some(next) => query.after = Some(next),
            None => return Ok(found),
        }
    }
}
