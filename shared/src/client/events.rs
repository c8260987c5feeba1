//! Reads the live event stream.

use std::pin::Pin;

use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::{Stream, StreamExt as _};
use reqwest::Response;

use super::ClientError;
use crate::api::events::{CHANGE, Event, SNAPSHOT};

type Raw = Pin<Box<dyn Stream<Item = Result<eventsource_stream::Event, EventStreamError<reqwest::Error>>> + Send>>;

/// Events as they come; the first is a snapshot.
pub struct EventStream {
    server: String,
    raw: Raw,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").field("server", &self.server).finish_non_exhaustive()
    }
}

impl EventStream {
    pub(super) fn new(server: &str, response: Response) -> Self {
        Self { server: server.to_owned(), raw: Box::pin(response.bytes_stream().eventsource()) }
    }

    /// Waits for the next event; `None` when c2d closed the stream. Kinds of events that this
    /// version does not know are passed over.
    ///
    /// # Errors
    /// When the connection broke, or an event cannot be read.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        let protocol = |source| ClientError::Protocol { server: self.server.clone(), source };
        loop {
            let event = match self.raw.next().await {
                None => return Ok(None),
                Some(Ok(event)) => event,
                Some(Err(EventStreamError::Transport(e))) => return Err(ClientError::transport(&self.server, e)),
                Some(Err(e)) => return Err(protocol(serde::de::Error::custom(e))),
            };
            match event.event.as_str() {
                SNAPSHOT => {
                    return serde_json::from_str(&event.data).map(|s| Some(Event::Snapshot(s))).map_err(protocol);
                }
                CHANGE => return serde_json::from_str(&event.data).map(|c| Some(Event::Change(c))).map_err(protocol),
                _ => {}
            }
        }
    }
}
