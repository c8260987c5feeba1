//! Earlier lines: walking through those that begin as the present one, and searching in them.
//!
//! The event loop keeps them in a file; here they are oldest first and without repetition.

/// Lines kept.
pub(crate) const HISTORY_LINES_MAX: usize = 10_000;

/// Earlier lines, and where a walk through them stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    lines: Vec<String>,
    walk: Option<Walk>,
}

#[derive(Clone, Debug)]
struct Walk {
    /// What was typed before the walk; also what the lines shown must begin with.
    draft: String,
    at: usize,
}

/// An incremental search backwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// What is looked for.
    pub(crate) needle: String,
    /// What the line was before.
    pub(crate) draft: String,
    pub(crate) at: Option<usize>,
    /// Nothing more fits: what is shown is what was found before.
    pub(crate) is_missing: bool,
}

impl History {
    /// Takes the lines of earlier sessions, oldest first, in front of those of this one.
    pub(crate) fn load(&mut self, earlier: Vec<String>) {
        let since = std::mem::take(&mut self.lines);
        for line in earlier.into_iter().chain(since) {
            self.push(&line);
        }
    }

    /// Adds a line. Says whether it is to be written to the file: a line that begins with a blank
    /// is kept out, as in bash.
    pub(crate) fn push(&mut self, line: &str) -> bool {
        if line.trim().is_empty() || line.starts_with(' ') {
            return false;
        }
        if self.lines.last().is_some_and(|last| last == line) {
            return false;
        }
        self.lines.retain(|l| l != line);
        if self.lines.len() == HISTORY_LINES_MAX {
            self.lines.remove(0);
        }
        self.lines.push(line.to_owned());
        true
    }

    /// The line before, of those that begin with what was typed.
    pub(crate) fn older(&mut self, typed: &str) -> Option<String> {
        let (draft, before) = match &self.walk {
            Some(walk) => (walk.draft.clone(), walk.at),
            None => (typed.to_owned(), self.lines.len()),
        };
        let at = self.lines[..before].iter().rposition(|l| l.starts_with(&draft) && *l != typed)?;
        self.walk = Some(Walk { draft, at });
        Some(self.lines[at].clone())
    }

    /// The line after, and after the last one what was typed.
    pub(crate) fn newer(&mut self) -> Option<String> {
        let walk = self.walk.take()?;
        let after = self.lines[walk.at + 1..].iter().position(|l| l.starts_with(&walk.draft));
        let Some(after) = after else { return Some(walk.draft) };
        let at = walk.at + 1 + after;
        self.walk = Some(Walk { at, ..walk });
        Some(self.lines[at].clone())
    }

    /// The next edit begins a new walk.
    pub(crate) fn stop_walking(&mut self) {
        self.walk = None;
    }

    /// The latest line that goes on from `typed`.
    pub(crate) fn suggest(&self, typed: &str) -> Option<&str> {
        self.lines.iter().rev().find(|l| l.len() > typed.len() && l.starts_with(typed)).map(String::as_str)
    }

    pub(crate) fn line(&self, at: usize) -> Option<&str> {
        self.lines.get(at).map(String::as_str)
    }

    /// The latest line before position `before` that contains `needle`.
    pub(crate) fn find(&self, needle: &str, before: usize) -> Option<usize> {
        if needle.is_empty() {
            return None;
        }
        self.lines[..before.min(self.lines.len())].iter().rposition(|line| has(line, needle))
    }

    /// The first line from position `from` on that contains `needle`.
    pub(crate) fn find_later(&self, needle: &str, from: usize) -> Option<usize> {
        (from..self.lines.len()).find(|at| has(&self.lines[*at], needle))
    }

    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.lines.len()
    }
}

/// Whether a line contains what is looked for, in any case unless that has a capital.
fn has(line: &str, needle: &str) -> bool {
    if needle.chars().any(char::is_uppercase) { line.contains(needle) } else { line.to_lowercase().contains(needle) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let mut history = History::default();
        history.load(["list", "submit a", "jobs", "submit b", "list"].map(str::to_owned).to_vec());
        history
    }

    #[test]
    fn walks_among_lines_that_begin_alike() {
        let mut h = history();
        assert_eq!(h.older("sub").as_deref(), Some("submit b"));
        assert_eq!(h.older("submit b").as_deref(), Some("submit a"));
        assert_eq!(h.older("submit a"), None);
        assert_eq!(h.newer().as_deref(), Some("submit b"));
        assert_eq!(h.newer().as_deref(), Some("sub"));
        assert_eq!(h.newer(), None);
    }

    #[test]
    fn without_repetition_and_secrets() {
        let mut h = history();
        assert_eq!(h.len(), 4);
        assert!(h.push("jobs"));
        assert!(!h.push("jobs"));
        assert!(!h.push(" secret"));
        assert!(!h.push("  "));
        assert_eq!(h.older("").as_deref(), Some("jobs"));
        assert_eq!(h.suggest("sub"), Some("submit b"));
        assert_eq!(h.suggest("jobs"), None);
    }

    #[test]
    fn finds_backwards() {
        let h = history();
        let at = h.find("bmit", usize::MAX).unwrap();
        assert_eq!(h.line(at), Some("submit b"));
        assert_eq!(h.find("bmit", at).and_then(|at| h.line(at)), Some("submit a"));
        assert_eq!(h.find("", usize::MAX), None);
        assert_eq!(h.find_later("bmit", at), Some(at));
        let mut h = history();
        h.push("submit \"./Train.sh\"");
        assert_eq!((h.find("train", usize::MAX), h.find("TRAIN", usize::MAX)), (Some(h.len() - 1), None), "smart case");
    }
}
