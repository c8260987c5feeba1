//! Holding a job that has not started, and releasing it.

use c2_shared::api::jobs::JobStateResponse;
use c2_shared::id::JobId;

use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::sched::event::{Event, Reply};

serves!(HOLD => hold, RELEASE => release);

pub(crate) async fn hold(State(app): State<App>, name: Name) -> Answer<JobStateResponse> {
    let job = name.job()?;
    set_hold(&app, job, Event::HoldRequested { job }).await
}

pub(crate) async fn release(State(app): State<App>, name: Name) -> Answer<JobStateResponse> {
    let job = name.job()?;
    set_hold(&app, job, Event::ReleaseRequested { job }).await
}

async fn set_hold(app: &App, job_id: JobId, event: Event) -> Answer<JobStateResponse> {
    match app.engine.apply(event).await? {
        Reply::Standing(state) => Ok(Json(JobStateResponse { job_id, state })),
        other => unreachable!("a hold is answered with a state, not with {other:?}"),
    }
}
