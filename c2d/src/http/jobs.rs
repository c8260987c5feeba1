//! Lists of jobs.

use std::collections::BTreeMap;

use c2_shared::api::jobs::{JobList, JobRow, JobsQuery};
use c2_shared::id::JobId;
use c2_shared::job::{JobState, Standing};
use c2_shared::limits::{PAGE_LEN, PAGE_LEN_MAX};

use crate::http::find_worker;
use crate::http::handler::{Answer, ApiError, App, Json, QueryOf, State, serves};
use crate::rows::job_row;
use crate::sched::{JobView, Scheduler};
use crate::store::JobFilter;

serves!(LIST_JOBS => jobs);

pub(crate) async fn jobs(State(app): State<App>, QueryOf(query): QueryOf<JobsQuery>) -> Answer<JobList> {
    let limit = query.limit.unwrap_or(PAGE_LEN).clamp(1, PAGE_LEN_MAX);
    let (after, standing) = (query.after, query.state);
    let state = standing.map(Standing::state);
    let ended = query.all || state.is_some_and(JobState::is_terminal);
    // Only the present knows what is special about a job that runs, and so few run that all are looked at.
    let special = standing.is_some_and(|standing| {
        use Standing::{Cancelling, Delivering, Frozen, Unreachable};
        matches!(standing, Unreachable | Cancelling | Frozen | Delivering)
    });
    let worker = find_worker::owner(&app, query.worker.as_deref()).await?;
    let filter = JobFilter {
        state,
        ended,
        name: query.name,
        group: query.group,
        batch: query.batch,
        tag: query.tag,
        worker,
        text: query.text,
        newest: query.newest,
        after,
        // One more than asked for tells whether there is a next page.
        limit: if special { usize::MAX } else { limit + 1 },
    };
    let in_order = JobFilter { state, after, limit: filter.limit, ..JobFilter::default() };
    let views = if filter == in_order {
        app.engine.read(move |scheduler, now| scheduler.jobs(now, state, after, in_order.limit)).await?
    } else {
        stored(&app, filter).await?
    };
    let mut jobs: Vec<JobRow> = views.iter().map(job_row).collect();
    if let Some(standing) = standing.filter(|_| special) {
        jobs.retain(|row| standing.means(row));
    }
    let more = jobs.len() > limit;
    jobs.truncate(limit);
    let next_after = jobs.last().filter(|_| more).map(|row| row.job_id);
    // Those that the present has elsewhere than the disk are still in the order of their ids.
    jobs.retain(|row| state.is_none_or(|state| row.state == state));
    Ok(Json(JobList { jobs, next_after }))
}

/// Jobs as they are stored, with what only the present knows of those that were given to workers: also that some
/// of them are queued for people, as they wait there.
pub(crate) async fn stored(app: &App, filter: JobFilter) -> Result<Vec<JobView>, ApiError> {
    let mut views: Vec<JobView> = app.history.jobs(filter).await?.into_iter().map(|job| job.view).collect();
    let running = |view: &JobView| view.state == JobState::Running;
    let ids: Vec<JobId> = views.iter().filter(|view| running(view)).map(|view| view.id).collect();
    if ids.is_empty() {
        return Ok(views);
    }
    let present = move |scheduler: &Scheduler, now| {
        let live = ids.into_iter().filter_map(|id| scheduler.job(now, id));
        live.map(|view| (view.id, view)).collect::<BTreeMap<JobId, JobView>>()
    };
    let mut present = app.engine.read(present).await?;
    for view in views.iter_mut().filter(|view| running(view)) {
        // One that was given to a worker since, and is another attempt by now, is as it was stored.
        if let Some(live) = present.remove(&view.id).filter(|live| live.attempt == view.attempt) {
            let ip = live.ip.or(view.ip).filter(|_| live.state == JobState::Running);
            *view = JobView { ip, ..live };
        }
    }
    Ok(views)
}
