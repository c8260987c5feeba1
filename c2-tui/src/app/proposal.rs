//! What a letter would do with rows, which a second key confirms; and the letters that were typed where
//! they are no text.
//!
//! A letter alone changes nothing: whoever believes to be in the line types its first letters into a pane.
//! To wait for a while whether more of them come would be too short for those who type slowly and too
//! long for the others. So what would be done is shown at once, and Enter does it, which is no letter of any word:
//! the same letter twice may be one that was held down. Any other letter shows that a word is being typed, which then
//! stands in the line with all its letters, and what these changed on the screen is taken back.

use std::collections::BTreeSet;

use c2_shared::id::JobId;
use c2_shared::time::Mono;

use crate::app::cache::JobScope;
use crate::app::model::Model;
use crate::app::overlay::Then;
use crate::app::panes::Pane;
use crate::app::report::RunId;
use crate::app::table::Sort;
use crate::command;

/// Something that is done when it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// Its letter.
    pub(crate) letter: char,
    /// What would be done with which rows.
    pub(crate) words: String,
    pub(crate) then: Then,
}

/// Letters of a word come within this time from each other.
const LETTER_MS: u64 = 1_500;
/// Letters that are remembered; no verb is as long.
const LETTERS_MAX: usize = 64;
/// Letters that are a word even where each of them has a meaning.
pub(crate) const WORD_LEN: usize = 3;

/// Letters that were typed one after the other where they are no text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    letters: String,
    at: Mono,
}

/// What letters may change on the screen before they turn out to be a word, as it was before the first of them.
#[derive(Clone, Debug)]
pub(crate) struct Undo {
    pub(crate) pages: usize,
    pub(crate) zoom: bool,
    pub(crate) mouse: bool,
    pub(crate) has_preview: bool,
    pub(crate) has_result: bool,
    pub(crate) watched: BTreeSet<JobId>,
    pub(crate) scope: JobScope,
    pub(crate) sorts: [Sort; Pane::ALL.len()],
    /// The last run that had begun.
    pub(crate) run: RunId,
}

impl Undo {
    pub(crate) fn of(model: &Model) -> Self {
        Self {
            pages: model.pages.len(),
            zoom: model.zoom,
            mouse: model.mouse,
            has_preview: model.preview.is_some(),
            has_result: model.result.is_some(),
            watched: model.watched.clone(),
            scope: model.panes.jobs.scope().clone(),
            sorts: Pane::ALL.map(|pane| model.panes.grid(pane).sort()),
            run: model.runs.last(),
        }
    }
}

impl Trail {
    /// Whether the letters that were typed last belong to no word that goes on.
    pub(crate) fn is_over(&self, now: Mono) -> bool {
        self.letters.is_empty() || now.since_ms(self.at) > LETTER_MS
    }

    /// Whether a letter opened what this text was then typed into.
    pub(crate) fn opened(&self, typed: &str) -> bool {
        self.letters.strip_suffix(typed).is_some_and(|before| !before.is_empty())
    }

    /// The word of which `text` is the rest, with the letters that were typed before it; nothing where
    /// they begin no verb.
    pub(crate) fn joined(&self, text: &str, now: Mono) -> Option<String> {
        if now.since_ms(self.at) > LETTER_MS {
            return None;
        }
        let ends = self.letters.char_indices().map(|(at, _)| &self.letters[at..]);
        ends.map(|end| format!("{end}{text}")).find(|said| {
            let word = said.split_whitespace().next().unwrap_or_default();
            let is_whole = word.len() < said.len();
            let mut names = command::commands().iter().flat_map(command::CommandInfo::names);
            names.any(|name| if is_whole { name == word } else { name.starts_with(word) })
        })
    }

    /// A letter that was typed; anything else ends the word.
    pub(crate) fn push(&mut self, letter: Option<char>, now: Mono) {
        if letter.is_none() || now.since_ms(self.at) > LETTER_MS {
            self.letters.clear();
        }
        if self.letters.len() >= LETTERS_MAX {
            self.letters.clear();
        }
        self.letters.extend(letter);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_become_the_verb_that_they_begin() {
        let typed = |letters: &str, gap: u64| {
            let mut trail = Trail::default();
            (0..).zip(letters.chars()).for_each(|(n, letter)| trail.push(Some(letter), Mono(n * gap)));
            (trail, Mono(letters.len() as u64 * gap))
        };
        let table = [
            ("r", "e", 300, Some("re")),
            ("jjr", "e", 300, Some("re")),
            ("r", "etry job-3", 300, Some("retry job-3")),
            ("r", "ex job-3", 300, None),
            ("h", "x", 300, None),
            ("r", "e", 2_000, None),
            ("", "retry", 300, None),
        ];
        for (before, text, gap, word) in table {
            let (trail, now) = typed(before, gap);
            assert_eq!(trail.joined(text, now).as_deref(), word, "{before} {text}");
        }
        let (mut trail, now) = typed("r", 300);
        trail.push(None, now);
        assert_eq!(trail.joined("e", now), None, "another key ends a word");
    }
}
