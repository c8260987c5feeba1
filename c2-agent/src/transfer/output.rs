//! How long outputs get to c2d: as blobs, and if it does not take them, cut to their beginning and end.

use std::fs::File;
use std::io;

use c2_shared::api::jobs::Stream;
use c2_shared::api::output::{Output, OutputBlob};
use c2_shared::api::work::AttemptResult;
use c2_shared::blob::{BlobHasher, BlobId};
use c2_shared::client::TransferError;

use super::{Mover, on_disk};
use crate::clock;
use crate::outputs::{Extent, Long};

/// For how long c2d may refuse an output before the result comes without it: its disk may be full for
/// as long as somebody needs to notice.
const REFUSED_MS: u64 = 60_000;

/// A stream in its file, known by its content.
struct Named {
    stream: Stream,
    extent: Extent,
    blob: BlobId,
}

impl Mover {
    /// Sends the outputs that are too long for a result.
    pub(super) async fn deliver_outputs(&self, result: &mut AttemptResult, mut long: Long, inline_max: usize) {
        self.take_long(result, &mut long, inline_max).await;
        let mut named = Vec::new();
        for (stream, extent) in [(Stream::Stdout, long.stdout), (Stream::Stderr, long.stderr)] {
            let Some(extent) = extent else { continue };
            match self.name(result, stream, extent).await {
                Ok(blob) => named.push(Named { stream, extent, blob }),
                Err(error) => {
                    let reason = format!("the worker could not read it again: {error}");
                    of(result, stream).reason = reason;
                }
            }
        }
        if named.is_empty() {
            return;
        }
        let mut whole = result.clone();
        for Named { stream, extent, blob } in &named {
            *of(&mut whole, *stream) = in_blob(*extent, *blob);
        }
        result.digest.get_or_insert_with(|| digest(&whole));
        for Named { stream, extent, blob } in named {
            let (outputs, attempt) = (self.outputs.clone(), result.attempt);
            let open = move || outputs.open(attempt, stream, extent);
            let until = clock::elapsed().after_ms(REFUSED_MS);
            let goes_on = |error: &TransferError| {
                error.may_pass() || (matches!(error, TransferError::Client(_)) && clock::elapsed() < until)
            };
            match self.send(blob, extent.size(), open, goes_on).await {
                Ok(()) => *of(result, stream) = in_blob(extent, blob),
                Err(error) => {
                    tracing::warn!("{attempt}: only beginning and end of its output are delivered: {error}");
                    of(result, stream).reason = format!("c2d did not take it: {error}");
                }
            }
        }
    }

    /// Puts what stands in a result and is longer than `max` into files: runners of old make such
    /// results, and some lines are slow.
    async fn take_long(&self, result: &mut AttemptResult, long: &mut Long, max: usize) {
        let (outputs, mut taken) = (self.outputs.clone(), result.clone());
        let is_in_file = (long.stdout.is_some(), long.stderr.is_some());
        let work = move || {
            let attempt = taken.attempt;
            let mut take = |stream, is_in_file| {
                let output = of(&mut taken, stream);
                if is_in_file { Ok(None) } else { outputs.take(attempt, stream, output, max) }
            };
            let stdout = take(Stream::Stdout, is_in_file.0)?;
            let stderr = take(Stream::Stderr, is_in_file.1)?;
            Ok((taken, stdout, stderr))
        };
        match on_disk(work).await {
            Ok((taken, stdout, stderr)) => {
                *result = taken;
                (long.stdout, long.stderr) = (long.stdout.or(stdout), long.stderr.or(stderr));
            }
            // It goes as it is, as before there were blobs.
            Err(error) => tracing::warn!("{}: its output cannot be put into a file: {error}", result.attempt),
        }
    }

    async fn name(&self, result: &AttemptResult, stream: Stream, extent: Extent) -> io::Result<BlobId> {
        let (outputs, attempt) = (self.outputs.clone(), result.attempt);
        on_disk(move || {
            let mut file: File = outputs.open(attempt, stream, extent)?;
            // Once for all tries to send it.
            file.sync_all()?;
            let mut hasher = BlobHasher::default();
            hasher.read(&mut file)?;
            Ok(hasher.finish())
        })
        .await
    }
}

const fn of(result: &mut AttemptResult, stream: Stream) -> &mut Output {
    match stream {
        Stream::Stdout => &mut result.stdout,
        Stream::Stderr => &mut result.stderr,
    }
}

fn in_blob(extent: Extent, sha256: BlobId) -> Output {
    let blob = OutputBlob { sha256, size: extent.size(), dropped_at: extent.dropped_at() };
    Output { dropped: extent.total() - extent.size(), blob: Some(blob), ..Output::default() }
}

/// Identifies a result with its whole outputs, so that it is the same in whatever form it gets there.
fn digest(whole: &AttemptResult) -> BlobId {
    BlobId::of(&serde_json::to_vec(whole).expect("our own plain types become JSON"))
}
