//! The queue in numbers.

use c2_shared::api::jobs::QueueStatus;

use crate::http::handler::{Answer, App, Json, State, serves};
use crate::rows;

serves!(QUEUE_STATUS => queue_status);

pub(crate) async fn queue_status(State(app): State<App>) -> Answer<QueueStatus> {
    let view = app.engine.read(|scheduler, now| scheduler.queue(now)).await?;
    Ok(Json(rows::queue_status(&view)))
}
