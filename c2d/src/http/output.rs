//! A job's output as it was written, byte for byte.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::{OutputQuery, Stream};
use c2_shared::job::JobState;

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Name, QueryOf};
use crate::http::follow;
use crate::http::role::Reader;
use crate::sched::Reject;

pub(crate) async fn output(
    _: Reader,
    State(app): State<App>,
    QueryOf(query): QueryOf<OutputQuery>,
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
            (Some(output), Stream::Stdout) => output.stdout.render(),
            (Some(output), Stream::Stderr) => output.stderr.render(),
            (None, _) => Vec::new(),
        },
    };
    Ok(([(CONTENT_TYPE, "application/octet-stream")], kept).into_response())
}
