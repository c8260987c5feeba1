//! Blobs over HTTP: streamed in and out, resumed, never held in memory as a whole.
//!
//! Operators see all contents, a worker its own and those of the jobs that it was given: for it others
//! are not here, and if it sends one of them it sends all of it. What is not whole yet belongs to who
//! sends it, and of what no job uses each token may have sent so much.

use std::fs::File;
use std::io::{self, Read as _};

use axum::body::Body;
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::files::{BlobQuery, BlobStatus, GcResponse, UPLOAD_OFFSET};
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::limits::{BLOB_BYTES_MAX, BLOB_YOUNG_MS, BLOBS_UNUSED_BYTES_MAX, BLOBS_UNUSED_LEN_MAX};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::http::extract;
use crate::http::handler::{Answer, ApiError, App, Json, Name, QueryOf, State, invalid, serves};
use crate::http::role::Sender;
use crate::services::blob_gc::{self, GcError};
use crate::store::{BlobError, Blobs, Incoming, read_piece};

/// Bytes read from the disk at once.
const CHUNK_BYTES: u64 = 256 * 1024;
/// Pieces of a body that may wait for the disk.
const PIECES_LEN: usize = 8;
/// What the content is: bytes, whatever they mean.
pub(crate) const BYTES: &str = "application/octet-stream";

serves!(GET_BLOB => read, PUT_BLOB => write, GC_BLOBS => gc);

/// Answers `GET` and `HEAD`: the content from the beginning, or the part that `Range` asks for. A
/// blob that is not whole is not found, with the header that says how much of it there is.
pub(crate) async fn read(
    sender: Sender,
    State(app): State<App>,
    name: Name,
    QueryOf(query): QueryOf<BlobQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let blob = blob(&name)?;
    let (blobs, floor, is_seen) = (sender.blobs(&app), sender.floor(), sender.may_see(&app, blob).await?);
    let found = blocking(move || {
        let status = if is_seen { blobs.status(blob)? } else { blobs.begun(blob)? };
        let left = query.size.filter(|_| !status.complete).map(|size| size.saturating_sub(status.size));
        left.map_or(Ok(()), |left| blobs.check_room(left, floor))?;
        let file = match status {
            BlobStatus { complete: false, .. } => None,
            // Of an empty one nothing goes out that could be verified.
            BlobStatus { size: 0, .. } => blobs.verified(blob)?,
            BlobStatus { .. } => blobs.read(blob)?,
        };
        Ok((status, file))
    });
    let (status, file) = found.await?;
    let Some((file, size)) = file else {
        let message = format!("c2d does not have the blob {blob}");
        let hint = "send it with PUT, from where the header upload-offset says";
        let refusal = ApiError::from(ErrorBody::new(ErrorCode::NotFound, message, hint));
        return Ok(with_offset(refusal.into_response(), status.size));
    };
    let check = Check { blobs: app.blobs.clone(), blob, hasher: BlobHasher::default() };
    let mut response = match range(&headers, size)? {
        None => content(file, 0, size, Some(check)).into_response(),
        Some((first, end)) => {
            let range = format!("bytes {first}-{}/{size}", end - 1);
            let content = content(file, first, end, Some(check).filter(|_| end == size));
            (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, range)], content).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(BYTES));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(with_offset(response, size))
}

/// Takes a blob in, from the offset on that the query says; the end of the body is its end.
pub(crate) async fn write(
    sender: Sender,
    State(app): State<App>,
    name: Name,
    QueryOf(query): QueryOf<BlobQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<BlobStatus> {
    let blob = blob(&name)?;
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != BYTES) {
        let hint = "send Content-Type: application/octet-stream";
        return Err(ErrorBody::new(ErrorCode::UnsupportedMediaType, "the body is not plain bytes", hint).into());
    }
    let (blobs, floor, is_seen) = (sender.blobs(&app), sender.floor(), sender.may_see(&app, blob).await?);
    let declared = extract::declared(&headers).unwrap_or(0);
    check_quota(&app, &blobs, query.size.unwrap_or(declared)).await?;
    let begun = blocking(move || {
        let status = if is_seen { blobs.status(blob)? } else { blobs.begun(blob)? };
        if status.complete {
            return Ok(Err(status));
        }
        blobs.check_room(query.size.map_or(0, |size| size.saturating_sub(query.offset)).max(declared), floor)?;
        blobs.receive(blob, query.offset, floor).map(Ok)
    });
    let incoming = match begun.await? {
        Ok(incoming) => incoming,
        Err(status) => return Ok(Json(status)),
    };
    let size = take_in(incoming, body).await?;
    Ok(Json(BlobStatus { sha256: blob, size, complete: true }))
}

/// Removes at once what no job uses.
pub(crate) async fn gc(State(app): State<App>) -> Answer<GcResponse> {
    let removed = blob_gc::remove_unused(&app.blobs, &app.history, app.clock.now().wall_ms, BLOB_YOUNG_MS).await;
    let (removed, freed_bytes) = removed.map_err(|error| match error {
        GcError::Store(error) => ApiError::from(error),
        GcError::Blob(error) => error.into(),
        GcError::Thread(error) => ErrorBody::new(ErrorCode::Internal, error.to_string(), "see the log of c2d").into(),
    })?;
    Ok(Json(GcResponse { removed, freed_bytes }))
}

/// Refuses more of a token whose files no job uses.
async fn check_quota(app: &App, blobs: &Blobs, more: u64) -> Result<(), ApiError> {
    let over = |sent: Vec<(BlobId, u64)>| {
        let (count, bytes) = (sent.len(), sent.iter().map(|(_, size)| size).sum::<u64>());
        let over =
            count >= BLOBS_UNUSED_LEN_MAX || bytes.saturating_add(more.min(BLOB_BYTES_MAX)) > BLOBS_UNUSED_BYTES_MAX;
        over.then_some((count, bytes))
    };
    if over(blobs.sent()).is_none() {
        return Ok(());
    }
    // Jobs may have come that use some of it.
    let sent = blobs.sent().into_iter().map(|(blob, _)| blob).collect();
    if let Err(error) = blob_gc::forget_used(blobs, &app.history, sent).await {
        tracing::warn!("what jobs use of what was sent is not known: {error}");
    }
    over(blobs.sent()).map_or(Ok(()), |(count, bytes)| Err(BlobError::Quota { count, bytes }.into()))
}

/// Writes a body to the disk while it comes. When it breaks off, what came stays.
async fn take_in(mut incoming: Incoming, body: Body) -> Result<u64, ApiError> {
    let (pieces, mut arriving) = mpsc::channel::<bytes::Bytes>(PIECES_LEN);
    let writer = spawn_blocking(move || {
        while let Some(bytes) = arriving.blocking_recv() {
            incoming.append(&bytes)?;
        }
        Ok::<_, BlobError>(incoming)
    });
    let mut body = body.into_data_stream();
    let mut broken = None;
    while let Some(piece) = body.next().await {
        let Ok(bytes) = piece else {
            broken = Some(invalid("the body broke off", "continue where HEAD says"));
            break;
        };
        // A writer that does not take it any more says itself why.
        if pieces.send(bytes).await.is_err() {
            break;
        }
    }
    drop(pieces);
    let incoming = writer.await.expect("writing a file does not panic")?;
    match broken {
        Some(broken) => Err(broken),
        None => blocking(move || incoming.finish()).await,
    }
}

/// Verifies a content while it goes out to its end: whoever gets it would find the damage too, but could not know
/// whose it is.
pub(crate) struct Check {
    blobs: Blobs,
    blob: BlobId,
    hasher: BlobHasher,
}

impl Check {
    /// Takes the piece at a position, the first of which is at `first`. If all of it is not what its name says, the
    /// last piece is held back, and the file counts as missing from now on.
    fn take(mut self, file: &File, bytes: &[u8], first: u64, at: u64, end: u64) -> io::Result<Option<Self>> {
        if at == first {
            self.hasher.read(&mut file.take(first))?;
        }
        self.hasher.update(bytes);
        if at + (bytes.len() as u64) < end {
            return Ok(Some(self));
        }
        if self.hasher.finish() == self.blob {
            return Ok(None);
        }
        self.blobs.set_aside(self.blob, file).map_err(io::Error::other)?;
        Err(io::Error::other("the file was damaged"))
    }
}

/// The part of a file from one position to before another, as a body of known length.
pub(crate) fn content(file: File, first: u64, end: u64, check: Option<Check>) -> impl axum::response::IntoResponse {
    ([(CONTENT_LENGTH, (end - first).to_string())], Body::from_stream(pieces(file, first, end, check)))
}

fn pieces(
    file: File,
    first: u64,
    end: u64,
    check: Option<Check>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    stream::try_unfold((file, first, check), move |(file, at, check)| async move {
        if at >= end {
            return Ok(None);
        }
        let len = usize::try_from((end - at).min(CHUNK_BYTES)).expect("a chunk is small");
        let read = spawn_blocking(move || {
            let bytes = read_piece(&file, at, len)?;
            let check = check.map_or(Ok(None), |check| check.take(&file, &bytes, first, at, end))?;
            Ok::<_, io::Error>((bytes, file, check))
        });
        let (bytes, file, check) = read.await.expect("reading a file does not panic")?;
        if bytes.len() < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((bytes, (file, at + len as u64, check))))
    })
}

/// What `Range` asks for: the first byte and the one behind the last. Of ranges only the plain
/// forms `bytes=5-` and `bytes=5-9` are known; others are passed over, as the standard allows.
fn range(headers: &HeaderMap, size: u64) -> Result<Option<(u64, u64)>, ApiError> {
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = asked else { return Ok(None) };
    let end =
        if last.is_empty() { Some(size) } else { last.parse().ok().map(|last: u64| size.min(last.saturating_add(1))) };
    let (Ok(first), Some(end)) = (first.parse::<u64>(), end) else { return Ok(None) };
    if first >= end {
        return Err(invalid(format!("the range begins at {first}, the blob has {size} bytes"), "ask for less"));
    }
    Ok(Some((first, end)))
}

fn with_offset(mut response: Response, size: u64) -> Response {
    response.headers_mut().insert(UPLOAD_OFFSET, HeaderValue::from(size));
    response
}

fn blob(name: &Name) -> Result<BlobId, ApiError> {
    name.0.parse().map_err(|e| invalid(format!("{e}"), "write 64 small hexadecimal digits"))
}

/// Does what waits for the disk away from the threads that carry messages.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, ApiError> {
    Ok(spawn_blocking(work).await.expect("reading and writing files does not panic")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let table = [
            ("bytes=0-", Ok(Some((0, 10)))),
            ("bytes=4-", Ok(Some((4, 10)))),
            ("bytes=4-6", Ok(Some((4, 7)))),
            ("bytes=4-99", Ok(Some((4, 10)))),
            ("bytes=-4", Ok(None)),
            ("bytes=1-2,4-5", Ok(None)),
            ("lines=1-2", Ok(None)),
            ("bytes=10-", Err(())),
            ("bytes=6-4", Err(())),
        ];
        for (text, expected) in table {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(text))]);
            assert_eq!(range(&headers, 10).map_err(drop), expected, "{text}");
        }
    }
}
