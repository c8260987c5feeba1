//! Reads what a job wrote while it comes, of any length.

use reqwest::Response;

use super::{Client, ClientError};
use crate::api::endpoint;
use crate::api::jobs::Stream;
use crate::api::output::{GAP_HEADERS, OutputQuery, Streams};
use crate::id::JobId;

/// What a job wrote, as it comes.
#[derive(Debug)]
pub struct OutputBytes {
    server: String,
    response: Response,
    gaps: Vec<Gap>,
}

/// Bytes of a stream that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of which stream.
    pub stream: Stream,
    /// How many.
    pub bytes: u64,
    /// Behind how many bytes of the stream.
    pub at: u64,
    /// Why, if they should be there.
    pub reason: String,
}

impl Client {
    /// Begins to read what was kept of what a job wrote.
    ///
    /// # Errors
    /// When c2d cannot be reached or refuses.
    pub async fn output_bytes(&self, job: JobId, query: OutputQuery) -> Result<OutputBytes, ClientError> {
        let response = self.send(self.request(&endpoint::GET_OUTPUT, &job)?.query(&query)).await?;
        let named = match query.stream {
            Streams::Stdout => vec![(Stream::Stdout, GAP_HEADERS[0])],
            Streams::Stderr => vec![(Stream::Stderr, GAP_HEADERS[0])],
            Streams::Both => [Stream::Stdout, Stream::Stderr].into_iter().zip(GAP_HEADERS).collect(),
        };
        let gaps = named.into_iter().filter_map(|(stream, names)| gap(&response, stream, names)).collect();
        Ok(OutputBytes { server: self.server().to_owned(), response, gaps })
    }
}

impl OutputBytes {
    /// What is missing of it.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let chunk = self.response.chunk().await.map_err(|e| ClientError::transport(&self.server, e))?;
        Ok(chunk.map(Vec::from))
    }
}

fn gap(response: &Response, stream: Stream, [bytes, at, reason]: [&str; 3]) -> Option<Gap> {
    let text = |name: &str| response.headers().get(name)?.to_str().ok();
    let number = |name: &str| text(name)?.parse().ok();
    Some(Gap { stream, bytes: number(bytes)?, at: number(at)?, reason: text(reason).unwrap_or_default().to_owned() })
}
