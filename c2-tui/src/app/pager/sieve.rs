//! Which lines hold a pattern: found block by block, so that a long output is searched in slices.
//!
//! How many lines of a block match is kept for each block, so that matches are counted and blocks without
//! any are passed over. Where these lines start is kept only for the blocks that were looked at last: to go
//! from match to match then reads no byte, and a pattern that all lines hold takes no more memory than others.

use std::collections::{BTreeMap, VecDeque};

use super::chunk::{BLOCK, block_of, blocks};
use super::document::{Document, Found, Pause};
use super::pattern::Pattern;

/// Lines of which it is kept where they start, and blocks in which they are.
const PLACES_MAX: usize = 1 << 20;
const PLACED_MAX: usize = 4_096;

/// A pattern, and what is known of the lines that it matches.
#[derive(Clone, Debug)]
pub(super) struct Sieve {
    pub(super) pattern: Pattern,
    /// What else a line must hold: the filter, where only what it lets pass is shown.
    within: Option<Pattern>,
    hits: Vec<Option<u32>>,
    places: Places,
}

/// Where lines start, counted from the start of the block in which they do.
#[derive(Clone, Debug)]
struct Places {
    of: BTreeMap<u64, Box<[u16]>>,
    /// The blocks in the order in which they were looked at.
    order: VecDeque<u64>,
    len: usize,
}

impl Sieve {
    /// A pattern for which no line was looked at.
    pub(super) const fn new(pattern: Pattern) -> Self {
        let places = Places { of: BTreeMap::new(), order: VecDeque::new(), len: 0 };
        Self { pattern, within: None, hits: Vec::new(), places }
    }

    /// The same pattern, among the lines that another one lets pass.
    pub(super) fn among(&self, within: Option<Pattern>) -> Self {
        Self { within, ..Self::new(self.pattern.clone()) }
    }

    /// Whether the lines of a block must be looked at before anything is answered of them.
    pub(super) fn needs(&self, block: u64) -> bool {
        self.places_in(block).is_err()
    }

    /// Looks at the lines of a block, of which the first one starts at `start`.
    pub(super) fn scan(&mut self, block: u64, start: u64, bytes: &[u8]) {
        let index = usize::try_from(block).unwrap_or(usize::MAX);
        if self.hits.len() <= index {
            self.hits.resize(index + 1, None);
        }
        let is_within = |line: &[u8]| self.within.as_ref().is_none_or(|within| within.is_match(line));
        let found = lines(bytes).filter(|(_, line)| self.pattern.is_match(line) && is_within(line));
        let within = |at: u64| u16::try_from((start + at).saturating_sub(block * BLOCK)).unwrap_or(u16::MAX);
        let places: Box<[u16]> = found.map(|(at, _)| within(at)).collect();
        self.hits[index] = Some(u32::try_from(places.len()).unwrap_or(u32::MAX));
        self.places.put(block, places);
    }

    /// Forgets the blocks from this one on: they have changed.
    pub(super) fn forget_from(&mut self, block: u64) {
        self.hits.truncate(usize::try_from(block).unwrap_or(usize::MAX));
        self.places.forget_from(block);
    }

    /// The first block at or behind `from` that was never looked at.
    pub(super) fn unseen(&self, from: u64, len: u64) -> Option<u64> {
        (from..blocks(len)).find(|block| self.of(*block).is_none())
    }

    /// How many lines match, as far as they were looked at.
    pub(super) fn total(&self) -> u64 {
        self.hits.iter().flatten().map(|n| u64::from(*n)).sum()
    }

    /// How many matches stand in the blocks before this one.
    pub(super) fn before(&self, block: u64) -> Option<u64> {
        (0..block).map(|b| self.of(b).map(u64::from)).sum()
    }

    /// Which of the matches of its block a line is, counted from 1.
    pub(super) fn rank_in_block(&self, at: u64) -> Found<u64> {
        let block = block_of(at);
        Ok(self.places_in(block)?.partition_point(|place| block * BLOCK + u64::from(*place) <= at) as u64)
    }

    pub(super) fn has(&self, line: u64) -> Found<bool> {
        let place = u16::try_from(line % BLOCK).unwrap_or(u16::MAX);
        Ok(self.places_in(block_of(line))?.binary_search(&place).is_ok())
    }

    /// The first line that matches, at `from` or behind it.
    pub(super) fn forward(&self, document: &Document, from: u64) -> Found<Option<u64>> {
        let from = from.max(document.first());
        for block in block_of(from)..blocks(document.len()) {
            let places = self.places_in(block)?;
            let at = |place: u16| block * BLOCK + u64::from(place);
            if let Some(place) = places.get(places.partition_point(|place| at(*place) < from)) {
                return Ok(Some(at(*place)));
            }
        }
        Ok(None)
    }

    /// The last line that matches before `before`.
    pub(super) fn back(&self, document: &Document, before: u64) -> Found<Option<u64>> {
        if before <= document.first() {
            return Ok(None);
        }
        for block in (block_of(document.first())..=block_of(before - 1)).rev() {
            let places = self.places_in(block)?;
            let at = |place: u16| block * BLOCK + u64::from(place);
            if let Some(behind) = places.partition_point(|place| at(*place) < before).checked_sub(1) {
                return Ok(Some(at(places[behind])).filter(|at| *at >= document.first()));
            }
        }
        Ok(None)
    }

    fn of(&self, block: u64) -> Option<u32> {
        self.hits.get(usize::try_from(block).ok()?).copied().flatten()
    }

    fn places_in(&self, block: u64) -> Found<&[u16]> {
        match self.of(block) {
            Some(0) => Ok(&[]),
            Some(_) => self.places.of.get(&block).map(|places| &places[..]).ok_or(Pause::Missing(block)),
            None => Err(Pause::Missing(block)),
        }
    }
}

impl Places {
    /// Keeps the places in a block; what was kept longest goes, but never these.
    fn put(&mut self, block: u64, places: Box<[u16]>) {
        if places.is_empty() {
            return;
        }
        self.len += places.len();
        match self.of.insert(block, places) {
            Some(before) => self.len -= before.len(),
            None => self.order.push_back(block),
        }
        while self.order.len() > 1 && (self.len > PLACES_MAX || self.order.len() > PLACED_MAX) {
            let oldest = self.order.pop_front().and_then(|oldest| self.of.remove(&oldest));
            self.len -= oldest.map_or(0, |places| places.len());
        }
    }

    fn forget_from(&mut self, block: u64) {
        let gone = self.of.split_off(&block);
        self.len -= gone.values().map(|places| places.len()).sum::<usize>();
        self.order.retain(|kept| *kept < block);
    }
}

/// Lines with the places at which they start.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    bytes.split_inclusive(|b| *b == b'\n').map(move |line| {
        let start = at;
        at += line.len() as u64;
        (start, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Sieve {
        Sieve::new(Pattern::new(pattern, false).unwrap())
    }

    #[test]
    fn nothing_is_answered_before_it_was_looked_at() {
        let text: Vec<u8> = (0..30_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let document = Document::text(&text);
        let mut sieve = of("line 29999");
        let mut looked_at = Vec::new();
        let found = loop {
            match sieve.forward(&document, 0) {
                Ok(found) => break found,
                Err(Pause::Missing(block)) => {
                    looked_at.push(block);
                    let (start, bytes) = document.chunk(block).unwrap();
                    sieve.scan(block, start, bytes);
                }
                Err(Pause::Later) => panic!("a sieve has all the time"),
            }
        };
        assert_eq!(found, document.previous(document.len()).unwrap());
        assert_eq!(looked_at, (0..blocks(document.len())).collect::<Vec<_>>(), "each block once");
        let (at, last) = (found.unwrap(), blocks(document.len()) - 1);
        assert_eq!((sieve.total(), sieve.before(last), sieve.rank_in_block(at)), (1, Some(0), Ok(1)));
        assert_eq!(sieve.back(&document, document.len()), Ok(found));
        assert_eq!((sieve.has(at), sieve.has(at - 11), sieve.back(&document, at)), (Ok(true), Ok(false), Ok(None)));
    }

    #[test]
    fn what_all_lines_hold_takes_little_memory() {
        let block = vec![b'\n'; usize::try_from(BLOCK).unwrap()];
        let mut sieve = of("^$");
        (0..40).for_each(|n| sieve.scan(n, n * BLOCK, &block));
        assert_eq!(sieve.total(), 40 * BLOCK);
        assert!(sieve.places.len <= PLACES_MAX && sieve.places.of.len() == sieve.places.order.len());
        assert!(sieve.needs(0) && !sieve.needs(39), "the first ones are looked at again when they are wanted");
        sieve.scan(0, 0, &block);
        assert_eq!((sieve.total(), sieve.has(7)), (40 * BLOCK, Ok(true)));
        sieve.forget_from(0);
        assert_eq!((sieve.total(), sieve.places.len, sieve.places.order.len()), (0, 0, 0));
    }
}
