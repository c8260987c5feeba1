//! A job's output as it was written, byte for byte.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::{OutputQuery, Stream};

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Name, QueryOf};
use crate::http::role::Operator;
use crate::sched::Reject;

pub(crate) async fn output(
    _: Operator,
    State(app): State<App>,
    QueryOf(query): QueryOf<OutputQuery>,
    name: Name,
) -> Result<Response, ApiError> {
    let job = name.job()?;
    let stored = app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    let bytes = match app.history.output(job).await? {
        Some(output) if query.stream == Stream::Stdout => output.stdout.render(),
        Some(output) => output.stderr.render(),
        // It ended without ever running, so it wrote nothing.
        None if stored.view.state.is_terminal() => Vec::new(),
        None => {
            let message = format!("{job} has not ended ({})", stored.view.state);
            return Err(ErrorBody::new(ErrorCode::Conflict, message, format!("wait for it with: wait {job}")).into());
        }
    };
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
