//! The tags that a worker offers, with their holders.

use c2_shared::api::workers::TagStatus;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, State, serves};

serves!(GET_TAGS => get_tags);

pub(crate) async fn get_tags(State(app): State<App>, Name(name): Name) -> Answer<TagStatus> {
    let worker = find_worker::find(&app, &name).await?;
    Ok(Json(TagStatus { ip: worker.ip, worker_id: worker.intro.id, tags: worker.tags }))
}
