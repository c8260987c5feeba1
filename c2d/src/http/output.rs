//! A job's output as it was written, byte for byte, or with what is missing of it as JSON.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::{OutputQuery, Stream};
use c2_shared::api::work::Output;
use c2_shared::job::JobState;

use crate::http::follow;
use crate::http::handler::{ApiError, App, Json, Name, QueryOf, State, serves};
use crate::sched::Reject;

serves!(GET_OUTPUT => output);

pub(crate) async fn output(
    State(app): State<App>,
    QueryOf(query): QueryOf<OutputQuery>,
    headers: HeaderMap,
    name: Name,
) -> Result<Response, ApiError> {
    let job = name.job()?;
    app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    let live = follow::present(&app, job).await?;
    let kept = match live.filter(|(view, _)| view.state == JobState::Running) {
        Some((view, worker)) => follow::so_far(&app, &view, worker, query.stream).await.ok_or_else(|| {
            let message = format!("{job} runs, and its worker does not say what it wrote");
            let hint = format!("try again, or wait for its end with: wait {job}");
            ErrorBody::new(ErrorCode::Busy, message, hint)
        })?,
        // One that never ran wrote nothing.
        None => match (app.history.output(job).await?, query.stream) {
            (Some(output), Stream::Stdout) => output.stdout,
            (Some(output), Stream::Stderr) => output.stderr,
            (None, _) => Output::default(),
        },
    };
    if headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes() == b"application/json") {
        return Ok(Json(kept).into_response());
    }
    Ok(([(CONTENT_TYPE, "application/octet-stream")], kept.render()).into_response())
}
