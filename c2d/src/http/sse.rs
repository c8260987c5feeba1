//! Answers that go on: server-sent events, written alike wherever they are sent.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use axum::response::{IntoResponse as _, Response, Sse};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;

/// A comment is sent after so much silence, so that both sides notice a broken connection.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// That comment.
pub(crate) const COMMENT: &str = ":\n\n";
/// Ends what [`head`] begins.
pub(crate) const END: &str = "\n\n";

/// The answer that sends these events as they come.
pub(crate) fn answer<S>(events: S) -> Sse<KeepAliveStream<S>>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// The answer that sends events which come in pieces.
pub(crate) fn pieces(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(pieces.map(Ok::<_, Infallible>))).into_response()
}

/// What stands before the JSON of an event.
pub(crate) fn head(id: u64, kind: &str) -> String {
    format!("id: {id}\nevent: {kind}\ndata: ")
}

/// An event with its kind and what it carries, behind whatever was put into it before.
pub(crate) fn fill(event: Event, kind: &str, data: &impl Serialize) -> Event {
    event.event(kind).json_data(data).expect("our own plain types become JSON")
}
