//! Blobs on their way to c2d and back: streamed from and into files, resumed where they broke off,
//! and verified at the end.
//!
//! A call makes one try. The caller decides how often to try again; each try goes on where
//! the one before broke off, [`TransferError::may_pass`] says whether it makes sense.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use reqwest::{Body, Method, Response, StatusCode, header};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::line::Line;
use super::{Client, ClientError};
use crate::api::endpoint;
use crate::api::error::{ErrorBody, ErrorCode};
use crate::api::files::{BlobQuery, BlobStatus, UPLOAD_OFFSET};
use crate::api::upgrade::ProgramOffer;
use crate::blob::{BlobHasher, BlobId};
use crate::limits::{ANSWER_TIMEOUT_MS, BODY_IDLE_MS};

/// Bytes read from a file at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// How often progress is told while a blob is sent.
const TICK: Duration = Duration::from_millis(100);
/// Ticks without progress after which a connection is given up.
const IDLE_TICKS: u64 = BODY_IDLE_MS / 100;
/// Ticks for which c2d may write to its disk after it got the last byte.
const SETTLE_TICKS: u64 = 10 * IDLE_TICKS;

/// Is told how many bytes of a blob are at their destination.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// Why a blob did not get through.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The connection brought nothing for half a minute.
    #[error("the connection to c2d stands still")]
    Stalled,
    /// The local file failed.
    #[error("the file failed: {0}")]
    File(#[from] io::Error),
    /// What came or went is not what the name says.
    #[error("the content is not what its SHA-256 says")]
    Changed,
    /// c2d does not have it (any more).
    #[error("c2d does not have the blob {0}")]
    Missing(BlobId),
}

impl TransferError {
    /// Whether another try may get further: c2d or the network was away.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Client(ClientError::Unreachable { .. } | ClientError::Timeout { .. }) | Self::Stalled => true,
            // A conflict is another upload of the same blob that came in between.
            Self::Client(error) => {
                matches!(error.code(), Some(ErrorCode::Busy | ErrorCode::Standby | ErrorCode::Conflict))
            }
            Self::File(_) | Self::Changed | Self::Missing(_) => false,
        }
    }
}

impl Client {
    /// Asks what c2d has of a blob. With the size of the whole it also says whether there is room
    /// for the rest.
    ///
    /// # Errors
    /// When c2d cannot be reached or refuses.
    pub async fn blob_status(&self, blob: BlobId, size: Option<u64>) -> Result<BlobStatus, ClientError> {
        let request = self.prepare(Method::HEAD, &endpoint::GET_BLOB.at(&blob)).query(&BlobQuery { offset: 0, size });
        let request = request.timeout(Duration::from_millis(ANSWER_TIMEOUT_MS));
        let answer = self.send(request).await;
        let is_refused = match &answer {
            Ok(response) => response.status() == StatusCode::FORBIDDEN,
            Err(error) => error.code() == Some(ErrorCode::Unauthorized),
        };
        if is_refused {
            // A refusal by HEAD has no body; the words are in that of GET, which is refused for the same reason.
            self.send(self.request(&endpoint::GET_BLOB, &blob)?).await?;
        }
        let response = answer?;
        let has = number(&response, UPLOAD_OFFSET);
        match (response.status(), has) {
            (StatusCode::OK, Some(size)) => Ok(BlobStatus { sha256: blob, size, complete: true }),
            (StatusCode::NOT_FOUND, Some(size)) => Ok(BlobStatus { sha256: blob, size, complete: false }),
            (status, _) => Err(without_words(status)),
        }
    }

    /// Sends a file of `size` bytes as a blob, unless c2d has it already.
    ///
    /// # Errors
    /// When c2d cannot be reached or refuses, or the file cannot be read or is not that blob.
    pub async fn put_blob(
        &self,
        blob: BlobId,
        size: u64,
        mut file: File,
        progress: Progress<'_>,
    ) -> Result<(), TransferError> {
        let status = self.blob_status(blob, Some(size)).await?;
        progress(status.size.min(size));
        if status.complete {
            return Ok(());
        }
        if status.size > size {
            return Err(TransferError::Changed);
        }
        file.seek(SeekFrom::Start(status.size))?;
        let sent = Arc::new(AtomicU64::new(status.size));
        let query = BlobQuery { offset: status.size, size: Some(size) };
        let request = self
            .request(&endpoint::PUT_BLOB, &blob)?
            .query(&query)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(Body::wrap_stream(chunks(file, size - status.size, Arc::clone(&sent), self.line.clone())));
        let mut sending = std::pin::pin!(self.send(request));
        let (mut last, mut quiet) = (status.size, 0);
        loop {
            if let Ok(answer) = timeout(TICK, &mut sending).await {
                return answer.map(|_| progress(size)).map_err(refused_content);
            }
            let now = sent.load(Ordering::Relaxed);
            quiet = if now == last && !self.line.is_taken() { quiet + 1 } else { 0 };
            last = now;
            progress(now);
            if quiet > if now == size { SETTLE_TICKS } else { IDLE_TICKS } {
                return Err(TransferError::Stalled);
            }
        }
    }

    /// Fetches a blob into a file that is open for reading and writing; what the file holds already
    /// is taken for the beginning. Afterwards it is complete, verified and synced. Returns the size.
    ///
    /// # Errors
    /// When c2d cannot be reached or does not have it, or the file cannot be written. Content that
    /// is not what it should be is removed from the file.
    pub async fn get_blob(&self, blob: BlobId, file: File, progress: Progress<'_>) -> Result<u64, TransferError> {
        let status = self.blob_status(blob, None).await?;
        if !status.complete {
            return Err(TransferError::Missing(blob));
        }
        let size = status.size;
        let mut part =
            spawn_blocking(move || Part::resume(file, size)).await.expect("reading a file does not panic")?;
        if part.len < size {
            let request = self.request(&endpoint::GET_BLOB, &blob)?;
            let request = request.header(header::RANGE, format!("bytes={}-", part.len));
            let mut response =
                timeout(Duration::from_millis(BODY_IDLE_MS), self.send(request)).await.map_err(stalled)??;
            if response.status() != StatusCode::PARTIAL_CONTENT {
                return Err(without_words(response.status()).into());
            }
            while part.len < size {
                progress(part.len);
                self.line.free().await;
                let chunk = timeout(Duration::from_millis(BODY_IDLE_MS), response.chunk()).await.map_err(stalled)?;
                let chunk = chunk.map_err(|e| ClientError::transport(self.server(), e))?;
                let Some(bytes) = chunk else { return Err(TransferError::Stalled) };
                part = spawn_blocking(move || part.append(&bytes)).await.expect("writing a file does not panic")?;
            }
        }
        spawn_blocking(move || part.finish(blob, size)).await.expect("writing a file does not panic")?;
        progress(size);
        Ok(size)
    }
}

impl Client {
    /// Fetches the program that c2d offers into an empty file. Afterwards it is complete, verified and synced.
    ///
    /// # Errors
    /// As [`Client::get_blob`]; what is longer than the offer says is not written.
    pub async fn get_agent(&self, offer: &ProgramOffer, file: File) -> Result<(), TransferError> {
        let request = self.request(&endpoint::GET_AGENT, offer.architecture.as_str())?;
        let mut response =
            timeout(Duration::from_millis(BODY_IDLE_MS), self.send(request)).await.map_err(stalled)??;
        let mut part = Part { file, len: 0, hasher: BlobHasher::default() };
        loop {
            let chunk = timeout(Duration::from_millis(BODY_IDLE_MS), response.chunk()).await.map_err(stalled)?;
            let chunk = chunk.map_err(|e| ClientError::transport(self.server(), e))?;
            let Some(bytes) = chunk else { break };
            if part.len + bytes.len() as u64 > offer.size {
                return Err(TransferError::Changed);
            }
            part = spawn_blocking(move || part.append(&bytes)).await.expect("writing a file does not panic")?;
        }
        let (blob, size) = (offer.sha256, offer.size);
        spawn_blocking(move || part.finish(blob, size)).await.expect("writing a file does not panic")
    }
}

/// A file that fills, and the hash of what is in it.
struct Part {
    file: File,
    len: u64,
    hasher: BlobHasher,
}

impl Part {
    fn resume(mut file: File, size: u64) -> io::Result<Self> {
        if file.metadata()?.len() > size {
            file.set_len(0)?;
        }
        file.rewind()?;
        let mut hasher = BlobHasher::default();
        let len = hasher.read(&mut file)?;
        Ok(Self { file, len, hasher })
    }

    fn append(mut self, bytes: &[u8]) -> io::Result<Self> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(self)
    }

    fn finish(self, blob: BlobId, size: u64) -> Result<(), TransferError> {
        if self.len != size || self.hasher.finish() != blob {
            self.file.set_len(0)?;
            return Err(TransferError::Changed);
        }
        Ok(self.file.sync_all()?)
    }
}

/// The next `left` bytes of a file, counted in `sent` as they are asked for, while the line is free.
fn chunks(
    file: File,
    left: u64,
    sent: Arc<AtomicU64>,
    line: Line,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    stream::try_unfold((file, left, sent, line), |(file, left, sent, line)| async move {
        if left == 0 {
            return Ok(None);
        }
        line.free().await;
        let len = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let read = spawn_blocking(move || {
            let mut bytes = vec![0; len];
            (&file).read_exact(&mut bytes).map(|()| (bytes, file))
        });
        let (bytes, file) = read.await.expect("reading a file does not panic")?;
        sent.fetch_add(len as u64, Ordering::Relaxed);
        Ok(Some((bytes, (file, left - len as u64, sent, line))))
    })
}

fn number(response: &Response, name: &str) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.parse().ok()
}

/// A refusal of which only the status is known, as `HEAD` has no body.
pub(super) fn without_words(status: StatusCode) -> ClientError {
    let code = match status.as_u16() {
        401 => ErrorCode::Unauthorized,
        403 => ErrorCode::Forbidden,
        404 => ErrorCode::NotFound,
        503 => ErrorCode::Busy,
        507 => ErrorCode::DiskFull,
        _ => ErrorCode::Unknown,
    };
    let (message, hint) = match code {
        ErrorCode::DiskFull => ("the disk of c2d is full".to_owned(), "free some space where c2d keeps its data"),
        ErrorCode::Busy => ("c2d is busy with this file".to_owned(), "try again in a moment"),
        _ => (format!("c2d refused the file with status {}", status.as_u16()), "see the log of c2d"),
    };
    ClientError::Refused { status: status.as_u16(), body: Box::new(ErrorBody::new(code, message, hint)) }
}

/// Our own words are right, so what c2d finds wrong can only be the content.
fn refused_content(error: ClientError) -> TransferError {
    match error.code() {
        Some(ErrorCode::InvalidInput) => TransferError::Changed,
        _ => TransferError::Client(error),
    }
}

fn stalled(_: tokio::time::error::Elapsed) -> TransferError {
    TransferError::Stalled
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, TryStreamExt as _};

    use super::*;

    #[tokio::test]
    async fn a_blob_waits_while_something_goes_first() {
        let path = std::env::temp_dir().join(format!("c2-line-{}", std::process::id()));
        std::fs::write(&path, vec![7; CHUNK_BYTES + 1]).unwrap();
        let (file, line, sent) = (File::open(&path).unwrap(), Line::default(), Arc::<AtomicU64>::default());
        std::fs::remove_file(path).unwrap();
        let mut parts = std::pin::pin!(chunks(file, CHUNK_BYTES as u64 + 1, Arc::clone(&sent), line.clone()));
        assert_eq!(parts.try_next().await.unwrap().map(|part| part.len()), Some(CHUNK_BYTES));
        let (report, another) = (line.take(), line.take());
        assert!(parts.try_next().now_or_never().is_none() && line.is_taken());
        drop(report);
        assert!(timeout(TICK, parts.try_next()).await.is_err(), "one is left");
        assert_eq!(sent.load(Ordering::Relaxed), CHUNK_BYTES as u64);
        drop(another);
        assert_eq!(parts.try_next().await.unwrap(), Some(vec![7]));
        assert_eq!(parts.try_next().await.unwrap(), None);
    }
}
