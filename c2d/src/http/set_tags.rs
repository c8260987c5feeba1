//! Setting the tags that a worker offers.

use c2_shared::api::workers::{TagStatus, TagsRequest};
use c2_shared::limits::BODY_BYTES_MAX;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, JsonBody, Name, State, check_words, serves};
use crate::sched::event;

serves!(SET_TAGS => set_tags);

/// A tag that is held stays in the answer until it is free, also when it is no longer offered.
pub(crate) async fn set_tags(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(request): JsonBody<TagsRequest, BODY_BYTES_MAX>,
) -> Answer<TagStatus> {
    let worker = find_worker::find(&app, &name).await?;
    check_words("tags", &request.tags)?;
    app.engine.apply(event::TagsSet { worker: worker.intro.id.clone(), tags: request.tags }).await?;
    let worker = find_worker::again(&app, worker.intro.id).await?;
    Ok(Json(TagStatus { ip: worker.ip, worker_id: worker.intro.id, tags: worker.tags }))
}
