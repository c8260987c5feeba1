//! What an ended attempt wrote, read piece by piece: from the database, or from blobs of any length.

use std::fs::File;
use std::sync::Arc;

use c2_shared::api::jobs::Stream;
use c2_shared::api::live::Piece;
use c2_shared::api::output::Streams;
use c2_shared::api::output::{Output, OutputBlob};
use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::limits::{ORDER_BYTES_MAX, PIECE_BYTES_MAX, SHOWN_HEAD_BYTES, SHOWN_TAIL_BYTES};
use c2_shared::order::Order;

use crate::http::blobs::blocking;
use crate::http::handler::{ApiError, App};
use crate::store::{BlobError, Blobs, StoredOrder, StoredOutput, read_piece};

/// One stream of an attempt.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What is known of it; of a long one not the bytes.
    pub(crate) output: Output,
    file: Option<Arc<File>>,
}

/// Both streams, read in the order in which they were written.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
    which: Streams,
    /// How far each was read.
    at: (u64, u64),
    /// Turns that are left, the next one last.
    runs: Vec<(Stream, u64)>,
}

impl Kept {
    pub(crate) fn open(blobs: &Blobs, output: Output) -> Result<Self, BlobError> {
        Self::by(blobs, output, Blobs::verified)
    }

    fn by(
        blobs: &Blobs,
        mut output: Output,
        open: impl FnOnce(&Blobs, BlobId) -> Result<Option<(File, u64)>, BlobError>,
    ) -> Result<Self, BlobError> {
        let mut file = None;
        if let Some(blob) = output.blob {
            match open(blobs, blob.sha256)? {
                Some((found, size)) if size == blob.size => file = Some(Arc::new(found)),
                None if blobs.is_damaged(blob.sha256) => {
                    let reason = format!(
                        "its file was damaged on the disk of c2d; what is left is in files/{}.damaged",
                        blob.sha256
                    );
                    output = Output::gone(output.total_bytes(), &reason);
                }
                Some(_) | None => output = Output::gone(output.total_bytes(), "its file is gone from c2d"),
            }
        }
        Ok(Self { output, file })
    }

    /// Reads at most `max` bytes from a position of the stream on.
    pub(crate) async fn read(&self, from: u64, max: usize) -> Result<Piece, ApiError> {
        let (Some(blob), Some(file)) = (self.output.blob, self.file.clone()) else {
            return Ok(self.output.read(from, max));
        };
        let Some((offset, place, len)) = place(&blob, self.output.dropped, from, max) else {
            return Ok(Piece { offset: from, data: Bytes64::default() });
        };
        let data = blocking(move || Ok(read_piece(&file, place, len)?)).await?;
        Ok(Piece { offset, data: Bytes64(data) })
    }
}

/// The parts of a stream that are shown with its job.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) head: Vec<u8>,
    /// Bytes that are kept, and not shown.
    pub(crate) hidden: u64,
    pub(crate) tail: Vec<u8>,
}

impl Kept {
    /// Reads the beginning and the end, or all of a short one.
    pub(crate) async fn shown(&self) -> Result<Shown, ApiError> {
        let size = self.output.kept_bytes();
        let gap = self.output.dropped_at();
        let (head, tail) = (SHOWN_HEAD_BYTES as u64, SHOWN_TAIL_BYTES as u64);
        let (head, tail) = match gap {
            _ if size > head + tail => (head.min(gap.unwrap_or(size)), (size - tail).max(gap.unwrap_or(0))),
            None => (size, size),
            Some(gap) => (gap, gap),
        };
        let (Some(file), true) = (self.file.clone(), size > 0) else {
            let kept = self.output.kept();
            let place = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(kept.len());
            let (head_end, tail_begin) = (place(head), place(tail));
            return Ok(Shown {
                head: kept[..head_end].to_vec(),
                hidden: (tail_begin - head_end) as u64,
                tail: kept[tail_begin..].to_vec(),
            });
        };
        let read = move |first: u64, end: u64| {
            read_piece(&file, first, usize::try_from(end.saturating_sub(first)).unwrap_or(usize::MAX))
        };
        blocking(move || Ok(Shown { head: read(0, head)?, hidden: tail.saturating_sub(head), tail: read(tail, size)? }))
            .await
    }
}

/// The end of a stream, as much as is shown with a job; nothing of one that cannot be read. Many are looked at in this
/// way, so none of them is read as a whole to verify it.
pub(crate) async fn end_of(blobs: &Blobs, output: Output) -> Vec<u8> {
    let Ok(kept) = Kept::by(blobs, output, Blobs::read) else { return Vec::new() };
    kept.shown().await.map(|shown| if shown.tail.is_empty() { shown.head } else { shown.tail }).unwrap_or_default()
}

/// Where in a blob the bytes from a position of the stream on are: the position of the first, its place,
/// and how many there are.
fn place(blob: &OutputBlob, dropped: u64, from: u64, max: usize) -> Option<(u64, u64, usize)> {
    let head = if dropped == 0 { blob.size } else { blob.dropped_at };
    let (offset, place, end) = if from < head {
        (from, from, head)
    } else {
        let tail = head.saturating_add(dropped);
        let offset = from.max(tail);
        (offset, head.saturating_add(offset - tail), blob.size)
    };
    let len = usize::try_from(end.saturating_sub(place)).unwrap_or(usize::MAX).min(max);
    (len > 0).then_some((offset, place, len))
}

impl Reader {
    /// Begins to read what an attempt wrote, at these positions.
    pub(crate) async fn open(
        app: &App,
        stored: StoredOutput,
        which: Streams,
        at: (u64, u64),
    ) -> Result<Self, ApiError> {
        let blobs = app.blobs.clone();
        blocking(move || {
            let order = match stored.order {
                StoredOrder::Here(order) => order,
                StoredOrder::Blob(blob) => blobs.content(blob, ORDER_BYTES_MAX)?.unwrap_or_default(),
            };
            let mut runs: Vec<_> = Order::from_bytes(&order).since(at.0, at.1).runs().collect();
            runs.reverse();
            let (stdout, stderr) = (Kept::open(&blobs, stored.stdout)?, Kept::open(&blobs, stored.stderr)?);
            Ok(Self { stdout, stderr, which, at, runs })
        })
        .await
    }

    /// One that has nothing to read.
    pub(crate) fn empty() -> Self {
        let nothing = || Kept { output: Output::default(), file: None };
        Self { stdout: nothing(), stderr: nothing(), which: Streams::Both, at: (0, 0), runs: Vec::new() }
    }

    pub(crate) const fn stream(&self, stream: Stream) -> &Kept {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    /// How many bytes there are in all.
    pub(crate) fn kept_bytes(&self) -> u64 {
        let of = |stream| if self.which.has(stream) { self.stream(stream).output.kept_bytes() } else { 0 };
        of(Stream::Stdout) + of(Stream::Stderr)
    }

    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(Stream, Piece)>, ApiError> {
        if self.which == Streams::Both {
            while let Some((stream, run)) = self.runs.pop() {
                if let Some(piece) = self.turn(stream, run).await? {
                    return Ok(Some((stream, piece)));
                }
            }
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            if self.which.has(stream)
                && let Some(piece) = self.turn(stream, u64::MAX).await?
            {
                return Ok(Some((stream, piece)));
            }
        }
        Ok(None)
    }

    /// Reads of the next `run` bytes of a stream what comes in one piece; what is left of them is its
    /// next turn.
    async fn turn(&mut self, stream: Stream, run: u64) -> Result<Option<Piece>, ApiError> {
        let from = match stream {
            Stream::Stdout => self.at.0,
            Stream::Stderr => self.at.1,
        };
        let end = from.saturating_add(run);
        let max = usize::try_from(run).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX);
        let mut piece = self.stream(stream).read(from, max).await?;
        // Behind a gap it may be the other stream's turn.
        let len = usize::try_from(end.saturating_sub(piece.offset)).unwrap_or(usize::MAX);
        piece.data.0.truncate(len);
        let is_open = run < u64::MAX;
        let reached = if piece.data.is_empty() && is_open { end } else { piece.end() };
        match stream {
            Stream::Stdout => self.at.0 = reached,
            Stream::Stderr => self.at.1 = reached,
        }
        if is_open && reached < end {
            self.runs.push((stream, end - reached));
        }
        Ok(Some(piece).filter(|piece| !piece.data.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_stream_are_found_in_its_blob() {
        // Positions 0..5, a gap of 10, then 15..22.
        let blob = OutputBlob { sha256: BlobId([7; 32]), size: 12, dropped_at: 5 };
        let table = [
            (0, 100, Some((0, 0, 5))),
            (2, 2, Some((2, 2, 2))),
            (5, 100, Some((15, 5, 7))),
            (9, 3, Some((15, 5, 3))),
            (18, 3, Some((18, 8, 3))),
            (22, 9, None),
            (u64::MAX, 9, None),
        ];
        for (from, max, expected) in table {
            assert_eq!(place(&blob, 10, from, max), expected, "{max} from {from}");
        }
        let whole = OutputBlob { dropped_at: 0, ..blob };
        assert_eq!(place(&whole, 0, 3, 100), Some((3, 3, 9)));
        assert_eq!(place(&OutputBlob { dropped_at: 12, ..blob }, u64::MAX, 12, 9), None);
    }
}
