//! What jobs write beyond what a result holds: `outputs/<attempt>.out` and `.err` in the state folder,
//! until c2d has it.
//!
//! Of a stream the beginning and the end are kept. The end lies in a ring, so that a file never
//! becomes longer than what is kept; before it is sent the file is brought into the stream's order.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use c2_shared::api::jobs::Stream;
use c2_shared::api::live::Piece;
use c2_shared::api::output::Output;
use c2_shared::bytes64::Bytes64;
use c2_shared::id::AttemptId;
use serde::{Deserialize, Serialize};

/// Bytes copied at once.
const CHUNK_BYTES: usize = 256 * 1024;
/// What follows the name of a file that was brought into the stream's order.
const WHOLE: &str = ".whole";
/// What follows the name of a file that is being written.
const NEW: &str = ".new";

/// The folder of long outputs.
#[derive(Clone, Debug)]
pub(crate) struct Outputs {
    dir: PathBuf,
}

/// Which streams of an attempt are in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Long {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stdout: Option<Extent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stderr: Option<Extent>,
}

/// How a stream lies in its file: `head` bytes from its beginning, behind them a ring with `tail`
/// bytes from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// Bytes that the stream had.
    total: u64,
    /// Bytes that are kept of its beginning, at most.
    head: u64,
    /// The size of the ring.
    tail: u64,
}

/// A stream on its way into a file.
#[derive(Debug)]
pub(crate) struct Writing {
    path: PathBuf,
    file: File,
    extent: Extent,
}

impl Outputs {
    pub(crate) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Begins the file of a stream of which at most `keep` bytes are kept.
    pub(crate) fn begin(&self, attempt: AttemptId, stream: Stream, keep: u64) -> io::Result<Writing> {
        let head = Output::head_bytes(keep);
        self.lay_out(attempt, stream, Extent { total: 0, head, tail: keep - head })
    }

    /// Puts an output of more than `max` bytes into a file. Leaves a short form of it.
    pub(crate) fn take(
        &self,
        attempt: AttemptId,
        stream: Stream,
        output: &mut Output,
        max: usize,
    ) -> io::Result<Option<Extent>> {
        let Output { head: Bytes64(head), dropped, tail: Bytes64(tail), .. } = &*output;
        if head.len() + tail.len() <= max {
            return Ok(None);
        }
        let extent = Extent { total: 0, head: head.len() as u64, tail: tail.len() as u64 };
        let mut writing = self.lay_out(attempt, stream, extent)?;
        writing.write(head)?;
        writing.extent.total += dropped;
        writing.write(tail)?;
        *output = short(head, *dropped, tail, max);
        Ok(Some(writing.extent))
    }

    fn lay_out(&self, attempt: AttemptId, stream: Stream, extent: Extent) -> io::Result<Writing> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let path = self.path(attempt, stream);
        let _of_an_earlier_take = fs::remove_file(with_ending(&path, WHOLE));
        let file = create(&path)?;
        Ok(Writing { path, file, extent })
    }

    /// Opens what is kept of a stream, in the stream's order. A file whose ring has turned is written anew
    /// for it, once.
    pub(crate) fn open(&self, attempt: AttemptId, stream: Stream, extent: Extent) -> io::Result<File> {
        let path = self.path(attempt, stream);
        let whole = with_ending(&path, WHOLE);
        match File::open(&whole) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let file = File::open(&path)?;
        let pieces: Vec<Range<u64>> = extent.pieces().collect();
        if pieces.windows(2).all(|pair| pair[0].end == pair[1].start) {
            return Ok(file);
        }
        let new = with_ending(&whole, NEW);
        let written = create(&new)?;
        let mut at = 0;
        for (from, len) in pieces.into_iter().flat_map(chunks) {
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, from)?;
            written.write_all_at(&bytes, at)?;
            at += len as u64;
        }
        written.sync_all()?;
        fs::rename(&new, &whole)?;
        fs::remove_file(&path)?;
        Ok(written)
    }

    /// Keeps bytes beside an attempt's streams, to be sent.
    pub(crate) fn keep(&self, attempt: AttemptId, name: &str, bytes: &[u8]) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let file = create(&self.dir.join(format!("{attempt}.{name}")))?;
        file.write_all_at(bytes, 0)?;
        Ok(file)
    }

    /// Forgets everything of an attempt.
    pub(crate) fn remove(&self, attempt: AttemptId) {
        self.sweep(|other| other != attempt);
    }

    /// Removes what no attempt of these needs: it was left by one that was lost.
    pub(crate) fn sweep(&self, needed: impl Fn(AttemptId) -> bool) {
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            // The name is the attempt's with endings, and the attempt's own has one dot.
            let attempt =
                name.to_str().and_then(|name| name.splitn(3, '.').take(2).collect::<Vec<_>>().join(".").parse().ok());
            if attempt.is_none_or(|attempt| !needed(attempt)) {
                let _gone = fs::remove_file(entry.path());
            }
        }
    }

    fn path(&self, attempt: AttemptId, stream: Stream) -> PathBuf {
        self.dir.join(match stream {
            Stream::Stdout => format!("{attempt}.out"),
            Stream::Stderr => format!("{attempt}.err"),
        })
    }
}

impl Long {
    pub(crate) const fn is_empty(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }
}

impl Extent {
    /// Bytes that are kept.
    pub(crate) fn size(self) -> u64 {
        self.total.min(self.head + self.tail)
    }

    /// Bytes that the stream had.
    pub(crate) const fn total(self) -> u64 {
        self.total
    }

    /// Bytes before the gap.
    pub(crate) fn dropped_at(self) -> u64 {
        self.total.min(self.head)
    }

    /// The position of the first byte behind the gap.
    fn tail_start(self) -> u64 {
        self.total.saturating_sub(self.tail).max(self.head).min(self.total)
    }

    /// Where a position of the stream lies in the file, and how many bytes follow it there.
    fn place(self, position: u64) -> (u64, u64) {
        if position < self.head {
            return (position, self.head - position);
        }
        let ring = self.tail.max(1);
        let in_ring = (position - self.head) % ring;
        (self.head + in_ring, ring - in_ring)
    }

    /// What is kept, as ranges of the file in the stream's order.
    fn pieces(self) -> impl Iterator<Item = Range<u64>> {
        let head = 0..self.dropped_at();
        let (first, behind) = self.place(self.tail_start().max(self.head));
        let len = self.total - self.tail_start();
        let (one, two) = (first..first + len.min(behind), self.head..self.head + len.saturating_sub(behind));
        [head, one, two].into_iter().filter(|piece| !piece.is_empty())
    }
}

impl Writing {
    /// Takes the next bytes of the stream.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (at, room) = self.extent.place(self.extent.total);
            let (now, later) = bytes.split_at(usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len()));
            self.file.write_all_at(now, at)?;
            self.extent.total += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    /// Reads at most `max` bytes of what is kept from a position of the stream on.
    pub(crate) fn read(&self, from: u64, max: usize) -> io::Result<Piece> {
        let Extent { total, head, .. } = self.extent;
        let from = if from < head { from } else { from.max(self.extent.tail_start()) };
        let (at, room) = self.extent.place(from);
        let len = room.min(total.saturating_sub(from)).min(max as u64);
        let mut data = vec![0; usize::try_from(len).unwrap_or(max)];
        self.file.read_exact_at(&mut data, at)?;
        Ok(Piece { offset: from, data: Bytes64(data) })
    }

    /// Ends the stream.
    pub(crate) fn end(self) -> Extent {
        self.extent
    }

    /// Gives the file up.
    pub(crate) fn discard(self) {
        let _gone = fs::remove_file(self.path);
    }
}

fn create(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A range in parts that are read at once.
fn chunks(range: Range<u64>) -> impl Iterator<Item = (u64, usize)> {
    let end = range.end;
    range.step_by(CHUNK_BYTES).map(move |from| {
        let left = usize::try_from(end - from).unwrap_or(CHUNK_BYTES);
        (from, left.min(CHUNK_BYTES))
    })
}

/// A stream of more than `max` bytes cut to them: as much of its end as of its beginning.
fn short(head: &[u8], dropped: u64, tail: &[u8], max: usize) -> Output {
    // Without a gap head and tail are one.
    let (head, tail) = if dropped == 0 { ([head, tail].concat(), &[][..]) } else { (head.to_vec(), tail) };
    let (begin, rest) = head.split_at(head.len().min(max / 2));
    let behind = if dropped == 0 { rest } else { tail };
    let end = &behind[behind.len().saturating_sub(max / 2)..];
    let kept = begin.len() + end.len();
    let dropped = dropped + (head.len() + tail.len() - kept) as u64;
    Output { head: Bytes64(begin.to_vec()), dropped, tail: Bytes64(end.to_vec()), ..Output::default() }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use c2_shared::limits::OUTPUT_INLINE_BYTES;

    use super::*;

    fn stream(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    #[test]
    fn what_is_kept_comes_back_in_the_streams_order() {
        let dir = tempfile::tempdir().unwrap();
        let outputs = Outputs::new(dir.path().join("outputs"));
        let attempt = "job-7.1".parse().unwrap();
        for (keep, total) in
            [(100, 0), (100, 50), (100, 100), (100, 101), (100, 149), (100, 150), (100, 1_234), (7, 99)]
        {
            for chunk in [1, 13, 5_000] {
                let all = stream(total);
                let mut writing = outputs.begin(attempt, Stream::Stdout, keep).unwrap();
                all.chunks(chunk).for_each(|bytes| writing.write(bytes).unwrap());
                let (head, keep) = (usize::try_from(keep / 4).unwrap(), usize::try_from(keep).unwrap());
                let kept =
                    if total <= keep { all.clone() } else { [&all[..head], &all[total - (keep - head)..]].concat() };
                let (mut read, mut at) = (Vec::new(), 0);
                loop {
                    let piece = writing.read(at, 17).unwrap();
                    if piece.data.is_empty() {
                        break;
                    }
                    at = piece.end();
                    read.extend(piece.data.0);
                }
                assert_eq!((read, at), (kept.clone(), total as u64), "{total} of {keep} by {chunk}, live");
                let extent = writing.end();
                assert_eq!((extent.size(), extent.total()), (kept.len() as u64, total as u64));
                for time in 0..2 {
                    let mut content = Vec::new();
                    let mut file = outputs.open(attempt, Stream::Stdout, extent).unwrap();
                    file.read_to_end(&mut content).unwrap();
                    assert_eq!(content, kept, "{total} of {keep} by {chunk}, time {time}");
                }
            }
        }
    }

    #[test]
    fn long_outputs_of_old_runners_are_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let outputs = Outputs::new(dir.path().join("outputs"));
        let attempt = "job-7.1".parse().unwrap();
        let bytes = |len| Bytes64(stream(len));
        let table = [
            (Output::whole(stream(OUTPUT_INLINE_BYTES)), None),
            (Output::whole(stream(200_000)), Some((200_000, 200_000))),
            (
                Output { head: bytes(65_536), dropped: 99, tail: bytes(196_608), ..Output::default() },
                Some((262_144, 262_243)),
            ),
            (Output { head: bytes(40_000), dropped: 99, tail: bytes(0), ..Output::default() }, Some((40_000, 40_099))),
        ];
        for (sent, expected) in table {
            let mut left = sent.clone();
            let extent = outputs.take(attempt, Stream::Stderr, &mut left, OUTPUT_INLINE_BYTES).unwrap();
            assert_eq!(extent.map(|extent| (extent.size(), extent.total())), expected);
            assert_eq!(left.total_bytes(), sent.total_bytes());
            assert!(
                left.head.0.len() + left.tail.0.len() <= OUTPUT_INLINE_BYTES && sent.kept().starts_with(&left.head.0)
            );
            if let Some(extent) = extent {
                let mut content = Vec::new();
                outputs.open(attempt, Stream::Stderr, extent).unwrap().read_to_end(&mut content).unwrap();
                assert_eq!(content, sent.kept());
            }
        }
        outputs.sweep(|held| held == attempt);
        assert!(outputs.path(attempt, Stream::Stderr).exists());
        outputs.sweep(|_| false);
        assert!(!outputs.path(attempt, Stream::Stderr).exists());
    }
}
