//! Suggesting tags from a worker's hardware.

use c2_shared::api::workers::{DetectQuery, DetectResponse};
use c2_shared::worker::Hardware;

use crate::http::find_worker;
use crate::http::handler::{Answer, App, Json, Name, QueryOf, State, serves};
use crate::sched::event;
use crate::suggest_tags::suggest;

serves!(DETECT_TAGS => detect_tags);

pub(crate) async fn detect_tags(
    State(app): State<App>,
    QueryOf(query): QueryOf<DetectQuery>,
    Name(name): Name,
) -> Answer<DetectResponse> {
    let worker = find_worker::find(&app, &name).await?;
    let hardware: Hardware = serde_json::from_str(&worker.intro.hardware).unwrap_or_default();
    let suggestions = suggest(&hardware, &worker.offered);
    if query.apply {
        let tags = suggestions.iter().map(|suggestion| suggestion.tag.clone()).chain(worker.offered).collect();
        app.engine.apply(event::TagsSet { worker: worker.intro.id.clone(), tags }).await?;
    }
    Ok(Json(DetectResponse { ip: worker.ip, worker_id: worker.intro.id, hardware, suggestions, applied: query.apply }))
}
