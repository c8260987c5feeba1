//! A job's output as it was written, byte for byte, or with what is missing of it as JSON.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::{AttemptRow, OutputQuery, Stream};
use c2_shared::api::work::Output;
use c2_shared::id::JobId;
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
    let stored = app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    let live = follow::present(&app, job).await?;
    let running = live.filter(|(view, _)| view.state == JobState::Running);
    let kept = match running.filter(|(view, _)| query.attempt.is_none_or(|number| number == view.attempt)) {
        Some((view, worker)) => follow::so_far(&app, &view, worker, query.stream).await.ok_or_else(|| {
            let message = format!("{job} runs, and its worker does not say what it wrote");
            let hint = format!("try again, or wait for its end with: wait {job}");
            ErrorBody::new(ErrorCode::Busy, message, hint)
        })?,
        None => match (app.history.output(job, query.attempt).await?, query.stream, query.attempt) {
            (Some(output), Stream::Stdout, _) => output.stdout,
            (Some(output), Stream::Stderr, _) => output.stderr,
            (None, _, Some(number)) => return Err(not_kept(job, number, &stored.attempts).into()),
            // One that never ran wrote nothing.
            (None, _, None) => Output::default(),
        },
    };
    if headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes() == b"application/json") {
        return Ok(Json(kept).into_response());
    }
    Ok(([(CONTENT_TYPE, "application/octet-stream")], kept.render()).into_response())
}

fn not_kept(job: JobId, number: u32, attempts: &[AttemptRow]) -> ErrorBody {
    let message = if attempts.iter().any(|attempt| attempt.number == number) {
        format!("the output of attempt {number} of {job} is not kept")
    } else {
        format!("{job} has no attempt {number}")
    };
    let kept = attempts.iter().filter(|attempt| attempt.output_kept == Some(true));
    let kept: Vec<String> = kept.map(|attempt| attempt.number.to_string()).collect();
    let hint = if kept.is_empty() {
        format!("no attempt of {job} has output yet; list them with: job {job}")
    } else {
        format!("attempts with output: {}", kept.join(", "))
    };
    ErrorBody::new(ErrorCode::NotFound, message, hint).in_field("attempt")
}
