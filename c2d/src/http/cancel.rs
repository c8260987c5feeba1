//! Cancelling a job.

use c2_shared::api::jobs::CancelResponse;

use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::sched::event::{Event, Reply};

serves!(CANCEL => cancel);

pub(crate) async fn cancel(State(app): State<App>, name: Name) -> Answer<CancelResponse> {
    let job_id = name.job()?;
    match app.engine.apply(Event::CancelRequested { job: job_id }).await? {
        Reply::Cancelled(state) => Ok(Json(CancelResponse { job_id, state })),
        other => unreachable!("a cancel is answered with a state, not with {other:?}"),
    }
}
