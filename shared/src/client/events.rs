//! Reads streams of server-sent events.

use std::collections::VecDeque;

use reqwest::Response;
use serde::de::DeserializeOwned;

use super::ClientError;
use super::sse::{Parser, RawEvent};
use crate::api::events::{CHANGE, Event, SNAPSHOT};
use crate::api::live::{ENDED, FollowEvent, WRITTEN};

/// What happens at c2d, as it happens; the first event is a snapshot.
#[derive(Debug)]
pub struct EventStream(Lines);

/// What a job writes, as it writes it; the last event is its end.
#[derive(Debug)]
pub struct FollowStream(Lines);

/// Events that were received and not yet understood.
#[derive(Debug)]
struct Lines {
    server: String,
    response: Response,
    parser: Parser,
    ready: VecDeque<RawEvent>,
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
            match event.kind.as_str() {
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
            match event.kind.as_str() {
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
        Self { server: server.to_owned(), response, parser: Parser::default(), ready: VecDeque::new() }
    }

    async fn next(&mut self) -> Result<Option<RawEvent>, ClientError> {
        while self.ready.is_empty() {
            let chunk = self.response.chunk().await.map_err(|e| ClientError::transport(&self.server, e))?;
            let Some(chunk) = chunk else { return Ok(None) };
            self.ready.extend(self.parser.push(&chunk));
        }
        Ok(self.ready.pop_front())
    }

    fn read<T: DeserializeOwned>(&self, data: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(data).map_err(|source| ClientError::Protocol { server: self.server.clone(), source })
    }
}
