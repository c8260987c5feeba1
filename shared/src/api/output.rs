//! What a job wrote: in a result, and as it is asked for.

use serde::{Deserialize, Serialize};

use crate::api::is_zero;
use crate::api::jobs::Stream;
use crate::api::live::Piece;
use crate::blob::BlobId;
use crate::bytes64::Bytes64;
use crate::limits::OUTPUT_HEAD_BYTES;

/// What was kept of an output stream: `head`, then `dropped` bytes that are gone, then `tail`; or a
/// blob in place of head and tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Output {
    /// The beginning; everything, when nothing was dropped.
    #[serde(skip_serializing_if = "Bytes64::is_empty")]
    pub head: Bytes64,
    /// Bytes that were not kept between head and tail.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// The end.
    #[serde(skip_serializing_if = "Bytes64::is_empty")]
    pub tail: Bytes64,
    /// Where head and tail are, when they are too long to stand here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<OutputBlob>,
    /// Why bytes were dropped that should have been kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What was kept of a long output stream: head and tail, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputBlob {
    /// Its content.
    pub sha256: BlobId,
    /// How many bytes it has.
    pub size: u64,
    /// Bytes before the place where others were dropped.
    pub dropped_at: u64,
}

/// Query of [`super::endpoint::GET_OUTPUT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct OutputQuery {
    /// Which stream, or both.
    pub stream: Streams,
    /// The number of the attempt; without it the one that runs, or else the latest that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

impl From<Stream> for OutputQuery {
    fn from(stream: Stream) -> Self {
        Self { stream: stream.into(), attempt: None }
    }
}

/// Headers of an output with a gap: how many bytes are missing, behind how many bytes of the stream, and
/// why if they should be there. The second ones are standard error's where both streams are asked for.
pub const GAP_HEADERS: [[&str; 3]; 2] = [
    ["c2-dropped", "c2-dropped-at", "c2-dropped-reason"],
    ["c2-stderr-dropped", "c2-stderr-dropped-at", "c2-stderr-dropped-reason"],
];

/// Which output streams are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Streams {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
    /// Both, in the order in which they were written.
    Both,
}

impl Streams {
    /// Whether a stream is among them.
    #[must_use]
    pub const fn has(self, stream: Stream) -> bool {
        matches!((self, stream), (Self::Both, _) | (Self::Stdout, Stream::Stdout) | (Self::Stderr, Stream::Stderr))
    }
}

impl From<Stream> for Streams {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Stdout => Self::Stdout,
            Stream::Stderr => Self::Stderr,
        }
    }
}

impl Output {
    /// Output of which nothing was dropped.
    #[must_use]
    pub fn whole(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: Bytes64(bytes.into()), ..Self::default() }
    }

    /// Of a stream that is longer than the `keep` bytes that are kept of it, those from its beginning.
    #[must_use]
    pub const fn head_bytes(keep: u64) -> u64 {
        let quarter = keep / 4;
        if quarter < OUTPUT_HEAD_BYTES { quarter } else { OUTPUT_HEAD_BYTES }
    }

    /// Output of which nothing is there.
    #[must_use]
    pub fn gone(bytes: u64, reason: impl Into<String>) -> Self {
        Self { dropped: bytes, reason: reason.into(), ..Self::default() }
    }

    /// Bytes that were kept.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.blob.map_or((self.head.0.len() + self.tail.0.len()) as u64, |blob| blob.size)
    }

    /// Bytes that the stream carried, kept or not.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.kept_bytes().saturating_add(self.dropped)
    }

    /// The bytes that were kept, without a word of those that were not.
    #[must_use]
    pub fn kept(&self) -> Vec<u8> {
        [self.head.0.as_slice(), &self.tail.0].concat()
    }

    /// Where the bytes that were not kept would stand; none if all were.
    #[must_use]
    pub fn dropped_at(&self) -> Option<u64> {
        (self.dropped > 0).then_some(self.blob.map_or(self.head.0.len() as u64, |blob| blob.dropped_at))
    }

    /// Reads at most `max` bytes from a position of the stream on.
    #[must_use]
    pub fn read(&self, from: u64, max: usize) -> Piece {
        Piece::of(&self.head.0, self.dropped, (&self.tail.0, &[]), from, max)
    }

    /// Adds a piece that lies at the end of the stream, or beyond a gap.
    pub fn append(&mut self, piece: &Piece) {
        let gap = piece.offset.saturating_sub(self.total_bytes());
        if gap > 0 {
            // What lay between two gaps is no tail any more.
            self.dropped += gap + self.tail.0.len() as u64;
            self.tail.0.clear();
        }
        let end = if self.dropped == 0 { &mut self.head.0 } else { &mut self.tail.0 };
        end.extend_from_slice(&piece.data.0);
    }

    /// The bytes for showing, with a line in place of what was dropped.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut bytes = self.head.0.clone();
        if self.dropped > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes dropped]\n", self.dropped).as_bytes());
        }
        bytes.extend_from_slice(&self.tail.0);
        bytes
    }
}
