//! The queue in numbers.

use c2_shared::api::jobs::QueueStatus;

use crate::http::handler::{Answer, App, Json, State, serves};

serves!(QUEUE_STATUS => queue_status);

pub(crate) async fn queue_status(State(app): State<App>) -> Answer<QueueStatus> {
    Ok(Json(app.engine.read(|scheduler, now| scheduler.queue(now)).await?))
}
