//! Holding a job that has not started, and releasing it.

use axum::http::StatusCode;
use c2_shared::api::jobs::JobStateResponse;

use crate::http::handler::{Answer, ApiError, App, Json, Name, State, serves};
use crate::http::wishes;
use crate::sched::{Which, event};

serves!(HOLD => hold, RELEASE => release);

pub(crate) async fn hold(State(app): State<App>, name: Name) -> Result<(StatusCode, Json<JobStateResponse>), ApiError> {
    let job_id = name.job()?;
    let (late, each) = wishes::hold(&app, Which { jobs: vec![job_id], all: None }).await?;
    let (_, state) = each.into_iter().next().expect("one job was asked for");
    Ok((wishes::status(&late), Json(JobStateResponse { job_id, state: state? })))
}

pub(crate) async fn release(State(app): State<App>, name: Name) -> Answer<JobStateResponse> {
    let job_id = name.job()?;
    let state = app.engine.apply(event::ReleaseRequested { job: job_id }).await?;
    Ok(Json(JobStateResponse { job_id, state }))
}
