//! What a letter would do with rows, which a second key confirms; and the letters that were typed where
//! they are no text.
//!
//! A letter alone changes nothing: whoever believes to be in the line types its first letters into a pane.
//! To wait for a while whether more of them come would be too short for those who type slowly and too
//! long for the others. So what would be done is shown at once, and Enter or the same letter does it: no
//! verb begins with two equal letters. Any other letter shows that a word is being typed, which then
//! stands in the line with all its letters.

use c2_shared::time::Mono;

use crate::app::overlay::Then;
use crate::command;

/// Something that is done when it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// Its letter, which does it when it is pressed again.
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

impl Trail {
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

    #[test]
    fn a_letter_pressed_twice_begins_no_verb() {
        for name in command::commands().iter().flat_map(command::CommandInfo::names) {
            let mut letters = name.chars();
            assert_ne!(letters.next(), letters.next(), "{name}");
        }
    }
}
