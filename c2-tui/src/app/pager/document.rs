//! The bytes that a pager shows: a text that is held here, or a window on an output that lies in a
//! file of the event loop.
//!
//! A place is the offset of the first byte of a line. Who asks for lines that are not here gets
//! [`Pause::Missing`] with the block to read, and asks again once it came. What was looked at since the last
//! key is counted, so that no key looks at more than a part of a long output. Memory is bounded in both
//! kinds: a text forgets its oldest lines, a window keeps only the chunks that came last.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use super::chunk::{self, BLOCK, Chunk, block_of, blocks, settled};

/// Bytes of a text; older lines are forgotten.
pub(super) const TEXT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Chunks of an output that are held at once, about 16 MiB.
pub(crate) const CHUNKS_MAX: usize = 256;

/// Bytes that are looked at before other keys are served.
pub(super) const LOOK_BYTES: u64 = 4 * BLOCK;

/// Why there is no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The lines that start in this block are not here, or were not searched.
    Missing(u64),
    /// Enough was looked at for one key.
    Later,
}

/// What is here, or what it waits for.
pub(super) type Found<T> = Result<T, Pause>;

/// Bytes in lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    kept: Kept,
    len: u64,
    /// Where the oldest line that is kept starts.
    first: u64,
    /// Lines in the chunks from the first one on, as far as they were counted.
    counts: Vec<u32>,
    /// Lines before each of these chunks, and behind the last one.
    before: Vec<u64>,
    /// Bytes that were looked at since the last key.
    looked_at: Cell<u64>,
}

#[derive(Clone, Debug)]
enum Kept {
    /// All bytes from a block border on.
    Text { raw: Vec<u8>, base: u64 },
    /// Some chunks, and the order in which they came. The oldest go first, not the farthest: a way
    /// may need chunks at both ends of the document.
    Window { chunks: BTreeMap<u64, Chunk>, order: VecDeque<u64> },
}

impl Default for Kept {
    fn default() -> Self {
        Self::Text { raw: Vec::new(), base: 0 }
    }
}

impl Document {
    pub(crate) fn text(bytes: &[u8]) -> Self {
        let mut document = Self::default();
        document.append(bytes);
        document
    }

    /// A window on an output of which nothing is known yet.
    pub(crate) fn window() -> Self {
        Self { kept: Kept::Window { chunks: BTreeMap::new(), order: VecDeque::new() }, ..Self::default() }
    }

    /// Bytes, those that were forgotten among them.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len == self.first
    }

    /// Where the oldest line starts that is still here.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// All bytes that are held, if it is a text.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        let Kept::Text { raw, base } = &self.kept else { return None };
        raw.get(usize::try_from(self.first - base).ok()?..)
    }

    /// Chunks that are held at present.
    pub(crate) fn held(&self) -> usize {
        match &self.kept {
            Kept::Text { .. } => usize::try_from(blocks(self.len)).unwrap_or(usize::MAX),
            Kept::Window { chunks, .. } => chunks.len(),
        }
    }

    /// Adds bytes at the end of a text, and forgets its oldest lines when it grows too long.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let Kept::Text { raw, base } = &mut self.kept else { return };
        raw.extend_from_slice(bytes);
        let recount = settled(self.len);
        self.len += bytes.len() as u64;
        let over = (self.len - *base).saturating_sub(TEXT_BYTES_MAX).div_ceil(BLOCK);
        if over > 0 {
            // One block more is kept, because the start of the first chunk is found by looking at
            // the block before it.
            let gone = over * BLOCK;
            raw.drain(..usize::try_from(gone).unwrap_or(usize::MAX).min(raw.len()));
            *base += gone;
            let second = block_of(*base) + 1;
            self.first = self.start_of(second);
        }
        let counts = (recount..blocks(self.len)).map(|b| self.chunk(b).map_or(0, |(_, c)| chunk::count_lines(c)));
        let counts: Vec<u32> = counts.collect();
        self.count(recount, &counts);
    }

    /// An output has this length now.
    pub(crate) fn grow(&mut self, len: u64) {
        let Kept::Window { chunks, order } = &mut self.kept else { return };
        let open = settled(self.len);
        chunks.retain(|block, _| *block < open);
        order.retain(|block| *block < open);
        self.counts.truncate(usize::try_from(open).unwrap_or(usize::MAX));
        self.before.truncate(self.counts.len() + 1);
        self.len = len;
    }

    /// Takes chunks of an output that were read.
    pub(crate) fn take(&mut self, chunk: Chunk) {
        let Kept::Window { chunks, order } = &mut self.kept else { return };
        let block = chunk.block;
        if chunks.insert(block, chunk).is_none() {
            order.push_back(block);
        }
        while order.len() > CHUNKS_MAX {
            order.pop_front().and_then(|oldest| chunks.remove(&oldest));
        }
    }

    /// Takes the numbers of lines in the chunks from `from` on.
    pub(crate) fn count(&mut self, from: u64, counts: &[u32]) {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        if from > self.counts.len() {
            return;
        }
        self.counts.truncate(from);
        self.before.truncate(from + 1);
        if self.before.is_empty() {
            self.before.push(0);
        }
        let mut all = self.before[from];
        for count in counts {
            all += u64::from(*count);
            self.counts.push(*count);
            self.before.push(all);
        }
    }

    /// How many lines there are, once all were counted.
    pub(crate) fn lines(&self) -> Option<u64> {
        let counted = self.counts.len() as u64 == blocks(self.len);
        counted.then(|| self.before.last().copied().unwrap_or(0))
    }

    /// Another key came, or there is time again.
    pub(super) fn look_anew(&self) {
        self.looked_at.set(0);
    }

    /// Counts bytes that were looked at.
    pub(super) fn look(&self, bytes: u64) {
        self.looked_at.set(self.looked_at.get() + bytes);
    }

    #[cfg(test)]
    pub(super) fn looked_at(&self) -> u64 {
        self.looked_at.get()
    }

    /// Leaves the rest for later once enough was looked at.
    pub(super) fn go_on(&self) -> Found<()> {
        if self.looked_at.get() < LOOK_BYTES { Ok(()) } else { Err(Pause::Later) }
    }

    /// Lines that start in a block: where the first one starts, and their bytes.
    pub(crate) fn chunk(&self, block: u64) -> Found<(u64, &[u8])> {
        match &self.kept {
            Kept::Window { chunks, .. } => {
                chunks.get(&block).map(|c| (c.start, &c.bytes[..])).ok_or(Pause::Missing(block))
            }
            Kept::Text { raw, base } => {
                let (start, end) = (self.start_of(block).max(self.first), self.start_of(block + 1).max(self.first));
                let index = |at: u64| usize::try_from(at - base).unwrap_or(usize::MAX).min(raw.len());
                Ok((start, &raw[index(start)..index(end)]))
            }
        }
    }

    fn start_of(&self, block: u64) -> u64 {
        let Kept::Text { raw, base } = &self.kept else { return 0 };
        if block <= block_of(*base) {
            return *base;
        }
        let size = usize::try_from(BLOCK).unwrap_or(usize::MAX);
        chunk::start(block, self.len, |n| {
            let from = usize::try_from(n * BLOCK - base).unwrap_or(usize::MAX).min(raw.len());
            &raw[from..(from + size).min(raw.len())]
        })
    }

    /// A line without its end.
    pub(crate) fn line(&self, at: u64) -> Found<&[u8]> {
        let rest = self.rest(at)?;
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        self.look(end as u64);
        Ok(&rest[..end])
    }

    /// The line behind a line.
    pub(crate) fn next(&self, at: u64) -> Found<Option<u64>> {
        if at >= self.len {
            return Ok(None);
        }
        let rest = self.rest(at)?;
        let length = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1);
        self.look(length as u64);
        let next = at + length as u64;
        Ok((length > 0 && next < self.len).then_some(next))
    }

    /// The line before a line, or the last one before the end.
    pub(crate) fn previous(&self, at: u64) -> Found<Option<u64>> {
        let mut at = at.min(self.len);
        while at > self.first {
            // The line before may have started in the block before.
            let block = block_of(at - 1);
            let (start, bytes) = self.chunk(block)?;
            if at > start {
                let before = &bytes[..usize::try_from(at - start - 1).unwrap_or(usize::MAX).min(bytes.len())];
                let line = before.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
                self.look((before.len() - line) as u64);
                return Ok(Some(start + line as u64));
            }
            if block == 0 {
                return Ok(None);
            }
            at = at.min(block * BLOCK);
        }
        Ok(None)
    }

    /// The line in which a byte lies.
    pub(crate) fn line_at(&self, byte: u64) -> Found<u64> {
        let last = byte.min(self.len.saturating_sub(1)).max(self.first);
        Ok(self.previous(last + 1)?.unwrap_or(self.first))
    }

    /// The number of a line, counted from 1, as far as that is known. One before it whose number is known
    /// saves the way from the start of the block.
    pub(crate) fn number(&self, at: u64, known: Option<(u64, u64)>) -> Option<u64> {
        let block = block_of(at);
        let (start, bytes) = self.chunk(block).ok()?;
        let known = known.filter(|(line, _)| block_of(*line) == block && *line <= at);
        let (from, number) = match known {
            Some(known) => known,
            None => (start, *self.before.get(usize::try_from(block).ok()?)? + 1),
        };
        let index = |at: u64| usize::try_from(at.checked_sub(start)?).ok();
        let part = bytes.get(index(from)?..index(at)?)?;
        self.look(part.len() as u64);
        Some(number + u64::from(chunk::count_lines(part)))
    }

    /// The line with this number or the last one; nothing while it was not counted so far.
    pub(crate) fn numbered(&self, number: u64) -> Found<Option<u64>> {
        let wanted = number.saturating_sub(1);
        let counted = self.before.last().copied().unwrap_or(0);
        if wanted >= counted {
            return if self.lines().is_some() { self.previous(self.len) } else { Ok(None) };
        }
        let block = self.before.partition_point(|before| *before <= wanted).saturating_sub(1) as u64;
        let (start, bytes) = self.chunk(block)?;
        let skip = wanted - self.before.get(usize::try_from(block).unwrap_or(usize::MAX)).copied().unwrap_or(0);
        let mut at = start;
        let lines = bytes.split_inclusive(|b| *b == b'\n').take(usize::try_from(skip).unwrap_or(usize::MAX));
        for line in lines {
            at += line.len() as u64;
        }
        self.look(at - start);
        Ok(Some(at.max(self.first)))
    }

    fn rest(&self, at: u64) -> Found<&[u8]> {
        let (start, bytes) = self.chunk(block_of(at))?;
        let from = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
        Ok(&bytes[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered_lines(n: u64) -> Vec<u8> {
        (1..=n).flat_map(|i| format!("line {i}\n").into_bytes()).collect()
    }

    /// What the event loop would read of a file.
    fn chunk_of(bytes: &[u8], block: u64) -> Chunk {
        let (start, lines) = Document::text(bytes).chunk(block).map(|(s, l)| (s, l.to_vec())).unwrap();
        Chunk { block, start, bytes: lines }
    }

    #[test]
    fn both_kinds_walk_the_same_lines() {
        let bytes = numbered_lines(40_000);
        let text = Document::text(&bytes);
        let mut window = Document::window();
        window.grow(bytes.len() as u64);
        assert_eq!(window.line(0), Err(Pause::Missing(0)));
        (0..blocks(window.len())).for_each(|b| window.take(chunk_of(&bytes, b)));
        for document in [&text, &window] {
            let (mut at, mut seen) = (Some(0), Vec::new());
            while let Some(line) = at {
                seen.push(line);
                at = document.next(line).unwrap();
            }
            assert_eq!(seen.len(), 40_000);
            assert_eq!(document.line(seen[39_999]), Ok(&b"line 40000"[..]));
            let (mut at, mut back) = (document.previous(document.len()).unwrap(), Vec::new());
            while let Some(line) = at {
                back.push(line);
                at = document.previous(line).unwrap();
            }
            back.reverse();
            assert_eq!(seen, back);
        }
        assert_eq!((text.lines(), window.lines()), (Some(40_000), None), "only the event loop can count a window");
    }

    #[test]
    fn numbers_and_places() {
        let text = Document::text(&numbered_lines(40_000));
        for number in [1, 2, 7_000, 39_999, 40_000] {
            let at = text.numbered(number).unwrap().unwrap();
            assert_eq!(text.line(at).unwrap(), format!("line {number}").as_bytes());
            assert_eq!(text.number(at, None), Some(number));
            let (near, far) = (text.previous(at).unwrap(), Some((0, 1)));
            let near = near.map(|line| (line, number - 1));
            assert_eq!((text.number(at, near), text.number(at, far)), (Some(number), Some(number)));
            assert_eq!(text.line_at(at + 3), Ok(at));
        }
        assert_eq!(text.numbered(99_999), text.previous(text.len()), "beyond the end is the last line");
    }

    #[test]
    fn memory_is_bounded() {
        let mut text = Document::default();
        let piece = numbered_lines(50_000);
        while text.len() < 2 * TEXT_BYTES_MAX {
            text.append(&piece);
        }
        assert!(text.len() - text.first() <= TEXT_BYTES_MAX);
        let number = text.number(text.first(), None).unwrap();
        let of_first = format!("line {}", (number - 1) % 50_000 + 1);
        assert_eq!(text.line(text.first()).unwrap(), of_first.as_bytes(), "numbers stay those of the whole");
        assert_eq!(text.previous(text.first()), Ok(None));
        let mut window = Document::window();
        window.grow(1 << 40);
        (0..1_000).for_each(|block| window.take(Chunk { block, start: block * BLOCK, bytes: b"x\n".to_vec() }));
        assert_eq!(window.held(), CHUNKS_MAX);
        assert!(window.chunk(999).is_ok() && window.chunk(0).is_err());
    }

    #[test]
    fn growing_joins_an_open_line() {
        let mut text = Document::text(b"one\ntw");
        assert_eq!(text.lines(), Some(2));
        text.append(b"o\nthree\n");
        assert_eq!((text.lines(), text.line(4)), (Some(3), Ok(&b"two"[..])));
        assert_eq!(text.next(8), Ok(None));
    }
}
