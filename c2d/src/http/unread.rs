//! The rest of a body that nobody reads: it is taken and thrown away for a while.
//!
//! A request is often refused before its body is read. A connection that is closed over unread bytes is
//! reset, and its sender, who still writes, sees a broken pipe in place of the answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// For so long; whoever goes on for longer does not listen.
const LINGER: Duration = Duration::from_secs(5);
/// So much: the largest body that is ever read in memory.
const LINGER_BYTES: usize = c2_shared::limits::BATCH_BODY_BYTES_MAX;

/// A body whose rest is taken when it is dropped.
#[derive(Debug)]
pub(super) struct Drained {
    body: Option<Incoming>,
    /// Whoever waits to be asked for the body is not asked only to have it thrown away.
    is_coming: bool,
}

impl Drained {
    pub(super) fn new(body: Incoming, waits_to_be_asked: bool) -> Self {
        Self { body: Some(body), is_coming: !waits_to_be_asked }
    }
}

impl Body for Drained {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.is_coming = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| self.is_coming && !body.is_end_stream()) else { return };
        tokio::spawn(async move { timeout(LINGER, throw_away(body)).await });
    }
}

async fn throw_away(mut body: Incoming) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let len = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(len) {
            Some(less) => left = less,
            None => return,
        }
    }
}
