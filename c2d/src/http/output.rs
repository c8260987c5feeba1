//! A job's output as it was written, byte for byte, with what is missing of it in the headers; or all of
//! it as JSON.

use std::io;

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::jobs::{AttemptRow, Stream};
use c2_shared::api::live::Piece;
use c2_shared::api::output::Output;
use c2_shared::api::output::{GAP_HEADERS, OutputQuery, Streams};
use c2_shared::id::{AttemptId, JobId};
use c2_shared::job::JobState;
use c2_shared::limits::{OUTPUT_JSON_BYTES_MAX, PIECE_BYTES_MAX};
use futures_util::stream;

use crate::http::follow;
use crate::http::handler::{ApiError, App, Json, Name, QueryOf, State, serves};
use crate::http::kept::Reader;
use crate::http::so_far::{self, SoFar};
use crate::sched::Reject;

serves!(GET_OUTPUT => output);

/// Bytes of many short turns that go out together.
const TOGETHER: usize = 16 * 1024;

pub(crate) async fn output(
    State(app): State<App>,
    QueryOf(query): QueryOf<OutputQuery>,
    headers: HeaderMap,
    name: Name,
) -> Result<Response, ApiError> {
    let job = name.job()?;
    let written = written(&app, job, query).await?;
    if headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes() == b"application/json") {
        return Ok(Json(written.whole(job, query.stream).await?).into_response());
    }
    written.stream(query.stream).await
}

/// What an attempt wrote.
enum Source {
    Running(Box<SoFar>),
    Ended(Box<Reader>),
}

/// Finds the attempt that is meant.
async fn written(app: &App, job: JobId, query: OutputQuery) -> Result<Source, ApiError> {
    let stored = app.history.job(job).await?.ok_or(Reject::UnknownJob { job })?;
    let live = follow::present(app, job).await?;
    let running = live.filter(|(view, _)| view.state == JobState::Running);
    if let Some((view, worker)) = running.filter(|(view, _)| query.attempt.is_none_or(|n| n == view.attempt)) {
        let worker = worker.ok_or_else(|| so_far::silent(job))?;
        let attempt = AttemptId { job, number: view.attempt };
        return Ok(Source::Running(Box::new(SoFar::new(app.clone(), worker, attempt, query.stream))));
    }
    let reader = match (app.history.output(job, query.attempt).await?, query.attempt) {
        (Some(kept), _) => Reader::open(app, kept, query.stream, (0, 0)).await?,
        (None, Some(number)) => return Err(not_kept(job, number, &stored.attempts).into()),
        // One that never ran wrote nothing.
        (None, None) => Reader::empty(),
    };
    Ok(Source::Ended(Box::new(reader)))
}

impl Source {
    async fn next(&mut self) -> Result<Option<(Stream, Piece)>, ApiError> {
        match self {
            Self::Running(so_far) => so_far.next().await,
            Self::Ended(reader) => reader.next().await,
        }
    }

    /// All of it at once, if it is not too much.
    async fn whole(mut self, job: JobId, which: Streams) -> Result<Output, ApiError> {
        let too_long = |bytes: u64| {
            let message = format!("{job} wrote at least {bytes} bytes, which do not fit into one JSON document");
            let hint = "leave out `Accept: application/json`: the bytes come as they are, of any length";
            ApiError::from(ErrorBody::new(ErrorCode::TooLarge, message, hint))
        };
        let (mut all, mut ends, mut bytes) = (Output::default(), [0, 0], 0);
        if let Self::Ended(reader) = &self
            && reader.kept_bytes() > OUTPUT_JSON_BYTES_MAX
        {
            return Err(too_long(reader.kept_bytes()));
        }
        while let Some((stream, piece)) = self.next().await? {
            let end = &mut ends[usize::from(stream == Stream::Stderr)];
            all.dropped += piece.offset.saturating_sub(*end);
            *end = piece.end();
            bytes += piece.data.0.len() as u64;
            if bytes > OUTPUT_JSON_BYTES_MAX {
                return Err(too_long(bytes));
            }
            let to = if all.dropped == 0 { &mut all.head } else { &mut all.tail };
            to.0.extend(piece.data.0);
        }
        if let Self::Ended(reader) = &self {
            // What is missing at its end, or all of it, shows in no piece.
            let of = |stream| Some(&reader.stream(stream).output).filter(|_| which.has(stream));
            let streams = [of(Stream::Stdout), of(Stream::Stderr)];
            all.dropped = streams.into_iter().flatten().map(|output| output.dropped).fold(0, u64::saturating_add);
            let reasons = streams.into_iter().flatten().map(|output| output.reason.as_str());
            all.reason = reasons.into_iter().find(|reason| !reason.is_empty()).unwrap_or_default().to_owned();
        }
        Ok(all)
    }

    /// The bytes as they come.
    async fn stream(mut self, which: Streams) -> Result<Response, ApiError> {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
        // A worker that does not answer is found out before anything was said.
        let first = self.next().await?;
        let is_long = first.as_ref().is_some_and(|(_, piece)| piece.data.0.len() >= PIECE_BYTES_MAX);
        for (stream, names) in [Stream::Stdout, Stream::Stderr].into_iter().zip(GAP_HEADERS) {
            // Where one stream is meant, it is the one that is spoken of.
            let names = if which == Streams::Both { names } else { GAP_HEADERS[0] };
            let (gap, reason) = match &mut self {
                _ if !which.has(stream) => continue,
                Self::Running(so_far) if is_long => (so_far.gap(stream).await?, ""),
                Self::Running(_) => continue,
                Self::Ended(reader) => {
                    let output = &reader.stream(stream).output;
                    (output.dropped_at().map(|at| (output.dropped, at)), output.reason.as_str())
                }
            };
            let Some((bytes, at)) = gap else { continue };
            let plain: String = reason.chars().map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
            headers.insert(names[0], bytes.into());
            headers.insert(names[1], at.into());
            if let Some(reason) = HeaderValue::from_str(&plain).ok().filter(|_| !plain.is_empty()) {
                headers.insert(names[2], reason);
            }
        }
        if let Self::Ended(reader) = &self {
            headers.insert(CONTENT_LENGTH, reader.kept_bytes().into());
        }
        let pieces = stream::try_unfold((first, self), |(mut next, mut source)| async move {
            let mut bytes = Vec::new();
            while let Some((_, piece)) = next.take() {
                bytes.extend(piece.data.0);
                let more = source.next().await;
                next = more.map_err(|refusal| io::Error::other(refusal.message()))?;
                if bytes.len() >= TOGETHER {
                    break;
                }
            }
            Ok::<_, io::Error>((!bytes.is_empty()).then_some((bytes, (next, source))))
        });
        Ok((headers, Body::from_stream(pieces)).into_response())
    }
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
