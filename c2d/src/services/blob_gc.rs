//! Removes blobs that no kept job names and nobody asked for in the last day.

use std::time::Duration;

use c2_shared::blob::BlobId;
use c2_shared::limits::BLOB_UNUSED_MS;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::clock::Clock;
use crate::http::stopped;
use crate::store::{BlobError, Blobs, History, StoreError};

/// How often it is looked for them. Space that is short is no reason for more: what is kept is
/// kept, and what is not was of a day ago.
const EVERY: Duration = Duration::from_secs(600);
/// Blobs that the history is asked about at once.
const ASKED_AT_ONCE: usize = 500;

/// Why unused blobs could not be removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GcError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Thread(#[from] tokio::task::JoinError),
}

/// Looks again and again until c2d goes down.
pub async fn run(blobs: Blobs, history: History, clock: Clock, mut stopping: watch::Receiver<bool>) {
    loop {
        if let Err(e) = once(&blobs, &history, clock.now().wall_ms).await {
            tracing::warn!("unused files could not be removed: {e}");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stopped(&mut stopping) => return,
        }
    }
}

/// Looks once, as of the time given.
pub(crate) async fn once(blobs: &Blobs, history: &History, now_ms: u64) -> Result<(), GcError> {
    purge(blobs, history, now_ms, BLOB_UNUSED_MS).await.map(drop)
}

/// Removes all that no job names and nobody asked for in this time; answers how many and how large.
pub(crate) async fn purge(blobs: &Blobs, history: &History, now_ms: u64, age_ms: u64) -> Result<(u64, u64), GcError> {
    forget_used(blobs, history, blobs.sent_by_all()).await?;
    let stale = on_disk(blobs, move |blobs| blobs.stale(now_ms, age_ms)).await?;
    let (mut count, mut bytes) = (0, 0);
    for some in stale.chunks(ASKED_AT_ONCE) {
        let unused = history.unused(some.to_vec()).await?;
        let removed = on_disk(blobs, move |blobs| remove(blobs, &unused, now_ms, age_ms)).await?;
        count += removed.len() as u64;
        bytes += removed.iter().sum::<u64>();
    }
    Ok((count, bytes))
}

/// Of what was sent, forgets who sent what jobs use.
pub(crate) async fn forget_used(blobs: &Blobs, history: &History, sent: Vec<BlobId>) -> Result<(), GcError> {
    for some in sent.chunks(ASKED_AT_ONCE) {
        let unused = history.unused(some.to_vec()).await?;
        let used: Vec<BlobId> = some.iter().filter(|blob| !unused.contains(blob)).copied().collect();
        let forget = move |blobs: &Blobs| {
            blobs.are_used(&used);
            Ok(())
        };
        on_disk(blobs, forget).await?;
    }
    Ok(())
}

fn remove(blobs: &Blobs, unused: &[BlobId], now_ms: u64, age_ms: u64) -> Result<Vec<u64>, BlobError> {
    unused.iter().filter_map(|blob| blobs.remove(*blob, now_ms, age_ms).transpose()).collect()
}

async fn on_disk<T: Send + 'static>(
    blobs: &Blobs,
    work: impl FnOnce(&Blobs) -> Result<T, BlobError> + Send + 'static,
) -> Result<T, GcError> {
    let blobs = blobs.clone();
    Ok(spawn_blocking(move || work(&blobs)).await??)
}
