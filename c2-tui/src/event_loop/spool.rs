//! An output in a file: long ones do not fit into memory, and any part of them must be at hand.
//!
//! The file has no name, so that nothing is left behind however the console ends. Reading is by
//! place and needs no order; all of it blocks and belongs on a thread of its own.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use c2_shared::home;

use crate::app::msg::SaveEnding;
use crate::app::pager::{BLOCK, Chunk, blocks, count_lines, start};

/// Blocks that are read with one call.
const RUN_MAX: u64 = 64;
/// Bytes that are copied with one call.
const COPY_BYTES: usize = 1024 * 1024;

/// Bytes in a file, with their number.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    len: u64,
}

impl Spool {
    /// An empty one, in a file without a name in this folder.
    pub(crate) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        super::history::make_private_folder(folder)?;
        let path = folder.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(path)?;
        Self::of(file)
    }

    pub(crate) fn of(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), len })
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The chunks of these blocks, which are in order.
    pub(crate) fn chunks(&self, wanted: &[u64]) -> io::Result<Vec<Chunk>> {
        let mut chunks = Vec::with_capacity(wanted.len());
        let mut rest = wanted;
        while let Some(first) = rest.first().copied() {
            let run = rest.iter().zip(first..first + RUN_MAX).take_while(|(block, next)| *block == next).count();
            let part = self.read(first, first + run as u64)?;
            chunks.extend((first..first + run as u64).map(|block| part.chunk(block, self.len)));
            rest = &rest[run..];
        }
        Ok(chunks)
    }

    /// Lines in the chunks from one on, of a run of blocks at most.
    pub(crate) fn counts(&self, from: u64) -> io::Result<Vec<u32>> {
        let to = (from + RUN_MAX).min(blocks(self.len));
        let part = self.read(from, to)?;
        Ok((from..to).map(|block| count_lines(part.lines(block, self.len).1)).collect())
    }

    /// The same bytes in another file, which may grow by itself.
    pub(crate) fn copy(&self, folder: &Path, name: &str) -> io::Result<Self> {
        let mut copy = Self::create(folder, name)?;
        copy.len = self.write_to(&copy.file)?;
        Ok(copy)
    }

    /// Copies all of it to a file.
    pub(crate) fn save(&self, path: &str, overwrite: bool) -> SaveEnding {
        save(path, overwrite, |out| self.write_to(out))
    }

    fn write_to(&self, out: &File) -> io::Result<u64> {
        let mut buffer = vec![0; COPY_BYTES];
        let mut at = 0;
        while at < self.len {
            let part = usize::try_from(self.len - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            self.file.read_exact_at(&mut buffer[..part], at)?;
            out.write_all_at(&buffer[..part], at)?;
            at += part as u64;
        }
        Ok(self.len)
    }

    /// Reads blocks with what lies on both sides of them, as their borders need it.
    fn read(&self, from: u64, to: u64) -> io::Result<Part> {
        let base = from.saturating_sub(1) * BLOCK;
        let end = ((to + 1) * BLOCK).min(self.len).max(base);
        let mut bytes = vec![0; usize::try_from(end - base).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, base)?;
        Ok(Part { base, bytes })
    }
}

struct Part {
    base: u64,
    bytes: Vec<u8>,
}

impl Part {
    fn chunk(&self, block: u64, len: u64) -> Chunk {
        let (start, lines) = self.lines(block, len);
        Chunk { block, start, bytes: lines.to_vec() }
    }

    fn lines(&self, block: u64, len: u64) -> (u64, &[u8]) {
        let of = |n: u64| self.between(n * BLOCK, (n + 1) * BLOCK);
        let (from, to) = (start(block, len, of), start(block + 1, len, of));
        (from, self.between(from, to))
    }

    fn between(&self, from: u64, to: u64) -> &[u8] {
        let index = |at: u64| usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len());
        &self.bytes[index(from)..index(to)]
    }
}

/// Writes bytes to a file.
pub(super) fn save_text(path: &str, overwrite: bool, text: &[u8]) -> SaveEnding {
    save(path, overwrite, |out| out.write_all_at(text, 0).map(|()| text.len() as u64))
}

fn save(path: &str, overwrite: bool, write: impl FnOnce(&File) -> io::Result<u64>) -> SaveEnding {
    let mut options = OpenOptions::new();
    options.write(true);
    if overwrite {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.open(home::expand(Path::new(path))).and_then(|out| write(&out)) {
        Ok(bytes) => SaveEnding::Done(bytes),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => SaveEnding::Exists,
        Err(error) => SaveEnding::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::pager::Document;

    fn spool(bytes: &[u8]) -> Spool {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path(), "spool").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        spool.append(bytes).unwrap();
        spool
    }

    #[test]
    fn chunks_are_those_of_a_text() {
        let lines: Vec<u8> = (0..30_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let long = [b"short\n".to_vec(), vec![b'x'; 300_000], b"\nend".to_vec()].concat();
        for bytes in [lines, long, Vec::new(), b"\n".to_vec()] {
            let (spool, text) = (spool(&bytes), Document::text(&bytes));
            let all: Vec<u64> = (0..blocks(spool.len())).collect();
            for wanted in [all.clone(), all.into_iter().step_by(2).collect()] {
                for chunk in spool.chunks(&wanted).unwrap() {
                    assert_eq!(text.chunk(chunk.block), Ok((chunk.start, &chunk.bytes[..])), "block {}", chunk.block);
                }
            }
            let lines: u64 = spool.counts(0).unwrap().into_iter().map(u64::from).sum();
            assert_eq!(Some(lines), text.lines());
        }
    }

    #[test]
    fn saving_never_overwrites_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        let path = path.to_str().unwrap();
        let spool = spool(b"one\ntwo\n");
        assert_eq!(spool.save(path, false), SaveEnding::Done(8));
        assert_eq!(spool.save(path, false), SaveEnding::Exists);
        assert_eq!(save_text(path, true, b"x"), SaveEnding::Done(1));
        assert_eq!(fs::read(path).unwrap(), b"x");
        assert!(matches!(save_text("/nowhere/at/all", false, b"x"), SaveEnding::Failed(_)));
    }
}
