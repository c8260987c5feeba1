//! The words of the status line.

use super::command::Follow;
use super::view::Pager;

impl Pager {
    /// Which lines are in sight: `1-20/400 5%`, at the end `(END)`.
    pub(crate) fn place(&self) -> String {
        let ends = (self.rows.first().and_then(|r| r.number), self.rows.last().and_then(|r| r.number));
        let missing = self.gaps.behind(0).is_some();
        let lines = match (ends, self.document.lines().filter(|_| !missing)) {
            ((Some(first), Some(last)), _) if missing => {
                format!("{}-{} ", self.gaps.label(first), self.gaps.label(last))
            }
            ((Some(first), Some(last)), Some(all)) => format!("{first}-{last}/{all} "),
            ((Some(first), Some(last)), None) => format!("{first}-{last} "),
            _ => String::new(),
        };
        let end = if self.at_end { "(END)".to_owned() } else { format!("{}%", self.percent()) };
        lines + &end
    }

    /// How much of the bytes lies before the end of the screen.
    fn percent(&self) -> u64 {
        let end = self
            .rows
            .last()
            .map_or(0, |row| row.at + self.document.line(row.at).map_or(0, |line| line.len() as u64 + 1));
        let percent = u128::from(end) * 100 / u128::from(self.document.len().max(1));
        u64::try_from(percent).unwrap_or(100).min(99)
    }

    /// What differs from plain reading: the filter, the search, following, options, a number that
    /// is being typed; or what there is to say once.
    pub(crate) fn state(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(count) = self.count {
            words.push(format!(":{count}"));
        }
        words.extend(self.gaps.words().map(|words| format!("{words}, x shows it")));
        match self.follow {
            _ if self.ended.is_some() => words.extend(self.ended.as_ref().map(|how| format!("ended, {how}"))),
            Follow::Off => {}
            Follow::On => words.push("following".to_owned()),
            Follow::Paused(since) => {
                let new = self.document.lines().zip(since).map(|(now, then)| now.saturating_sub(then));
                let new = new.filter(|n| *n > 0).map(|n| format!(", {n} new lines")).unwrap_or_default();
                words.push(format!("paused{new}, F resumes"));
            }
        }
        if let Some(filter) = &self.filter {
            let first = super::chunk::block_of(self.document.first());
            let more = if filter.unseen(first, self.document.len()).is_some() { "+" } else { "" };
            let around = match self.options.context {
                0 => String::new(),
                n => format!(", {n} around"),
            };
            words.push(format!("&{} ({}{more}{around})", filter.pattern.text(), filter.total()));
        }
        if let (Some(search), Some(matches)) = (self.search.as_ref().filter(|s| s.is_shown), self.matches()) {
            let sign = if search.back { '?' } else { '/' };
            words.push(format!("{sign}{} {matches}", search.sieve.pattern.text()));
        }
        if self.options.wrap != self.wraps {
            words.push(if self.wraps { "cut" } else { "wrap" }.to_owned());
        } else if self.left > 0 {
            words.push(format!("from column {}", self.left + 1));
        }
        if self.options.exact {
            words.push("case".to_owned());
        }
        if self.is_sifting() || self.pending.is_some() {
            words.push("searching".to_owned());
        }
        words
    }

    pub(crate) fn say(&mut self, note: String) {
        self.note = Some(note);
    }

    /// What is to be said once.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The place in full, for `=`.
    pub(super) fn about(&self) -> String {
        let lines = self.document.lines().map_or_else(|| "not all counted".to_owned(), |n| n.to_string());
        let last = self.rows.last().map_or(self.top.line, |row| row.at);
        format!("{}, byte {last} of {}, {lines} lines", self.place(), self.document.len())
    }

    /// The number of a line as it is shown.
    pub(crate) fn line_label(&self, number: u64) -> String {
        self.gaps.label(number)
    }

    /// Whether it stays at the end of what grows.
    pub(crate) const fn is_following(&self) -> bool {
        matches!(self.follow, Follow::On) && self.ended.is_none()
    }

    /// Gives up what is being typed or searched for; false where there is nothing of the kind.
    pub(crate) fn interrupt(&mut self) -> bool {
        if self.count.take().is_some() | self.prefix.take().is_some() {
            return true;
        }
        if self.prompt.is_some() {
            self.dismiss();
            return true;
        }
        let sifts = self.is_sifting();
        if sifts {
            self.set_filter(None);
        }
        if self.pending.take().is_some() || sifts {
            self.note = Some("stopped".to_owned());
            self.stale = true;
            return true;
        }
        if self.is_following() {
            self.follow = Follow::Paused(self.document.lines());
            self.stale = true;
            return true;
        }
        false
    }
}
