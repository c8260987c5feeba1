//! Reads streams of server-sent events.

use std::pin::Pin;

use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::{Stream, StreamExt as _};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::ClientError;
use crate::api::events::{CHANGE, Event, SNAPSHOT};
use crate::api::live::{ENDED, FollowEvent, WRITTEN};

type Raw = Pin<Box<dyn Stream<Item = Result<eventsource_stream::Event, EventStreamError<reqwest::Error>>> + Send>>;

/// What happens at c2d, as it happens; the first event is a snapshot.
#[derive(Debug)]
pub struct EventStream(Lines);

/// What a job writes, as it writes it; the last event is its end.
#[derive(Debug)]
pub struct FollowStream(Lines);

/// Events that were received and not yet understood.
struct Lines {
    server: String,
    raw: Raw,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("server", &self.server).finish_non_exhaustive()
    }
}

impl EventStream {
    pub(super) fn new(server: &str, response: Response) -> Self {
        Self(Lines::new(server, response))
    }

    /// Waits for the next event; `None` when c2d closed the stream. Kinds of events that this
    /// version does not know are passed over.
    ///
    /// # Errors
    /// When the connection broke, or an event cannot be read.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        while let Some(event) = self.0.next().await? {
            match event.event.as_str() {
                SNAPSHOT => return self.0.read(&event.data).map(|snapshot| Some(Event::Snapshot(snapshot))),
                CHANGE => return self.0.read(&event.data).map(|change| Some(Event::Change(change))),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl FollowStream {
    pub(super) fn new(server: &str, response: Response) -> Self {
        Self(Lines::new(server, response))
    }

    /// Waits for the next event; `None` when c2d closed the stream before the job ended.
    ///
    /// # Errors
    /// When the connection broke, or an event cannot be read.
    pub async fn next(&mut self) -> Result<Option<FollowEvent>, ClientError> {
        while let Some(event) = self.0.next().await? {
            match event.event.as_str() {
                WRITTEN => return self.0.read(&event.data).map(|written| Some(FollowEvent::Written(written))),
                ENDED => return self.0.read(&event.data).map(|job| Some(FollowEvent::Ended(job))),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Lines {
    fn new(server: &str, response: Response) -> Self {
        Self { server: server.to_owned(), raw: Box::pin(response.bytes_stream().eventsource()) }
    }

    async fn next(&mut self) -> Result<Option<eventsource_stream::Event>, ClientError> {
        match self.raw.next().await {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(EventStreamError::Transport(e))) => Err(ClientError::transport(&self.server, e)),
            Some(Err(e)) => Err(self.protocol(serde::de::Error::custom(e))),
        }
    }

    fn read<T: DeserializeOwned>(&self, data: &str) -> Result<T, ClientError> {
        serde_json::from_str(data).map_err(|source| self.protocol(source))
    }

    fn protocol(&self, source: serde_json::Error) -> ClientError {
        ClientError::Protocol { server: self.server.clone(), source }
    }
}
