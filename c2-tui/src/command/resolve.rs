//! Finds out from c2d which jobs are meant by `last`, a name or a range.

use c2_shared::api::jobs::JobsQuery;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::Standing;
use c2_shared::limits::PAGE_LEN_MAX;
use c2_shared::selection::{Common, Selection};

use crate::command::job_name::{JobName, JobNames};
use crate::command::{CommandError, Context};

pub(crate) async fn job(context: &Context, name: &JobName) -> Result<JobId, CommandError> {
    match name {
        JobName::Id(id) => Ok(*id),
        JobName::Last => last(&context.client)
            .await?
            .ok_or_else(|| CommandError::refused("there is no last job", "submit one with `submit \"echo hello\"`")),
        JobName::Named(name) => named(context, name).await,
    }
}

/// Finds all jobs meant, without repetition, in the order in which they were named.
pub(crate) async fn jobs(context: &Context, names: &[JobNames]) -> Result<Vec<JobId>, CommandError> {
    let (mut found, mut none) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            JobNames::One(name) => found.push(job(context, name).await?),
            JobNames::All(selection) => {
                let all = all(context, selection, None).await?;
                none.extend(all.is_empty().then(|| no_job(&selection.common)));
                found.extend(all);
            }
            JobNames::Range(first, last) => found.extend((first.0..=last.0).map(JobId)),
        }
    }
    // Of several kinds of jobs it is enough that there are some of one.
    match none.into_iter().next() {
        Some(none) if found.is_empty() => return Err(none),
        Some(none) => context.progress(&none.message),
        None => {}
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|id| seen.insert(*id));
    Ok(found)
}

/// Finds the jobs of a range that have something in common; of a batch also those that have ended, or only those
/// that stand there.
pub(crate) async fn all(
    context: &Context,
    &Selection { ref common, first, last }: &Selection,
    only: Option<Standing>,
) -> Result<Vec<JobId>, CommandError> {
    let after = Some(JobId(first.0 - 1)).filter(|id| id.0 > 0);
    let mut query = JobsQuery { after, limit: Some(PAGE_LEN_MAX), ..JobsQuery::default() };
    match common {
        Common::State(state) => query.state = Some(*state),
        Common::Group(group) => query.group = Some(group.clone()),
        Common::Batch(batch) => (query.batch, query.all, query.state) = (Some(batch.clone()), true, only),
    }
    let mut found = Vec::new();
    loop {
        let page = context.client.jobs(&query).await?;
        found.extend(page.jobs.iter().map(|row| row.job_id).take_while(|id| *id <= last));
        query.after = page.next_after.filter(|after| *after < last);
        if query.after.is_none() {
            break;
        }
    }
    Ok(found)
}

pub(crate) fn no_job(common: &Common) -> CommandError {
    let (none, hint) = common.nothing();
    CommandError::refused(none, hint)
}

/// Finds the job that was submitted last.
async fn last(client: &Client) -> Result<Option<JobId>, CommandError> {
    let query = JobsQuery { all: true, newest: true, limit: Some(1), ..JobsQuery::default() };
    Ok(client.jobs(&query).await?.jobs.first().map(|row| row.job_id))
}

/// Finds the newest job of a name, rather one that has not ended.
async fn named(context: &Context, name: &str) -> Result<JobId, CommandError> {
    for all in [false, true] {
        let (name, limit) = (Some(name.to_owned()), Some(2));
        let query = JobsQuery { all, name, newest: true, limit, ..JobsQuery::default() };
        let found = context.client.jobs(&query).await?.jobs;
        if let Some(newest) = found.first().map(|row| row.job_id) {
            if found.len() > 1 {
                context.progress(&format!("several jobs have this name; the newest is {newest}"));
            }
            return Ok(newest);
        }
    }
    if !matches!(name.parse(), Ok(JobNames::One(_))) {
        let hint = "name one by its id; `follow`, `wait`, `cancel` and `get-files` take several";
        return Err(CommandError::refused(format!("{name:?} means several jobs, and this takes one"), hint));
    }
    Err(CommandError::refused(format!("unknown job {name:?}"), "`jobs --all` lists all jobs; name one by its id"))
}
