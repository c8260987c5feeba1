//! Letters that came at once: nobody pressed them one after the other. They were pasted in a terminal
//! that does not say so, or typed while the console was held up, and are text wherever they come.

use std::collections::BTreeSet;

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

/// So many different letters are no key that repeats, and no two keys in a hurry.
const LETTERS: usize = 4;

/// An event, or many that are one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Event(Event),
    Burst(String),
}

/// Finds the bursts among events that came at once. Where one came a moment before, the letters that
/// these begin with belong to it, few as they may be.
pub(super) fn parts(events: &[Event], goes_on: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    for run in events.chunk_by(|before, behind| letter(before).is_some() && letter(behind).is_some()) {
        let text: String = run.iter().filter_map(letter).collect();
        let belongs = goes_on && parts.is_empty() && !text.is_empty();
        // An Enter in front ends what was typed before.
        let enters = if belongs { 0 } else { text.len() - text.trim_start_matches('\n').len() };
        if belongs || is_burst(&text) {
            parts.extend(run[..enters].iter().cloned().map(Part::Event));
            parts.push(Part::Burst(text[enters..].to_owned()));
        } else {
            parts.extend(run.iter().cloned().map(Part::Event));
        }
    }
    parts
}

fn is_burst(text: &str) -> bool {
    text.chars().filter(|c| !c.is_whitespace()).collect::<BTreeSet<_>>().len() >= LETTERS
}

/// The letter or the line end that an event is.
pub(super) fn letter(event: &Event) -> Option<char> {
    let key = event.as_key_event().filter(|key| key.kind != KeyEventKind::Release)?;
    match (key.code, key.modifiers) {
        (KeyCode::Char(c), KeyModifiers::NONE | KeyModifiers::SHIFT) => Some(c),
        (KeyCode::Enter, KeyModifiers::NONE) | (KeyCode::Char('j'), KeyModifiers::CONTROL) => Some('\n'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::demo::keys;

    fn events(names: &[&str]) -> Vec<Event> {
        names.iter().flat_map(|name| keys(name)).map(Event::Key).collect()
    }

    /// Bursts in quotes, and how many events stand alone before and between them.
    fn found(names: &[&str], goes_on: bool) -> Vec<String> {
        let mut found = Vec::new();
        let mut alone = 0;
        for part in parts(&events(names), goes_on) {
            match part {
                Part::Event(_) => alone += 1,
                Part::Burst(text) => found.extend([std::mem::take(&mut alone).to_string(), text]),
            }
        }
        found.push(alone.to_string());
        found
    }

    #[test]
    fn many_different_letters_at_once_are_a_text() {
        let table: [(&[&str], &[&str]); 9] = [
            (&["cancel nap"], &["0", "cancel nap", "0"]),
            (&["Alt-2", "cancel nap", "Enter"], &["1", "cancel nap\n", "0"]),
            (&["list", "Enter", "jobs", "Enter"], &["0", "list\njobs\n", "0"]),
            (&["Enter", "Enter", "list"], &["2", "list", "0"]),
            (&["list", "Tab", "retry"], &["0", "list", "1", "retry", "0"]),
            (&["jjjjjjjj"], &["8"]),
            (&["cy"], &["2"]),
            (&["gg", "Down", "j"], &["4"]),
            (&["Ctrl-U", "Alt-B", "Esc"], &["3"]),
        ];
        for (names, parts) in table {
            assert_eq!(found(names, false), parts, "{names:?}");
        }
        assert_eq!(found(&["y", "Tab", "y"], true), ["0", "y", "2"], "the rest of a burst");
        assert_eq!(found(&["Enter"], true), ["0", "\n", "0"]);
        assert_eq!(found(&["Down", "y"], true), ["2"]);
    }
}
