//! Cancelling a job.

use c2_shared::api::jobs::CancelResponse;

use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::sched::event;

serves!(CANCEL => cancel);

pub(crate) async fn cancel(State(app): State<App>, name: Name) -> Answer<CancelResponse> {
    let job_id = name.job()?;
    let state = app.engine.apply(event::CancelRequested { job: job_id }).await?;
    Ok(Json(CancelResponse { job_id, state }))
}
