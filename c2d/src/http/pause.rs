//! Stopping the queue, and letting it go on.

use c2_shared::api::jobs::PauseResponse;

use crate::http::handler::{Answer, App, Json, State, serves};
use crate::sched::event;

serves!(PAUSE => pause, UNPAUSE => unpause);

pub(crate) async fn pause(State(app): State<App>) -> Answer<PauseResponse> {
    set_paused(&app, true).await
}

pub(crate) async fn unpause(State(app): State<App>) -> Answer<PauseResponse> {
    set_paused(&app, false).await
}

async fn set_paused(app: &App, paused: bool) -> Answer<PauseResponse> {
    app.engine.apply(event::PauseSet { paused }).await?;
    Ok(Json(PauseResponse { paused }))
}
