//! Removes blobs that nobody names: after a day in which nobody asked for them, or sooner when all
//! blobs together take more than they may. Then old jobs let go of theirs, the oldest first.

use std::collections::BTreeSet;
use std::time::Duration;

use c2_shared::blob::BlobId;
use c2_shared::limits::{BLOB_UNUSED_MS, BLOB_UNUSED_SHORT_MS};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::clock::Clock;
use crate::http::stopped;
use crate::sched::Now;
use crate::store::{BlobError, Blobs, History, Space, StoreError};

/// How often it is looked for them, unless they are too many before.
const EVERY: Duration = Duration::from_secs(600);
/// The least time between two looks: a look costs something, and blobs may come all the time.
const PAUSE: Duration = Duration::from_secs(10);
/// Clocks drift, and are corrected by less than this.
const CLOCK_SET_MS: u64 = 60_000;
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

/// What is looked after.
#[derive(Debug)]
pub(crate) struct Gc {
    pub(crate) blobs: Blobs,
    pub(crate) history: History,
    pub(crate) space: Space,
}

impl Gc {
    /// Looks again and again until c2d goes down.
    pub(crate) async fn run(self, clock: Clock, mut stopping: watch::Receiver<bool>) {
        let mut last = clock.now();
        loop {
            let now = clock.now();
            if was_set(last, now)
                && let Err(e) = on_disk(&self.blobs, Blobs::date_anew).await
            {
                tracing::warn!("files keep their dates of before the clock was set: {e}");
            }
            last = now;
            if let Err(e) = self.once(now.wall_ms).await {
                tracing::warn!("unused files could not be removed: {e}");
            }
            let next = async {
                tokio::time::sleep(PAUSE).await;
                drop(tokio::time::timeout(EVERY, self.blobs.too_many()).await);
            };
            tokio::select! {
                () = next => {}
                () = stopped(&mut stopping) => return,
            }
        }
    }

    /// Looks once, as of the time given.
    pub(crate) async fn once(&self, now_ms: u64) -> Result<(), GcError> {
        remove_unused(&self.blobs, &self.history, now_ms, BLOB_UNUSED_MS).await?;
        while self.blobs.surplus() > 0 {
            remove_unused(&self.blobs, &self.history, now_ms, BLOB_UNUSED_SHORT_MS).await?;
            let surplus = self.blobs.surplus();
            if surplus == 0 || self.space.free(surplus).await? == 0 {
                break;
            }
            remove_unused(&self.blobs, &self.history, now_ms, BLOB_UNUSED_SHORT_MS).await?;
        }
        Ok(())
    }
}

/// Whether the clock was set between two looks at it. Dates from before say nothing about ages then.
const fn was_set(before: Now, now: Now) -> bool {
    let expected = before.wall_ms.saturating_add(now.mono.since_ms(before.mono));
    now.wall_ms.abs_diff(expected) > CLOCK_SET_MS
}

/// Removes all that nobody names and nobody asked for in this time; answers how many and how large.
pub(crate) async fn remove_unused(
    blobs: &Blobs,
    history: &History,
    now_ms: u64,
    age_ms: u64,
) -> Result<(u64, u64), GcError> {
    forget_used(blobs, history, blobs.sent_by_all()).await?;
    let stale = on_disk(blobs, move |blobs| blobs.stale(now_ms, age_ms)).await?;
    let mut unused = BTreeSet::new();
    for some in stale.chunks(ASKED_AT_ONCE) {
        unused.extend(history.unused(some.iter().map(|stale| stale.blob).collect()).await?);
    }
    if unused.is_empty() {
        return Ok((0, 0));
    }
    let lists = history.long_lists().await?;
    on_disk(blobs, move |blobs| {
        spare(blobs, &lists, &mut unused)?;
        let (mut count, mut bytes) = (0, 0);
        for stale in stale.iter().filter(|stale| unused.contains(&stale.blob)) {
            let removed = blobs.remove(*stale)?;
            count += u64::from(removed.is_some());
            bytes += removed.unwrap_or(0);
        }
        Ok((count, bytes))
    })
    .await
}

/// Takes out what long lists of files name. It counts as asked for, so that it is not looked for
/// in all of them each time.
fn spare(blobs: &Blobs, lists: &[BlobId], unused: &mut BTreeSet<BlobId>) -> Result<(), BlobError> {
    for list in lists {
        let files = blobs.listing(*list)?.unwrap_or_default().files;
        for named in files.iter().map(|file| file.sha256).filter(|named| unused.remove(named)) {
            blobs.status(named)?;
        }
    }
    Ok(())
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

async fn on_disk<T: Send + 'static>(
    blobs: &Blobs,
    work: impl FnOnce(&Blobs) -> Result<T, BlobError> + Send + 'static,
) -> Result<T, GcError> {
    let blobs = blobs.clone();
    Ok(spawn_blocking(move || work(&blobs)).await??)
}

#[cfg(test)]
mod tests {
    use c2_shared::time::Mono;

    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_runs() {
        let at = |mono, wall_ms| Now { mono: Mono(mono), wall_ms, seen_ms: mono };
        let begin = at(5_000, 1_000_000_000);
        for (mono, wall_ms, expected) in [
            (5_000, 1_000_000_000, false),
            (605_000, 1_000_602_000, false),
            (605_000, 1_000_598_000, false),
            (605_000, 1_500_000_000, true),
            (605_000, 0, true),
        ] {
            assert_eq!(was_set(begin, at(mono, wall_ms)), expected, "{mono} {wall_ms}");
        }
    }
}
