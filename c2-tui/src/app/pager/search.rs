//! Searching: from match to match, around the end, and how many there are.

use super::command::Motion;
use super::document::Found;
use super::pattern::{Pattern, Sieve};
use super::view::Pager;
use super::walk::Spot;

#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) sieve: Sieve,
    pub(super) back: bool,
    /// Whether matches are highlighted.
    pub(super) is_shown: bool,
    /// The line that was found last.
    pub(super) current: Option<u64>,
}

impl Search {
    pub(super) const fn new(pattern: Pattern, back: bool) -> Self {
        Self { sieve: Sieve::new(pattern), back, is_shown: true, current: None }
    }
}

impl Pager {
    /// Goes to the next match, in the direction of the search or the other one.
    pub(super) fn find_next(&mut self, same_way: bool) {
        let count = self.count.take().unwrap_or(1).max(1);
        let Some(search) = &mut self.search else {
            self.note = Some("nothing was searched for, / does".to_owned());
            return;
        };
        search.is_shown = true;
        let forward = search.back != same_way;
        // A match that is out of sight is none to go on from: the operator has gone elsewhere.
        let seen = search.current.filter(|line| self.rows.iter().any(|row| row.at == *line));
        let from = seen.unwrap_or(self.top.line);
        self.before = self.top;
        self.go(Motion::Find { from, forward, inclusive: seen.is_none() && forward, count }, true);
    }

    /// Compiles the pattern anew, after what capitals mean has changed.
    pub(super) fn search_again(&mut self) {
        let anew = |text: &str, exact| Pattern::new(text, exact).ok();
        if let Some(search) = &mut self.search
            && let Some(pattern) = anew(search.sieve.pattern.text(), self.options.exact)
        {
            search.sieve = Sieve::new(pattern);
        }
        if let Some(filter) = &mut self.filter
            && let Some(pattern) = anew(filter.pattern.text(), self.options.exact)
        {
            *filter = Sieve::new(pattern);
        }
    }

    /// Finds a match and goes there; behind the last one it goes on at the other end.
    pub(super) fn find(&mut self, from: u64, forward: bool, inclusive: bool, count: u64) -> Found<()> {
        let Some(search) = &self.search else { return Ok(()) };
        let text = search.sieve.pattern.text().to_owned();
        let (mut at, mut inclusive, mut around) = (from, inclusive, false);
        for _ in 0..count {
            let mut found = self.find_one(&search.sieve, at, forward, inclusive)?;
            if found.is_none() {
                around = true;
                let end = if forward { self.document.first() } else { self.document.len() };
                found = self.find_one(&search.sieve, end, forward, true)?;
            }
            let Some(line) = found else {
                self.note = Some(format!("not found: {text}"));
                return Ok(());
            };
            (at, inclusive) = (line, false);
        }
        self.top = self.walk().filled(Spot { line: at, row: 0 }, self.height)?;
        if around {
            let end = if forward { "the end, goes on at the start" } else { "the start, goes on at the end" };
            self.note = Some(format!("the search came to {end}"));
        }
        if let Some(search) = &mut self.search {
            search.current = Some(at);
        }
        Ok(())
    }

    /// The next match among the lines that are shown.
    fn find_one(&self, sieve: &Sieve, from: u64, forward: bool, inclusive: bool) -> Found<Option<u64>> {
        let mut at = from;
        let mut inclusive = inclusive;
        loop {
            let found = if forward {
                let start = if inclusive { Some(at) } else { self.document.next(at)? };
                match start {
                    Some(start) => sieve.forward(&self.document, start)?,
                    None => None,
                }
            } else {
                sieve.back(&self.document, at)?
            };
            match found {
                Some(line) if self.walk().at_or_behind(line)? != Some(line) => (at, inclusive) = (line, false),
                found => return Ok(found),
            }
        }
    }

    /// `3/17`: which of the matching lines is the present one, and how many there are.
    pub(super) fn matches(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let total = search.sieve.total();
        let first = super::chunk::block_of(self.document.first());
        let more = if search.sieve.unseen(first, self.document.len()).is_some() { "+" } else { "" };
        let rank = search.current.and_then(|at| search.sieve.rank(&self.document, at));
        Some(rank.map_or_else(|| format!("{total}{more} found"), |rank| format!("{rank}/{total}{more}")))
    }
}
