//! The bodies of polls and of results: small, but for outputs in results. A large one is read only from
//! a worker that is known, up to what its slots can owe, one at a time of each and a few of all, so that
//! no workers take c2d's memory. The turn lasts until what came is kept; long lists that results name take
//! one, too.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::work::{PollRequest, ResultRequest};
use c2_shared::limits::{LARGE_BODIES_MAX, POLL_BODY_BYTES_MAX, SLOTS, SUBMIT_BODY_BYTES_MAX, WORKER_BODY_BYTES_MAX};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::extract;
use crate::http::handler::{ApiError, App, invalid, optional_json};
use crate::http::role::WorkerPeer;

/// Bytes that the results of one slot may take: two streams in base64 and a list of files.
const BYTES_PER_SLOT: usize = 2 * 1024 * 1024;
/// How long a large body may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Workers whose large bodies are being read.
#[derive(Clone, Debug)]
pub(crate) struct LargeBodies {
    workers: Arc<Mutex<BTreeSet<String>>>,
    turns: Arc<Semaphore>,
}

/// A worker's right to have something large read, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    bodies: LargeBodies,
    worker: String,
    permit: Option<OwnedSemaphorePermit>,
}

/// Reads the poll of a worker; none, when it has no body. One that is large takes a turn.
pub(crate) async fn read(
    app: &App,
    peer: &WorkerPeer,
    request: Request,
    turn: &mut Option<Turn>,
) -> Result<Option<PollRequest>, ApiError> {
    if !is_large(&request) {
        return optional_json(request, WORKER_BODY_BYTES_MAX).await;
    }
    let slots = peer.slots(app).await?.unwrap_or(SLOTS);
    let max = usize::try_from(slots).unwrap_or(usize::MAX).saturating_add(1).saturating_mul(BYTES_PER_SLOT);
    let max = max.min(POLL_BODY_BYTES_MAX);
    extract::check_length(&request, max)?;
    app.large_bodies.take(peer, turn).await?;
    optional_json(request, max).await
}

/// Reads the result that a worker delivers by itself. One that is large takes a turn.
pub(crate) async fn read_result(
    app: &App,
    peer: &WorkerPeer,
    request: Request,
    turn: &mut Option<Turn>,
) -> Result<ResultRequest, ApiError> {
    extract::check_length(&request, SUBMIT_BODY_BYTES_MAX)?;
    if is_large(&request) {
        app.large_bodies.take(peer, turn).await?;
    }
    let result = optional_json(request, SUBMIT_BODY_BYTES_MAX).await?;
    result.ok_or_else(|| invalid("this request needs a JSON body", "send one, with Content-Type: application/json"))
}

/// Whether a body is larger than an ordinary one, or may be.
fn is_large(request: &Request) -> bool {
    match extract::declared(request.headers()) {
        Some(length) => length > WORKER_BODY_BYTES_MAX as u64,
        None => request.headers().contains_key("transfer-encoding"),
    }
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self { workers: Arc::default(), turns: Arc::new(Semaphore::new(LARGE_BODIES_MAX)) }
    }
}

impl LargeBodies {
    /// Takes a turn, unless there is one.
    pub(crate) async fn take(&self, peer: &WorkerPeer, turn: &mut Option<Turn>) -> Result<(), ApiError> {
        if turn.is_none() {
            *turn = Some(self.take_as(peer.key()).await?);
        }
        Ok(())
    }

    async fn take_as(&self, worker: String) -> Result<Turn, ApiError> {
        let is_free = self.workers.lock().unwrap_or_else(PoisonError::into_inner).insert(worker.clone());
        if !is_free {
            let message = format!("another large request of {worker} is being read");
            return Err(ErrorBody::new(ErrorCode::Busy, message, "wait for its answer").into());
        }
        // A caller that goes away while it waits leaves, too.
        let mut turn = Turn { bodies: self.clone(), worker, permit: None };
        match timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => {
                turn.permit = Some(permit);
                Ok(turn)
            }
            Ok(Err(_)) | Err(_) => {
                let message = "c2d reads as many large requests as it may";
                Err(ErrorBody::new(ErrorCode::Busy, message, "try again in a moment").into())
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.bodies.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_large_body_of_a_worker_at_a_time_and_few_of_all() {
        let (bodies, worker) = (LargeBodies::default(), |last: u8| format!("worker {last}"));
        let first = bodies.take_as(worker(1)).await.unwrap();
        assert!(bodies.take_as(worker(1)).await.is_err());
        let second = bodies.take_as(worker(2)).await.unwrap();
        let third = timeout(Duration::from_millis(10), bodies.take_as(worker(3))).await;
        assert!(third.is_err(), "it waits for its turn, and leaves without it");
        drop(first);
        drop(bodies.take_as(worker(3)).await.unwrap());
        drop(bodies.take_as(worker(1)).await.unwrap());
        drop(second);
    }
}
