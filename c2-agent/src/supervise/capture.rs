//! What is kept of an output stream: all of it while it is short, its beginning and its end in any
//! case, and as much as c2d wants in a file.

use std::collections::VecDeque;
use std::io;

use c2_shared::api::jobs::Stream;
use c2_shared::api::live::Piece;
use c2_shared::api::output::Output;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::AttemptId;
use c2_shared::limits::OUTPUT_INLINE_BYTES;

use crate::outputs::{Extent, Outputs, Writing};

/// Bytes of the beginning and of the end that are in memory.
const HALF: usize = OUTPUT_INLINE_BYTES / 2;

/// Collects a stream.
#[derive(Debug)]
pub(crate) struct Capture {
    place: Place,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    file: KeptInFile,
}

/// Where the file of a stream is made, when one is needed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) outputs: Outputs,
    pub(crate) attempt: AttemptId,
    pub(crate) stream: Stream,
    /// Bytes to be kept.
    pub(crate) keep: u64,
}

#[derive(Debug)]
enum KeptInFile {
    NotNeeded,
    Going(Writing),
    /// It was needed and cannot be written.
    Failed(io::Error),
}

impl Capture {
    pub(crate) const fn new(place: Place) -> Self {
        Self { place, head: Vec::new(), tail: VecDeque::new(), total: 0, file: KeptInFile::NotNeeded }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Err(error) = self.write(bytes)
            && let KeptInFile::Going(writing) = std::mem::replace(&mut self.file, KeptInFile::Failed(error))
        {
            writing.discard();
        }
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at((HALF - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(head);
        let kept = &rest[rest.len().saturating_sub(HALF)..];
        let excess = (self.tail.len() + kept.len()).saturating_sub(HALF);
        self.tail.drain(..excess);
        self.tail.extend(kept);
    }

    /// Writes to the file, which is begun when memory does not hold everything any more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = self.total + bytes.len() as u64 <= OUTPUT_INLINE_BYTES as u64;
        match &mut self.file {
            KeptInFile::Going(writing) => writing.write(bytes),
            KeptInFile::NotNeeded if !fits && self.place.keep > OUTPUT_INLINE_BYTES as u64 => {
                let Place { outputs, attempt, stream, keep } = &self.place;
                let mut writing = outputs.begin(*attempt, *stream, *keep)?;
                let (first, second) = self.tail.as_slices();
                let written = [&self.head, first, second, bytes].into_iter().try_for_each(|part| writing.write(part));
                self.file = KeptInFile::Going(writing);
                written
            }
            KeptInFile::NotNeeded | KeptInFile::Failed(_) => Ok(()),
        }
    }

    /// Reads at most `max` bytes of what is kept from a position of the stream on.
    pub(crate) fn read(&self, from: u64, max: usize) -> Piece {
        if let KeptInFile::Going(writing) = &self.file
            && let Ok(piece) = writing.read(from, max)
        {
            return piece;
        }
        Piece::of(&self.head, self.dropped(), self.tail.as_slices(), from, max)
    }

    /// Ends the stream: what of it stands in the result, and where the rest is.
    pub(crate) fn end(self) -> (Output, Option<Extent>) {
        let dropped = self.dropped();
        let Self { mut head, tail, file, .. } = self;
        let tail = Vec::from(tail);
        if dropped == 0 {
            head.extend_from_slice(&tail);
            return (Output::whole(head), None);
        }
        let (reason, extent) = match file {
            KeptInFile::NotNeeded => (String::new(), None),
            KeptInFile::Going(writing) => (String::new(), Some(writing.end())),
            KeptInFile::Failed(error) => (format!("the worker could not write it down: {error}"), None),
        };
        (Output { head: Bytes64(head), dropped, tail: Bytes64(tail), blob: None, reason }, extent)
    }

    /// Bytes that are not in memory.
    fn dropped(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn place(dir: &std::path::Path, keep: u64) -> Place {
        let outputs = Outputs::new(dir.join("outputs"));
        Place { outputs, attempt: "job-1.1".parse().unwrap(), stream: Stream::Stdout, keep }
    }

    fn stream(total: usize) -> Vec<u8> {
        (0..total).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    #[test]
    fn short_streams_are_whole_and_long_ones_have_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let inline = OUTPUT_INLINE_BYTES;
        for total in [0, 1, HALF, HALF + 1, inline, inline + 1, 3 * inline, 400_000] {
            for chunk in [997, 65_536, 4 * inline] {
                let (all, place) = (stream(total), place(dir.path(), 1 << 20));
                let mut capture = Capture::new(place.clone());
                all.chunks(chunk).for_each(|part| capture.push(part));
                let live = capture.read(total as u64 / 2, 100);
                assert_eq!(live.data.0, all[total / 2..].iter().copied().take(100).collect::<Vec<_>>());
                let (output, extent) = capture.end();
                assert_eq!(output.total_bytes(), total as u64, "{total} in chunks of {chunk}");
                assert_eq!(extent.is_some(), total > inline);
                let Some(extent) = extent else {
                    assert_eq!(output, Output::whole(all));
                    continue;
                };
                let mut kept = Vec::new();
                place.outputs.open(place.attempt, place.stream, extent).unwrap().read_to_end(&mut kept).unwrap();
                assert!(kept == all, "{total} in chunks of {chunk}");
                assert_eq!((&output.head.0[..], &output.tail.0[..]), (&all[..HALF], &all[total - HALF..]));
            }
        }
    }

    #[test]
    fn without_a_file_beginning_and_end_are_left_and_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("outputs"), "no folder").unwrap();
        let all = stream(300_000);
        let mut capture = Capture::new(place(dir.path(), 1 << 20));
        all.chunks(1_000).for_each(|part| capture.push(part));
        assert_eq!(capture.read(100_000, 9).offset, (all.len() - HALF) as u64);
        let (output, extent) = capture.end();
        assert_eq!((extent, output.total_bytes()), (None, 300_000));
        assert!(output.reason.starts_with("the worker could not write it down: "), "{}", output.reason);
        assert!(all.starts_with(&output.head.0) && all.ends_with(&output.tail.0));
    }
}
