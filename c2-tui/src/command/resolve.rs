//! Finds out from c2d which jobs are meant by `last`, a name or a range.

use c2_shared::api::jobs::JobsQuery;
use c2_shared::client::Client;
use c2_shared::hint;
use c2_shared::id::JobId;
use c2_shared::job::Standing;
use c2_shared::limits::PAGE_LEN_MAX;
use c2_shared::selection::{Common, Selection, state_called};

use crate::command::job_name::{JobName, JobNames};
use crate::command::{CommandError, Context};

/// All jobs that have not ended.
pub(crate) const ALL: &str = "@queued @running";

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
    let hint = match meant(name) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => near_name(context, name).await,
    };
    Err(CommandError::refused(format!("unknown job {name:?}"), hint))
}

/// The hint for a name that no job has: the nearest of those that the newest jobs have.
async fn near_name(context: &Context, name: &str) -> String {
    let query = JobsQuery { all: true, newest: true, limit: Some(PAGE_LEN_MAX), ..JobsQuery::default() };
    let rows = context.client.jobs(&query).await.map(|page| page.jobs).unwrap_or_default();
    match hint::nearest(name, rows.iter().filter_map(|row| row.name.as_deref())) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "`jobs --all` lists all jobs; name one by its id".to_owned(),
    }
}

/// What a text means that is no job and no name as it stands: an id, a range or a state in the words of others.
fn meant(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let number = |text: &str| {
        let digits = text
            .trim()
            .trim_start_matches(['#', '%'])
            .trim_start_matches("job")
            .trim_start_matches(['-', '_', ':', ' ', '#', '/']);
        digits.parse::<u64>().ok().filter(|n| *n > 0)
    };
    let bare = lower.trim_matches(['[', ']', '{', '}', '(', ')']);
    if lower == "last" || lower == "latest" || ["newest", "-1", "$!", "%%", "%+", "!!"].contains(&lower.as_str()) {
        return Some("last".to_owned());
    }
    if lower == "all" || lower == "*" {
        return Some(ALL.to_owned());
    }
    if let Some(id) = number(bare) {
        return Some(JobId(id).to_string());
    }
    let range = ["..", "...", ":", "~", "–", " to ", " - ", "--", "-job-", "-"].iter().find_map(|between| {
        let (first, last) = bare.split_once(between)?;
        Some((number(first)?, number(last.trim_start_matches('.'))?))
    });
    if let Some((first, last)) = range {
        return Some(format!("{first}-{last}"));
    }
    let first = bare.strip_suffix('-').and_then(number);
    if let Some(first) = first {
        return Some(JobId(first).to_string());
    }
    state_called(&lower).map(|state| format!("@{}", state.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_leads_to_what_is_written_here() {
        let table = [
            ("JOB-7", Some("job-7")),
            ("#7", Some("job-7")),
            ("%7", Some("job-7")),
            ("$!", Some("last")),
            ("job 7", Some("job-7")),
            ("job/7", Some("job-7")),
            ("[7]", Some("job-7")),
            ("7-", Some("job-7")),
            ("LAST", Some("last")),
            ("latest", Some("last")),
            ("3..5", Some("3-5")),
            ("3...5", Some("3-5")),
            ("3:5", Some("3-5")),
            ("[3-5]", Some("3-5")),
            ("{3..5}", Some("3-5")),
            ("job-3-job-5", Some("3-5")),
            ("3 to 5", Some("3-5")),
            ("failed", Some("@failed")),
            ("Done", Some("@succeeded")),
            ("all", Some("@queued @running")),
            ("*", Some("@queued @running")),
            ("train", None),
            ("failed2", None),
            ("a-3", None),
            ("0", None),
        ];
        for (text, expected) in table {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
    }
}
