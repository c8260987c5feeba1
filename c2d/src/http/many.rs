//! The same done with many jobs at once: each for itself, all of them in one commit.

use axum::Extension;
use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::JobStateResponse;
use c2_shared::api::many::{ManyRequest, ManyResponse, RefusedJob};
use c2_shared::hint;
use c2_shared::limits::BATCH_BODY_BYTES_MAX;
use c2_shared::selection::{Common, Selection};

use crate::audit::Made;
use crate::http::batch::empty;
use crate::http::handler::{ApiError, App, Json, JsonBody, State, serves};
use crate::http::wishes;
use crate::sched::event::{CancelRequested, Event, ReleaseRequested};
use crate::sched::{EachAnswer, JobsMoved, QueueEnd, Scheduler, ToEach, Which};

serves!(CANCEL_JOBS => cancel, HOLD_JOBS => hold, RELEASE_JOBS => release, TOP_JOBS => top, BOTTOM_JOBS => bottom);

/// Jobs that the audit log names one by one.
const NAMED_MAX: usize = 20;

/// What became of them, here and in the audit log.
pub(crate) type Done = Result<(StatusCode, Extension<Made>, Json<ManyResponse>), ApiError>;
type Many = JsonBody<ManyRequest, BATCH_BODY_BYTES_MAX>;

pub(crate) async fn cancel(State(app): State<App>, JsonBody(jobs): Many) -> Done {
    apply(&app, ToEach::<CancelRequested>::from(which(&app, jobs).await?)).await
}

pub(crate) async fn hold(State(app): State<App>, JsonBody(jobs): Many) -> Done {
    let (late, each) = wishes::hold(&app, which(&app, jobs).await?).await?;
    audited(wishes::status(&late), ManyResponse { later: late.into_iter().collect(), ..told(each) })
}

pub(crate) async fn release(State(app): State<App>, JsonBody(jobs): Many) -> Done {
    apply(&app, ToEach::<ReleaseRequested>::from(which(&app, jobs).await?)).await
}

pub(crate) async fn top(State(app): State<App>, JsonBody(jobs): Many) -> Done {
    apply(&app, JobsMoved { which: which(&app, jobs).await?, to: QueueEnd::Top }).await
}

pub(crate) async fn bottom(State(app): State<App>, JsonBody(jobs): Many) -> Done {
    apply(&app, JobsMoved { which: which(&app, jobs).await?, to: QueueEnd::Bottom }).await
}

async fn apply(app: &App, event: impl Event<Answer = EachAnswer>) -> Done {
    audited(StatusCode::OK, told(app.engine.apply(event).await?))
}

pub(crate) async fn which(app: &App, ManyRequest { job_ids, select }: ManyRequest) -> Result<Which, ApiError> {
    if job_ids.is_empty() && select.is_none() {
        return Err(empty("job_ids", "name jobs like job-12, or select some with {\"select\": \"@held\"}"));
    }
    if let Some(Selection { common: common @ (Common::Group(_) | Common::Batch(_)), .. }) = &select {
        known(app, common).await?;
    }
    Ok(Which { jobs: job_ids, all: select })
}

/// Refuses to do something with the jobs of a group or a batch that does not exist: a name that is misspelt would
/// read like one without jobs.
async fn known(app: &App, common: &Common) -> Result<(), ApiError> {
    let all = Selection::all(common.clone());
    let read = move |s: &Scheduler, now| match s.selected(now, &all).is_empty() {
        true => Some(s.groups().into_iter().cloned().collect::<Vec<String>>()),
        false => None,
    };
    // Where a job is active there is such a group or batch, and history is not asked.
    let Some(groups) = app.engine.read(read).await? else { return Ok(()) };
    let (name, names) = match common {
        Common::State(_) => return Ok(()),
        Common::Group(group) => (group, groups),
        Common::Batch(batch) => {
            (batch, app.history.batches(None).await?.into_iter().map(|batch| batch.batch).collect())
        }
    };
    if names.contains(name) {
        return Ok(());
    }
    let (message, hint) = common.nothing();
    let near = hint::nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean {near:?}?"));
    let hint = near.unwrap_or(hint);
    Err(ErrorBody::new(ErrorCode::NotFound, message, hint).in_field("select").into())
}

pub(crate) fn told(each: EachAnswer) -> ManyResponse {
    let mut answer = ManyResponse::default();
    for (job_id, done) in each {
        match done {
            Ok(state) => answer.done.push(JobStateResponse { job_id, state }),
            Err(reject) => {
                let error = ApiError::from(reject).into_body();
                answer.refused.push(RefusedJob { job_id, error });
            }
        }
    }
    answer
}

/// An answer with the jobs of which the audit log is told.
pub(crate) fn audited(status: StatusCode, answer: ManyResponse) -> Done {
    let ids: Vec<String> = answer.done.iter().map(|job| job.job_id.to_string()).collect();
    let told = match ids.as_slice() {
        [first, .., last] if ids.len() > NAMED_MAX => format!("{} jobs from {first} to {last}", ids.len()),
        ids => ids.join(", "),
    };
    Ok((status, Extension(Made(told)), Json(answer)))
}
