//! What is kept of an output stream: its beginning and its end, in bounded memory.
//!
//! Pure: it is given bytes and knows nothing of pipes.

use std::collections::VecDeque;

use c2_shared::api::live::Piece;
use c2_shared::api::work::Output;
use c2_shared::bytes64::Bytes64;

const OUTPUT_HEAD_BYTES: usize = 64 * 1024;
const OUTPUT_TAIL_BYTES: usize = 192 * 1024;

/// Collects a stream: the first [`OUTPUT_HEAD_BYTES`], the last [`OUTPUT_TAIL_BYTES`], and a count
/// of what lay between.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Capture {
    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = OUTPUT_HEAD_BYTES - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let kept = &rest[rest.len().saturating_sub(OUTPUT_TAIL_BYTES)..];
        let excess = (self.tail.len() + kept.len()).saturating_sub(OUTPUT_TAIL_BYTES);
        self.tail.drain(..excess);
        self.tail.extend(kept);
        self.dropped += (rest.len() - kept.len() + excess) as u64;
    }

    /// Reads at most `max` bytes of what was kept from a position of the stream on.
    pub(crate) fn read(&self, from: u64, max: usize) -> Piece {
        Piece::of(&self.head, self.dropped, self.tail.as_slices(), from, max)
    }

    /// Ends the stream.
    pub(crate) fn into_output(self) -> Output {
        let Self { mut head, tail, dropped } = self;
        let tail = Vec::from(tail);
        if dropped == 0 {
            head.extend_from_slice(&tail);
            return Output::whole(head);
        }
        Output { head: Bytes64(head), dropped, tail: Bytes64(tail), ..Output::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes a counting stream in chunks and compares with what slicing it says.
    fn check(total: usize, chunk: usize) {
        let stream: Vec<u8> = (0..total).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut capture = Capture::default();
        for part in stream.chunks(chunk) {
            capture.push(part);
        }
        let output = capture.into_output();
        assert_eq!(output.total_bytes(), total as u64, "{total} in chunks of {chunk}");
        if total <= OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES {
            assert_eq!(output, Output::whole(stream), "{total} in chunks of {chunk}");
        } else {
            assert_eq!(output.head.0, stream[..OUTPUT_HEAD_BYTES]);
            assert_eq!(output.tail.0, stream[total - OUTPUT_TAIL_BYTES..]);
        }
    }

    #[test]
    fn head_and_tail_are_exact() {
        let all = OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES;
        for total in [0, 1, OUTPUT_HEAD_BYTES, OUTPUT_HEAD_BYTES + 1, all - 1, all, all + 1, 3 * all] {
            for chunk in [997, 65_536, 4 * all] {
                check(total, chunk);
            }
        }
    }
}
