//! From line to line and from row to row: what the filter hides is passed over, and a wrapped line
//! counts as many rows as it takes.

use super::document::{Document, Found};
use super::rich;
use super::sieve::Sieve;
use super::wrap::Wrap;

/// A row of the screen: a line, and which of its rows when it is wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Where the line starts.
    pub(super) line: u64,
    pub(super) row: usize,
}

/// The lines that can be seen, and how they are folded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    pub(super) document: &'a Document,
    /// Which of them are shown.
    pub(super) filter: Option<&'a Sieve>,
    /// How many others around each of those.
    pub(super) context: u64,
    /// How lines are folded; without it they are cut.
    pub(super) wrap: Option<Wrap>,
}

impl Walk<'_> {
    /// The first shown line at `from` or behind it.
    pub(super) fn at_or_behind(&self, from: u64) -> Found<Option<u64>> {
        let from = from.max(self.document.first());
        if from >= self.document.len() {
            return Ok(None);
        }
        let Some(sieve) = self.filter else { return Ok(Some(from)) };
        if self.context > 0 && self.matches_near(sieve, from, Document::previous)? {
            return Ok(Some(from));
        }
        let Some(mut found) = sieve.forward(self.document, from)? else { return Ok(None) };
        for _ in 0..self.context {
            match self.document.previous(found)? {
                Some(before) if before >= from => found = before,
                _ => break,
            }
        }
        Ok(Some(found))
    }

    /// The last shown line before `before`.
    pub(super) fn before(&self, before: u64) -> Found<Option<u64>> {
        let Some(sieve) = self.filter else { return self.document.previous(before) };
        if self.context == 0 {
            return sieve.back(self.document, before);
        }
        let Some(last) = self.document.previous(before)? else { return Ok(None) };
        let is_near = self.matches_near(sieve, last, |d, at| d.next(at))?
            || self.matches_near(sieve, last, Document::previous)?;
        if is_near {
            return Ok(Some(last));
        }
        let Some(mut found) = sieve.back(self.document, last)? else { return Ok(None) };
        for _ in 0..self.context {
            match self.document.next(found)? {
                Some(next) if next <= last => found = next,
                _ => break,
            }
        }
        Ok(Some(found))
    }

    /// The next shown line.
    pub(super) fn behind(&self, line: u64) -> Found<Option<u64>> {
        match self.document.next(line)? {
            Some(next) => self.at_or_behind(next),
            None => Ok(None),
        }
    }

    /// Whether the line or one of those within the context on one side of it matches.
    fn matches_near(&self, sieve: &Sieve, line: u64, step: fn(&Document, u64) -> Found<Option<u64>>) -> Found<bool> {
        let mut at = Some(line);
        for _ in 0..=self.context {
            let Some(line) = at else { break };
            if sieve.has(line)? {
                return Ok(true);
            }
            at = step(self.document, line)?;
        }
        Ok(false)
    }

    pub(super) fn rows(&self, line: u64) -> Found<usize> {
        let Some(wrap) = self.wrap else { return Ok(1) };
        let bytes = self.document.line(line)?;
        if bytes.len() <= wrap.width && !rich::is_rich(bytes) {
            return Ok(1);
        }
        Ok(wrap.parts(&rich::cells(bytes)).len())
    }

    /// The spot this many rows further down, or the last one.
    pub(super) fn down(&self, from: Spot, rows: usize) -> Found<Spot> {
        let mut at = from;
        let mut left = rows;
        loop {
            let here = self.rows(at.line)?.saturating_sub(at.row + 1);
            if left <= here {
                return Ok(Spot { row: at.row + left, ..at });
            }
            match self.behind(at.line)? {
                Some(line) => at = Spot { line, row: 0 },
                None => return Ok(Spot { row: at.row + here, ..at }),
            }
            left -= here + 1;
        }
    }

    /// The spot this many rows further up, or the first one.
    pub(super) fn up(&self, from: Spot, rows: usize) -> Found<Spot> {
        let mut at = from;
        let mut left = rows;
        while left > at.row {
            left -= at.row + 1;
            match self.before(at.line)? {
                Some(line) => at = Spot { line, row: self.rows(line)?.saturating_sub(1) },
                None => return Ok(Spot { row: 0, ..at }),
            }
        }
        Ok(Spot { row: at.row - left, ..at })
    }

    pub(super) fn last(&self) -> Found<Option<Spot>> {
        let Some(line) = self.before(self.document.len())? else { return Ok(None) };
        Ok(Some(Spot { line, row: self.rows(line)?.saturating_sub(1) }))
    }

    /// The highest spot at or above `top` from which a screen of rows is full, as far as there are
    /// so many.
    pub(super) fn filled(&self, top: Spot, height: usize) -> Found<Spot> {
        let Some(last) = self.last()? else { return Ok(Spot { line: self.document.first(), row: 0 }) };
        let highest = self.up(last, height.saturating_sub(1))?;
        Ok(top.min(highest))
    }
}
