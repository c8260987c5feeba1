//! How bytes are cut into chunks of whole lines, so that any part of a long output can be shown
//! without having read what lies before it.
//!
//! Bytes stand in blocks of a fixed size, and the chunk of a block is the lines that start in it.
//! A line that fills a whole block is broken at the next border; that keeps each line shorter than
//! two blocks, and lets every border be found by looking at the two blocks beside it.

/// Bytes of a block.
pub(crate) const BLOCK: u64 = 64 * 1024;

/// The lines that start in one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) block: u64,
    /// Where its first line starts, counted from the start of the document.
    pub(crate) start: u64,
    /// Its lines with their ends.
    pub(crate) bytes: Vec<u8>,
}

/// The block in which a byte lies.
pub(crate) const fn block_of(at: u64) -> u64 {
    at / BLOCK
}

/// Blocks of a document of this length.
pub(crate) const fn blocks(len: u64) -> u64 {
    len.div_ceil(BLOCK)
}

/// Blocks whose chunks cannot change any more when bytes are added behind this length.
pub(crate) const fn settled(len: u64) -> u64 {
    block_of(len).saturating_sub(1)
}

/// Where the first line that starts in `block` or behind it begins. `bytes` answers the bytes of a
/// block; it is asked for this one and the one before.
pub(crate) fn start<'a>(block: u64, len: u64, bytes: impl Fn(u64) -> &'a [u8]) -> u64 {
    let border = block * BLOCK;
    if block == 0 || border >= len {
        return border.min(len);
    }
    let before = bytes(block - 1);
    if before.last() == Some(&b'\n') || !before.contains(&b'\n') {
        return border;
    }
    let here = bytes(block);
    let line = here.iter().position(|b| *b == b'\n').map_or(here.len(), |end| end + 1);
    border + line as u64
}

pub(crate) fn count_lines(bytes: &[u8]) -> u32 {
    let ends = bytes.iter().filter(|b| **b == b'\n').count();
    let open = !bytes.is_empty() && bytes.last() != Some(&b'\n');
    u32::try_from(ends + usize::from(open)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(text: &[u8]) -> Vec<u64> {
        let len = text.len() as u64;
        let block = |n: u64| {
            let from = usize::try_from(n * BLOCK).unwrap();
            &text[from..text.len().min(from + usize::try_from(BLOCK).unwrap())]
        };
        (0..=blocks(len)).map(|n| start(n, len, block)).collect()
    }

    #[test]
    fn chunks_hold_whole_lines() {
        let size = usize::try_from(BLOCK).unwrap();
        assert_eq!(starts(b""), [0]);
        assert_eq!(starts(b"a\nb"), [0, 3]);
        let mut text = vec![b'x'; size - 2];
        text.extend(b"\nabc\nd\n");
        assert_eq!(starts(&text), [0, BLOCK + 3, BLOCK + 5]);
        let exact = [vec![b'x'; size - 1], b"\nnext\n".to_vec()].concat();
        assert_eq!(starts(&exact), [0, BLOCK, BLOCK + 5]);
    }

    #[test]
    fn an_endless_line_is_broken_at_borders() {
        let size = usize::try_from(BLOCK).unwrap();
        let text = [b"a\n".to_vec(), vec![b'x'; 3 * size]].concat();
        assert_eq!(starts(&text), [0, 2 * BLOCK, 2 * BLOCK, 3 * BLOCK, 3 * BLOCK + 2]);
    }

    #[test]
    fn lines_are_counted() {
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("\n\n", 2), ("a\nb", 2)] {
            assert_eq!(count_lines(text.as_bytes()), lines, "{text:?}");
        }
    }
}
