//! Holding and releasing single jobs, and stopping the whole queue.

use axum::Json;
use axum::extract::State;
use c2_shared::api::jobs::{JobStateResponse, PauseResponse};

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Name;
use crate::http::role::Operator;
use crate::sched::event;

pub(crate) async fn hold(_: Operator, State(app): State<App>, name: Name) -> Result<Json<JobStateResponse>, ApiError> {
    let job_id = name.job()?;
    let state = app.engine.apply(event::HoldRequested { job: job_id }).await?;
    Ok(Json(JobStateResponse { job_id, state }))
}

pub(crate) async fn release(
    _: Operator,
    State(app): State<App>,
    name: Name,
) -> Result<Json<JobStateResponse>, ApiError> {
    let job_id = name.job()?;
    let state = app.engine.apply(event::ReleaseRequested { job: job_id }).await?;
    Ok(Json(JobStateResponse { job_id, state }))
}

pub(crate) async fn pause(_: Operator, State(app): State<App>) -> Result<Json<PauseResponse>, ApiError> {
    set_paused(&app, true).await
}

pub(crate) async fn unpause(_: Operator, State(app): State<App>) -> Result<Json<PauseResponse>, ApiError> {
    set_paused(&app, false).await
}

async fn set_paused(app: &App, paused: bool) -> Result<Json<PauseResponse>, ApiError> {
    app.engine.apply(event::PauseSet { paused }).await?;
    Ok(Json(PauseResponse { paused }))
}
