//! Searching: from match to match, around the end, and how many there are.

use super::chunk::block_of;
use super::command::{Hunt, Motion};
use super::document::Found;
use super::pattern::Pattern;
use super::sieve::Sieve;
use super::view::Pager;
use super::walk::Spot;

/// What a step from line to line costs, as bytes that are looked at.
pub(super) const STEP_BYTES: u64 = 64;

#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) sieve: Sieve,
    pub(super) back: bool,
    /// Whether matches are highlighted.
    pub(super) is_shown: bool,
    /// The match that was found last.
    pub(super) current: Option<Match>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) line: u64,
    /// Which of the matches of its block it is, counted from 1.
    nth: u64,
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
        let seen = search.current.filter(|found| self.rows.iter().any(|row| row.at == found.line));
        let from = seen.map_or(self.top.line, |found| if forward { found.line + 1 } else { found.line });
        self.before = self.top;
        self.go(Motion::Find(Hunt::new(forward, from, count - 1)), true);
    }

    /// Compiles the pattern anew, after what capitals mean has changed.
    pub(super) fn search_again(&mut self) {
        let anew = |text: &str, exact| Pattern::new(text, exact).ok();
        if let Some(search) = &mut self.search
            && let Some(pattern) = anew(search.sieve.pattern.text(), self.options.exact)
        {
            search.sieve = Sieve::new(pattern);
        }
        self.search_among();
        if let Some(pattern) = self.filter.as_ref().and_then(|filter| anew(filter.pattern.text(), self.options.exact)) {
            self.set_filter(Some(pattern));
        }
    }

    /// Shows only the lines with a pattern, or all. Those of before are no longer shown while it is looked
    /// which ones are.
    pub(super) fn set_filter(&mut self, pattern: Option<Pattern>) {
        self.filter = pattern.map(Sieve::new);
        self.search_among();
        self.pending = self.is_following().then_some(Motion::End);
        self.rows.clear();
        (self.at_end, self.stale) = (false, true);
    }

    /// Shows all lines again; false where all are.
    pub(crate) fn unfilter(&mut self) -> bool {
        let is_filtered = self.filter.is_some();
        if is_filtered {
            self.set_filter(None);
        }
        is_filtered
    }

    /// Only what is shown is found and counted; lines around those of the filter are shown too.
    pub(super) fn search_among(&mut self) {
        let within = self.filter.as_ref().filter(|_| self.options.context == 0).map(|filter| filter.pattern.clone());
        if let Some(search) = &mut self.search {
            search.sieve = search.sieve.among(within);
            search.current = None;
            self.stale = true;
        }
    }

    /// Finds a match and goes there; behind the last one it goes on at the other end.
    pub(super) fn find(&mut self, mut hunt: Hunt) -> Found<()> {
        let Some(search) = &self.search else { return Ok(()) };
        let line = loop {
            let found = match self.find_one(&search.sieve, &mut hunt) {
                Ok(found) => found,
                Err(pause) => {
                    self.pending = Some(Motion::Find(hunt));
                    return Err(pause);
                }
            };
            match found {
                Some(line) if hunt.skip == 0 => break line,
                Some(line) => {
                    hunt.from = if hunt.forward { line + 1 } else { line };
                    (hunt.skip, hunt.barren) = (hunt.skip - 1, false);
                }
                None if hunt.barren => {
                    self.note = Some(format!("not found: {}", search.sieve.pattern.text()));
                    return Ok(());
                }
                None => {
                    hunt.from = if hunt.forward { self.document.first() } else { self.document.len() };
                    (hunt.around, hunt.barren) = (true, true);
                }
            }
        };
        let went_around = match (hunt.around, hunt.forward) {
            (false, _) => None,
            (true, true) => Some("the search came to the end and continues at the start"),
            (true, false) => Some("the search came to the start and continues at the end"),
        };
        self.pending = Some(Motion::Land { line, went_around });
        self.land(line, went_around)
    }

    /// Shows the match that was found.
    pub(super) fn land(&mut self, line: u64, went_around: Option<&'static str>) -> Found<()> {
        let top = self.walk().filled(Spot { line, row: 0 }, self.height)?;
        if let Some(search) = &mut self.search {
            let nth = search.sieve.rank_in_block(line)?;
            search.current = Some(Match { line, nth });
        }
        self.note = went_around.map(str::to_owned);
        self.top = top;
        Ok(())
    }

    /// The next match among the lines that are shown: what is searched for and what the filter lets pass
    /// take turns in going on, so that neither is followed from match to match where the other has none.
    fn find_one(&self, sieve: &Sieve, hunt: &mut Hunt) -> Found<Option<u64>> {
        loop {
            self.document.go_on()?;
            self.document.look(STEP_BYTES);
            let found = if hunt.forward {
                sieve.forward(&self.document, hunt.from)?
            } else {
                sieve.back(&self.document, hunt.from)?
            };
            let Some(line) = found else { return Ok(None) };
            let walk = self.walk();
            let shown = if hunt.forward { walk.at_or_behind(line)? } else { walk.before(line + 1)? };
            match shown {
                Some(shown) if shown != line => hunt.from = if hunt.forward { shown } else { shown + 1 },
                shown => return Ok(shown),
            }
        }
    }

    /// `3/17`: which of the matching lines is the present one, and how many there are.
    pub(super) fn matches(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let total = search.sieve.total();
        let first = block_of(self.document.first());
        let more = if search.sieve.unseen(first, self.document.len()).is_some() { "+" } else { "" };
        let rank = search.current.and_then(|found| Some(search.sieve.before(block_of(found.line))? + found.nth));
        Some(rank.map_or_else(|| format!("{total}{more} found"), |rank| format!("{rank}/{total}{more}")))
    }
}
