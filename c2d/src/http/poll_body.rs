//! The body of a poll: small, but for results. A large one is read only from a worker that is known,
//! up to what its slots can owe, and one at a time, so that no worker takes c2d's memory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::work::PollRequest;
use c2_shared::limits::{BATCH_BODY_BYTES_MAX, BODY_BYTES_MAX, SLOTS};

use crate::http::handler::{ApiError, App, optional_json};
use crate::http::role::WorkerPeer;

/// Bytes that the results of one slot may take: two streams in base64 and a list of files.
const BYTES_PER_SLOT: usize = 2 * 1024 * 1024;

/// Workers whose large bodies are being read.
#[derive(Clone, Debug, Default)]
pub(crate) struct LargeBodies(Arc<Mutex<BTreeSet<String>>>);

/// A worker's right to send a large body, until it is dropped.
#[derive(Debug)]
struct Turn {
    bodies: LargeBodies,
    worker: String,
}

/// Reads the poll of a worker; none, when it has no body.
pub(crate) async fn read(app: &App, peer: &WorkerPeer, request: Request) -> Result<Option<PollRequest>, ApiError> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let has_body = length.is_some() || request.headers().contains_key("transfer-encoding");
    if !has_body || length.is_some_and(|length| length <= BODY_BYTES_MAX) {
        return optional_json(request, BODY_BYTES_MAX).await;
    }
    let slots = peer.slots(app).await?.unwrap_or(SLOTS);
    let max = usize::try_from(slots).unwrap_or(usize::MAX).saturating_add(1).saturating_mul(BYTES_PER_SLOT);
    let _turn = app.large_bodies.take(peer.key())?;
    optional_json(request, max.min(BATCH_BODY_BYTES_MAX)).await
}

impl LargeBodies {
    fn take(&self, worker: String) -> Result<Turn, ApiError> {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(worker.clone()) {
            return Ok(Turn { bodies: self.clone(), worker });
        }
        let message = format!("another large poll of {worker} is being read");
        Err(ErrorBody::new(ErrorCode::Busy, message, "wait for its answer").into())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_large_body_of_a_worker_at_a_time() {
        let (bodies, one, other) = (LargeBodies::default(), || "one".to_owned(), "other".to_owned());
        let first = bodies.take(one()).unwrap();
        assert!(bodies.take(one()).is_err());
        drop(bodies.take(other).unwrap());
        drop(first);
        bodies.take(one()).unwrap();
    }
}
