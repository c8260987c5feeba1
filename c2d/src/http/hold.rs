//! Holding a job that has not started, and releasing it.

use c2_shared::api::jobs::JobStateResponse;

use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::sched::event;

serves!(HOLD => hold, RELEASE => release);

pub(crate) async fn hold(State(app): State<App>, name: Name) -> Answer<JobStateResponse> {
    let job_id = name.job()?;
    let state = app.engine.apply(event::HoldRequested { job: job_id }).await?;
    Ok(Json(JobStateResponse { job_id, state }))
}

pub(crate) async fn release(State(app): State<App>, name: Name) -> Answer<JobStateResponse> {
    let job_id = name.job()?;
    let state = app.engine.apply(event::ReleaseRequested { job: job_id }).await?;
    Ok(Json(JobStateResponse { job_id, state }))
}
