//! Finds out from c2d which jobs are meant by `last`, a name or a range.

use c2_shared::api::jobs::{JobRow, JobsQuery};
use c2_shared::client::{Client, ClientError};
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
/// after N" for growing N and then halves the gap: some twenty questions for a million jobs, where
/// reading the list would carry all of them over the wire.
async fn last(client: &Client) -> Result<Option<JobId>, Complaint> {
    let first_after = async |after: u64| {
        let after = (after > 0).then_some(JobId(after));
        let query = JobsQuery { all: true, limit: Some(1), after, ..JobsQuery::default() };
        Ok::<_, ClientError>(client.jobs(&query).await?.jobs.first().map(|row| row.job_id.0))
    };
    Ok(highest(first_after).await?.map(JobId))
}

/// The highest of the numbers that `first_after` knows; it gives the lowest above its argument.
async fn highest<E>(first_after: impl AsyncFn(u64) -> Result<Option<u64>, E>) -> Result<Option<u64>, E> {
    let Some(mut known) = first_after(0).await? else { return Ok(None) };
    let mut step = 1_u64;
    let mut bound = loop {
        let probe = known.saturating_add(step);
        match first_after(probe).await? {
            Some(higher) => known = higher,
            None => break probe,
        }
        step = step.saturating_mul(2);
    };
    // There is nothing above `bound`, and `known` exists.
    while known < bound {
        let middle = known + (bound - known) / 2;
        match first_after(middle).await? {
            Some(higher) => known = higher,
            None => bound = middle,
        }
    }
    Ok(Some(known))
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    /// Checks the answer, and that it took no more than so many questions.
    async fn check(ids: &[u64], questions_max: u32) {
        let questions = Cell::new(0);
        let first_after = async |after: u64| {
            questions.set(questions.get() + 1);
            Ok::<_, Infallible>(ids.iter().copied().find(|id| *id > after))
        };
        let Ok(found) = highest(first_after).await;
        assert_eq!(found, ids.last().copied());
        assert!(questions.get() <= questions_max, "{} questions for {:?}", questions.get(), ids.last());
    }

    #[tokio::test]
    async fn the_highest_id_is_found_in_few_questions() {
        check(&[], 1).await;
        check(&[1], 3).await;
        check(&[1, 2], 5).await;
        check(&[3, 9, 1_000], 20).await;
        check(&(1..=1_000).collect::<Vec<_>>(), 22).await;
        check(&[900_000, 1_000_000], 40).await;
        check(&[7, u64::MAX], 140).await;
    }
}
