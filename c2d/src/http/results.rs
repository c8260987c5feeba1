//! Results at c2d's door. One whose contents are not all here waits, and they are asked for. What is
//! long becomes a blob, so that the database stays small whatever jobs write. What c2d has no room
//! for is cut and says so: how an attempt ended is recorded in any case.

use std::collections::BTreeMap;

use c2_shared::api::files::Listing;
use c2_shared::api::output::{Output, OutputBlob};
use c2_shared::api::work::AttemptResult;
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::AttemptId;
use c2_shared::limits::{LISTING_BYTES_MAX, OUTPUT_SCRAP_BYTES, OUTPUT_STORED_BYTES, RESULT_FREE_BYTES_FLOOR};

use crate::engine::AttemptOutput;
use crate::http::blobs::blocking;
use crate::http::handler::{ApiError, App};
use crate::http::{clamp, files};
use crate::store::{self, BlobError, Blobs};

/// Contents that are kept with one write, or a little more; all of it is in memory until then.
const KEPT_AT_ONCE_BYTES: usize = 1024 * 1024;

/// What came of some results.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// Those that can be recorded.
    pub(crate) whole: Vec<AttemptOutput>,
    /// The attempts of the others, which their worker still holds.
    pub(crate) waiting: Vec<AttemptId>,
    /// What is missing of those.
    pub(crate) want: Vec<BlobId>,
}

/// Contents that are to become blobs.
type Contents = BTreeMap<BlobId, Bytes64>;

/// Takes results in.
pub(crate) async fn arrive(app: &App, results: Vec<AttemptResult>) -> Result<Arrived, ApiError> {
    let mut arrived = Arrived::default();
    let (mut long, mut bytes) = (Contents::new(), 0);
    // Of the long lists so many bytes are read at a time; the worker reports the others again.
    let mut lists_bytes = LISTING_BYTES_MAX as u64;
    for mut result in results {
        clamp::result(&mut result, app.output_keep_bytes);
        let Compared { missing, listed_bytes } = compare(app, &mut result).await?;
        let is_next_time = listed_bytes > lists_bytes && !arrived.whole.is_empty();
        if !missing.is_empty() || is_next_time {
            arrived.waiting.push(result.attempt);
            arrived.want.extend(missing);
            continue;
        }
        lists_bytes = lists_bytes.saturating_sub(listed_bytes);
        // Of what was sent, not of what is made of it here.
        let digest = store::digest(&result);
        files::settle(app, &mut result).await?;
        let mut output = AttemptOutput { digest, result, order: None };
        bytes += take_out(&mut output, &mut long);
        arrived.whole.push(output);
        if bytes > KEPT_AT_ONCE_BYTES {
            keep(app, &mut arrived.whole, std::mem::take(&mut long)).await?;
            bytes = 0;
        }
    }
    if !long.is_empty() {
        keep(app, &mut arrived.whole, long).await?;
    }
    Ok(arrived)
}

/// Contents that a result names.
#[derive(Debug, Default)]
struct Compared {
    /// What is not here.
    missing: Vec<BlobId>,
    /// How long the list of its files is.
    listed_bytes: u64,
}

/// Looks for the contents of a result. Of those that are here, what the result says of them is made true.
async fn compare(app: &App, result: &mut AttemptResult) -> Result<Compared, ApiError> {
    let named: Vec<BlobId> = result.blobs().collect();
    if named.is_empty() {
        return Ok(Compared::default());
    }
    let blobs = app.blobs.clone();
    let (missing, sizes) = blocking(move || {
        let mut sizes = BTreeMap::new();
        let missing = blobs.missing(named.iter().copied())?;
        for blob in named {
            sizes.extend(blobs.size(blob)?.map(|size| (blob, size)));
        }
        Ok((missing, sizes))
    })
    .await?;
    for output in [&mut result.stdout, &mut result.stderr] {
        let Some(blob) = &mut output.blob else { continue };
        let Some(size) = sizes.get(&blob.sha256) else { continue };
        let is_whole = output.dropped == 0;
        blob.size = *size;
        blob.dropped_at = if is_whole { *size } else { blob.dropped_at.min(*size) };
    }
    // What was said to be small may be large.
    clamp::result(result, app.output_keep_bytes);
    let listed_bytes = result.listing.and_then(|list| sizes.get(&list).copied()).unwrap_or(0);
    Ok(Compared { missing, listed_bytes })
}

/// Takes out of a result what does not fit into the database, and says how many bytes that is. The same
/// result always comes out the same.
fn take_out(output: &mut AttemptOutput, contents: &mut Contents) -> usize {
    let (mut room, mut taken) = (OUTPUT_STORED_BYTES, 0);
    let mut fits = |len: usize| {
        let fits = len <= room;
        room -= if fits { len } else { 0 };
        fits
    };
    let mut add = |content: Vec<u8>| {
        let blob = BlobId::of(&content);
        taken += content.len();
        contents.insert(blob, Bytes64(content));
        blob
    };
    let result = &mut output.result;
    for stream in [&mut result.stdout, &mut result.stderr] {
        let (head, tail) = (&mut stream.head.0, &mut stream.tail.0);
        let (dropped_at, size) = (head.len() as u64, (head.len() + tail.len()) as u64);
        if stream.blob.is_none() && !fits(head.len() + tail.len()) {
            head.append(tail);
            let sha256 = add(std::mem::take(head));
            stream.blob = Some(OutputBlob { sha256, size, dropped_at });
        }
    }
    if !fits(result.order.0.len()) {
        output.order = Some(add(std::mem::take(&mut result.order.0)));
    }
    if !result.files.is_empty() || !result.problems.is_empty() {
        let listing =
            Listing { files: std::mem::take(&mut result.files), problems: std::mem::take(&mut result.problems) };
        let content = serde_json::to_vec(&listing).expect("our own plain types become JSON");
        if fits(content.len()) {
            (result.files, result.problems) = (listing.files, listing.problems);
        } else {
            result.listing = Some(add(content));
        }
    }
    taken
}

/// Makes contents durable; what cannot be is cut out of the results.
async fn keep(app: &App, outputs: &mut [AttemptOutput], contents: Contents) -> Result<(), ApiError> {
    let blobs = app.blobs.clone();
    let kept = blocking(move || Ok(try_keep(&blobs, contents)));
    if let Err((error, mut contents)) = kept.await? {
        tracing::warn!("outputs are not kept: {error}");
        let reason = format!("c2d could not keep them: {error}");
        outputs.iter_mut().for_each(|output| put_back_scraps(output, &mut contents, &reason));
    }
    Ok(())
}

fn try_keep(blobs: &Blobs, contents: Contents) -> Result<(), (BlobError, Contents)> {
    blobs.keep(&contents, RESULT_FREE_BYTES_FLOOR).map_err(|error| (error, contents))
}

/// Puts in the place of blobs that could not be kept what the database can hold.
fn put_back_scraps(output: &mut AttemptOutput, contents: &mut Contents, reason: &str) {
    let result = &mut output.result;
    for stream in [&mut result.stdout, &mut result.stderr] {
        let Some(blob) = stream.blob else { continue };
        let Some(mut head) = contents.get(&blob.sha256).map(|content| content.0.clone()) else { continue };
        let tail = head.split_off(usize::try_from(blob.dropped_at).unwrap_or(usize::MAX).min(head.len()));
        let before = stream.dropped;
        *stream = Output { head: Bytes64(head), dropped: before, tail: Bytes64(tail), ..Output::default() };
        clamp::cut(stream, OUTPUT_SCRAP_BYTES, OUTPUT_SCRAP_BYTES);
        if stream.dropped > before {
            reason.clone_into(&mut stream.reason);
        }
    }
    if output.order.is_some_and(|order| contents.contains_key(&order)) {
        output.order = None;
    }
    if result.listing.is_some_and(|list| contents.contains_key(&list)) {
        result.listing = None;
        result.problems = vec![format!("the list of files is too long: {reason}")];
    }
}
