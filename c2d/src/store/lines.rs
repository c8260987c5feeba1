//! A file of lines in which each line is complete or absent, also when its disk is full.

use std::fs::File;
use std::io::{self, Write};

/// What appending needs of a file; tests put a disk in its place that fails at any byte.
pub(super) trait Tail: Write {
    /// How long it is.
    fn len(&self) -> io::Result<u64>;
    /// Cuts its end off.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

/// Appends to a file.
#[derive(Debug)]
pub(super) struct Lines<F> {
    file: F,
    /// Where the complete lines end, as long as something else follows them.
    torn_at: Option<u64>,
}

impl Tail for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

impl<F: Tail> Lines<F> {
    /// A file whose complete lines end at `torn_at`, or with the file.
    pub(super) const fn new(file: F, torn_at: Option<u64>) -> Self {
        Self { file, torn_at }
    }

    pub(super) const fn file(&self) -> &F {
        &self.file
    }

    /// Appends lines, each with its line feed. Answers how many of them are in the file: after an
    /// error those that still fitted.
    pub(super) fn append(&mut self, text: &[u8]) -> (usize, io::Result<()>) {
        let before = match self.repair().and_then(|()| self.file.len()) {
            Ok(len) => len,
            Err(error) => return (0, Err(error)),
        };
        let Err(error) = self.file.write_all(text) else { return (count(text), Ok(())) };
        let written = self.file.len().map_or(0, |len| len.saturating_sub(before));
        let written = text.get(..usize::try_from(written).unwrap_or(0)).unwrap_or(text);
        let whole = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.torn_at = Some(before + whole as u64);
        // When this fails too, the next append begins with it.
        let _tried = self.repair();
        (count(&text[..whole]), Err(error))
    }

    fn repair(&mut self) -> io::Result<()> {
        if let Some(at) = self.torn_at {
            // Somebody else may have shortened the file meanwhile; it must not grow here.
            if self.file.len()? > at {
                self.file.cut(at)?;
            }
            self.torn_at = None;
        }
        Ok(())
    }
}

fn count(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for a few bytes, which may refuse to shorten a file.
    #[derive(Default)]
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
        cuts: bool,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room - self.bytes.len());
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Tail for Disk {
        fn len(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            if !self.cuts {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.truncate(usize::try_from(len).unwrap());
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_is_full_at_any_byte_tears_no_line() {
        let texts = ["first\n", "second\nthird\n", "a longer fourth\n", "\n", "sixth\nseventh\n"];
        let all: Vec<&str> = texts.iter().flat_map(|text| text.split_inclusive('\n')).collect();
        let bytes = all.concat().len();
        for (room, cuts) in (0..=bytes).flat_map(|room| [(room, true), (room, false)]) {
            let mut lines = Lines::new(Disk { room, cuts, ..Disk::default() }, None);
            let mut done = 0;
            let mut go_on = |lines: &mut Lines<Disk>| {
                while done < all.len() {
                    // Two at a time, so that one of them may fit.
                    let text = all[done..].iter().take(2).copied().collect::<String>();
                    let (count, result) = lines.append(text.as_bytes());
                    done += count;
                    if result.is_err() {
                        return done;
                    }
                }
                done
            };
            let fitted = go_on(&mut lines);
            let there = String::from_utf8(lines.file.bytes.clone()).unwrap();
            assert!(there.starts_with(&all[..fitted].concat()), "{room}: {there:?}");
            assert!(!cuts || there == all[..fitted].concat(), "{room}: cut at once: {there:?}");
            assert_eq!(fitted == all.len(), room == bytes);
            (lines.file.room, lines.file.cuts) = (bytes, true);
            assert_eq!(go_on(&mut lines), all.len());
            assert_eq!(String::from_utf8(lines.file.bytes).unwrap(), all.concat(), "{room}, {cuts}");
        }
    }

    #[test]
    fn a_file_that_was_shortened_meanwhile_does_not_grow_by_a_repair() {
        let mut lines = Lines::new(Disk { room: 100, cuts: true, ..Disk::default() }, Some(50));
        assert_eq!(lines.append(b"one\n").0, 1);
        assert_eq!(lines.file.bytes, b"one\n");
    }
}
