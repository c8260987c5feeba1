//! Looking at jobs as a submit would, without submitting them.

use std::collections::BTreeMap;

use c2_shared::api::batches::{BatchRequest, CheckResponse, JobNote, JobProblem};
use c2_shared::limits::BATCH_BODY_BYTES_MAX;

use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, State, serves};
use crate::http::{batch, submit};
use crate::sched::event::NewJob;
use crate::sched::{Foreseen, Outlook, Reject, Scheduler};

serves!(CHECK_JOBS => check);

pub(crate) async fn check(
    State(app): State<App>,
    JsonBody(request): JsonBody<BatchRequest, BATCH_BODY_BYTES_MAX>,
) -> Answer<CheckResponse> {
    if request.jobs.is_empty() {
        return Err(batch::empty("jobs", "put at least one job into it"));
    }
    let limited = batch::limited(&request).err();
    let invalid =
        request.jobs.iter().enumerate().filter_map(|(place, spec)| Some((place, batch::check_spec(spec).err()?)));
    let mut problems: Vec<JobProblem> = invalid.map(|(place, error)| problem(Some(place), error)).collect();
    problems.extend(limited.map(|error| problem(None, error)));
    let jobs: Vec<NewJob> = request.jobs.into_iter().map(submit::new_job).collect();
    let Foreseen { refusals, outlooks } =
        app.engine.read(move |scheduler: &Scheduler, now| scheduler.foresee(now, &jobs)).await?;
    problems.extend(refusals.into_iter().map(|refusal| match refusal {
        Reject::BadJob { place, reason } => problem(Some(place), (*reason).into()),
        all => problem(None, all.into()),
    }));
    problems.sort_by_key(|problem| problem.job);
    Ok(Json(CheckResponse { problems, notes: notes(outlooks) }))
}

/// Outlooks in words, each of them once.
pub(crate) fn notes(outlooks: Vec<(usize, Outlook)>) -> Vec<JobNote> {
    let mut notes: BTreeMap<String, JobNote> = BTreeMap::new();
    for (job, outlook) in outlooks {
        let message = outlook.to_string();
        let note = notes.entry(message.clone()).or_insert(JobNote { job, jobs: 0, message });
        note.jobs += 1;
    }
    let mut notes: Vec<JobNote> = notes.into_values().collect();
    notes.sort_by_key(|note| note.job);
    notes
}

fn problem(job: Option<usize>, error: ApiError) -> JobProblem {
    JobProblem { job, error: error.into_body() }
}
