//! One worker.

use c2_shared::api::workers::WorkerInfo;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, State, serves};
use crate::rows::worker_row;

serves!(GET_WORKER => info);

pub(crate) async fn info(State(app): State<App>, Name(name): Name) -> Answer<WorkerInfo> {
    let view = find_worker::find(&app, &name).await?;
    let hardware = serde_json::from_str(&view.intro.hardware).unwrap_or_default();
    let (running, attempts, boot_id) = (view.running.clone(), view.attempts.clone(), view.intro.place.boot_id.clone());
    let set_resources = view.set.clone();
    Ok(Json(WorkerInfo { row: worker_row(view), hardware, running, attempts, set_resources, boot_id }))
}
