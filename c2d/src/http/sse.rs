//! Answers that go on: server-sent events, written alike wherever they are sent.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use futures_util::Stream;
use serde::Serialize;

/// A comment is sent after so much silence, so that both sides notice a broken connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The answer that sends these events as they come.
pub(crate) fn answer<S>(events: S) -> Sse<KeepAliveStream<S>>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// An event with its kind and what it carries, behind whatever was put into it before.
pub(crate) fn fill(event: Event, kind: &str, data: &impl Serialize) -> Event {
    event.event(kind).json_data(data).expect("our own plain types become JSON")
}
