//! The tags that a worker offers: setting them, seeing who holds them, having them suggested.

use axum::Json;
use axum::extract::State;
use c2_shared::api::workers::{DetectQuery, DetectResponse, TagStatus, TagsRequest};
use c2_shared::limits::BODY_BYTES_MAX;
use c2_shared::worker::Hardware;

use crate::detect::suggest;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{JsonBody, Name, QueryOf};
use crate::http::find_worker;
use crate::http::groups::check_words;
use crate::sched::Event;

/// A tag that is held stays in the answer until it is free, also when it is no longer offered.
pub(crate) async fn set(
    State(app): State<App>,
    Name(name): Name,
    JsonBody(request): JsonBody<TagsRequest, BODY_BYTES_MAX>,
) -> Result<Json<TagStatus>, ApiError> {
    let ip = find_worker::find(&app, &name).await?.ip;
    check_words("tags", &request.tags)?;
    app.engine.apply(Event::TagsSet { worker: ip, tags: request.tags }).await?;
    Ok(Json(TagStatus { ip, tags: find_worker::again(&app, ip).await?.tags }))
}

pub(crate) async fn show(State(app): State<App>, Name(name): Name) -> Result<Json<TagStatus>, ApiError> {
    let worker = find_worker::find(&app, &name).await?;
    Ok(Json(TagStatus { ip: worker.ip, tags: worker.tags }))
}

pub(crate) async fn detect(
    State(app): State<App>,
    QueryOf(query): QueryOf<DetectQuery>,
    Name(name): Name,
) -> Result<Json<DetectResponse>, ApiError> {
    let worker = find_worker::find(&app, &name).await?;
    let hardware: Hardware = serde_json::from_str(&worker.intro.hardware).unwrap_or_default();
    let suggestions = suggest(&hardware, &worker.offered);
    if query.apply {
        let tags = suggestions.iter().map(|suggestion| suggestion.tag.clone()).chain(worker.offered).collect();
        app.engine.apply(Event::TagsSet { worker: worker.ip, tags }).await?;
    }
    Ok(Json(DetectResponse { ip: worker.ip, hardware, suggestions, applied: query.apply }))
}
