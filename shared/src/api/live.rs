//! Watching a running job's output.
//!
//! Nothing is sent while nobody watches. When somebody does, c2d asks the worker that runs the
//! attempt with a directive in the answer to its poll; the worker answers by a request of its own,
//! whose answer is the next question. Positions count the bytes of a stream from its beginning,
//! so a question can be repeated and a gap can be seen.

use serde::{Deserialize, Serialize};

use crate::api::jobs::{JobRow, Stream};
use crate::bytes64::Bytes64;
use crate::id::AttemptId;

/// Name of the event that carries [`Written`].
pub const WRITTEN: &str = "written";
/// Name of the last event, which carries the ended job's [`JobRow`].
pub const ENDED: &str = "ended";

/// A question to a worker: what did this attempt write from these positions on?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputRead {
    /// Names the question; to be repeated in the answer.
    pub id: u64,
    /// Which attempt.
    pub attempt: AttemptId,
    /// Where to begin in standard output.
    pub stdout: u64,
    /// Where to begin in standard error.
    pub stderr: u64,
    /// Whether to wait with the answer until there is something, or the attempt has ended.
    pub wait: bool,
}

/// A worker's answer to an [`OutputRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputAnswer {
    /// Which question.
    pub id: u64,
    /// Whether the worker runs the attempt. What an ended one wrote comes with its result.
    pub running: bool,
    /// From standard output.
    #[serde(default)]
    pub stdout: Piece,
    /// From standard error.
    #[serde(default)]
    pub stderr: Piece,
    /// In which order these bytes were written, as [`crate::order`] writes it down.
    #[serde(default, skip_serializing_if = "Bytes64::is_empty")]
    pub order: Bytes64,
}

impl OutputAnswer {
    /// What of it lies at these positions of standard output and standard error, or beyond.
    #[must_use]
    pub fn since(self, (stdout, stderr): (u64, u64)) -> Self {
        Self { stdout: self.stdout.since(stdout), stderr: self.stderr.since(stderr), ..self }
    }
}

/// Some bytes of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Piece {
    /// The position of the first; beyond the one that was asked for, when what lay between was
    /// not kept.
    pub offset: u64,
    /// The bytes.
    pub data: Bytes64,
}

/// What c2d says to an [`OutputAnswer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct NextRead {
    /// The next question of the same watcher; none when it has gone away.
    pub read: Option<OutputRead>,
}

/// Query of [`super::endpoint::FOLLOW`]: where to go on after a break. Without it everything that is
/// still there comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FollowQuery {
    /// The number of the attempt for which the positions hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Where to begin in its standard output.
    pub stdout: u64,
    /// Where to begin in its standard error.
    pub stderr: u64,
}

/// Something that a job wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Written {
    /// By which attempt; a new one begins at position 0 again.
    pub attempt: AttemptId,
    /// To which stream.
    pub stream: Stream,
    /// The position of the first byte; beyond the end of what came before, when what lay between
    /// was not kept.
    pub offset: u64,
    /// The bytes; none behind a gap at the very end.
    pub data: Bytes64,
    /// Why what lay between was not kept, if it should have been.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One event of [`super::endpoint::FOLLOW`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowEvent {
    /// It wrote something.
    Written(Written),
    /// It has ended; nothing follows.
    Ended(Box<JobRow>),
}

impl FollowQuery {
    /// The beginning of an attempt.
    #[must_use]
    pub const fn of(attempt: u32) -> Self {
        Self { attempt: Some(attempt), stdout: 0, stderr: 0 }
    }

    /// Where to go on in a stream.
    pub const fn place(&mut self, stream: Stream) -> &mut u64 {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

impl Piece {
    /// The position behind the last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.data.0.len() as u64)
    }

    /// What of it lies at this position or beyond.
    #[must_use]
    pub fn since(mut self, from: u64) -> Self {
        let before = usize::try_from(from.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        self.data.0.drain(..before.min(self.data.0.len()));
        self.offset = self.offset.max(from);
        self
    }

    /// Reads at most `max` bytes from position `from` on of a stream of which `head` was kept,
    /// then `dropped` bytes were not, then come `tail` and `rest`.
    #[must_use]
    pub fn of(head: &[u8], dropped: u64, tail: (&[u8], &[u8]), from: u64, max: usize) -> Self {
        let index = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        let head_len = head.len() as u64;
        let (offset, parts) = if from < head_len {
            (from, [&head[index(from)..], &[]])
        } else {
            let begin = head_len + dropped;
            let skip = index(from.saturating_sub(begin));
            let first = tail.0.get(skip..).unwrap_or_default();
            let rest = tail.1.get(skip.saturating_sub(tail.0.len())..).unwrap_or_default();
            (from.max(begin), [first, rest])
        };
        let data: Vec<u8> = parts.into_iter().flatten().copied().take(max).collect();
        // At the very end of a stream in which the gap is last there is nothing to jump over.
        Self { offset: if data.is_empty() { from } else { offset }, data: Bytes64(data) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_before_a_position_is_dropped() {
        let piece = |offset: u64, data: &[u8]| Piece { offset, data: Bytes64(data.to_vec()) };
        for (from, expected) in [
            (0, piece(5, b"abc")),
            (5, piece(5, b"abc")),
            (6, piece(6, b"bc")),
            (8, piece(8, b"")),
            (u64::MAX, piece(u64::MAX, b"")),
        ] {
            assert_eq!(piece(5, b"abc").since(from), expected, "{from}");
        }
        assert_eq!(piece(u64::MAX, b"abc").end(), u64::MAX);
    }

    #[test]
    fn pieces_follow_each_other_over_the_gap() {
        // Positions 0..5, a gap of 10, then 15..22 in two parts.
        let read = |from, max| Piece::of(b"01234", 10, (b"abcd", b"efg"), from, max);
        let table: [(u64, usize, u64, &[u8]); 9] = [
            (0, 100, 0, b"01234"),
            (0, 2, 0, b"01"),
            (2, 2, 2, b"23"),
            (5, 100, 15, b"abcdefg"),
            (9, 3, 15, b"abc"),
            (18, 3, 18, b"def"),
            (20, 9, 20, b"fg"),
            (22, 9, 22, b""),
            (40, 9, 40, b""),
        ];
        for (from, max, offset, data) in table {
            let piece = read(from, max);
            assert_eq!((piece.offset, &piece.data.0[..]), (offset, data), "{max} from {from}");
        }
        let whole = Piece::of(b"01234", 0, (b"", b""), 5, 9);
        assert_eq!((whole.offset, whole.end()), (5, 5));
    }
}
