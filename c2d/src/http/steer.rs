//! Holding and releasing single jobs, and stopping the whole queue.

use axum::Json;
use axum::extract::State;
use c2_shared::api::jobs::{JobStateResponse, PauseResponse};
use c2_shared::id::JobId;

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Name;
use crate::sched::event::{Event, Reply};

pub(crate) async fn hold(State(app): State<App>, name: Name) -> Result<Json<JobStateResponse>, ApiError> {
    let job = name.job()?;
    stand(&app, job, Event::HoldRequested { job }).await
}

pub(crate) async fn release(State(app): State<App>, name: Name) -> Result<Json<JobStateResponse>, ApiError> {
    let job = name.job()?;
    stand(&app, job, Event::ReleaseRequested { job }).await
}

pub(crate) async fn pause(State(app): State<App>) -> Result<Json<PauseResponse>, ApiError> {
    set_paused(&app, true).await
}

pub(crate) async fn unpause(State(app): State<App>) -> Result<Json<PauseResponse>, ApiError> {
    set_paused(&app, false).await
}

async fn stand(app: &App, job_id: JobId, event: Event) -> Result<Json<JobStateResponse>, ApiError> {
    match app.engine.apply(event).await? {
        Reply::Standing(state) => Ok(Json(JobStateResponse { job_id, state })),
        other => unreachable!("a hold is answered with a state, not with {other:?}"),
    }
}

async fn set_paused(app: &App, paused: bool) -> Result<Json<PauseResponse>, ApiError> {
    app.engine.apply(Event::PauseSet { paused }).await?;
    Ok(Json(PauseResponse { paused }))
}
