//! Sequences of a terminal of which crossterm takes the first byte for the key Esc and the rest for letters, which
//! would act: that byte came alone, over a slow line, or at once with an Esc that was pressed before.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::burst::letter;

/// Whether the last event may be the first byte of a sequence.
pub(super) fn is_open(events: &[Event]) -> bool {
    events.last().and_then(Event::as_key_press_event).is_some_and(|key| key == KeyEvent::from(KeyCode::Esc))
}

/// Finds the sequences that came at once with an Esc in front of them.
pub(super) fn untangle(events: &[Event]) -> Vec<Event> {
    let mut found = Vec::with_capacity(events.len());
    let mut rest = events;
    while let Some((event, behind)) = rest.split_first() {
        found.push(event.clone());
        rest = behind;
        if is_open(&found) {
            let text: String = rest.iter().map_while(letter).collect();
            if let Some((event, len)) = sequence(&text) {
                found.extend(event);
                rest = &rest[len..];
            }
        }
    }
    found
}

/// Adds what came right behind an open sequence.
pub(super) fn join(events: &mut Vec<Event>, rest: Vec<Event>) {
    let text: String = rest.iter().map_while(letter).collect();
    let mut used = 0;
    if let Some((event, len)) = sequence(&text) {
        events.pop();
        events.extend(event);
        used = len;
    }
    events.extend(rest.into_iter().skip(used));
}

/// The event that a text makes with an Esc in front of it, if the console knows it, and how many
/// letters it takes; nothing where the text is one of its own.
fn sequence(text: &str) -> Option<(Option<Event>, usize)> {
    let first = text.chars().next().filter(|c| *c != '\n')?;
    let rest = &text[first.len_utf8()..];
    let end = match first {
        '[' => rest.find(|c| ('@'..='~').contains(&c))?,
        'O' => 0,
        letter => return Some((Some(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::ALT))), 1)),
    };
    let last = rest[end..].chars().next()?;
    let parameters = &rest[..end];
    if (parameters, last) == ("200", '~') {
        return Some((Some(Event::Paste(rest[end + 1..].to_owned())), text.chars().count()));
    }
    Some((key(parameters, last).map(Event::Key), end + 2))
}

/// The key of a sequence with these parameters and this last letter.
fn key(parameters: &str, last: char) -> Option<KeyEvent> {
    let mut numbers = parameters.split(';').map(|number| number.parse::<u8>().unwrap_or(1));
    let number = numbers.next().unwrap_or(1);
    // One more than the sum of 1 for Shift, 2 for Alt, 4 for Ctrl.
    let held = numbers.next().unwrap_or(1).wrapping_sub(1);
    let code = match last {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'F' => KeyCode::End,
        'H' => KeyCode::Home,
        'Z' => KeyCode::BackTab,
        'P'..='S' => KeyCode::F(u8::try_from(last).ok()? - b'O'),
        '~' => match number {
            1 | 7 => KeyCode::Home,
            3 => KeyCode::Delete,
            4 | 8 => KeyCode::End,
            5 => KeyCode::PageUp,
            6 => KeyCode::PageDown,
            11..=15 => KeyCode::F(number - 10),
            17..=21 => KeyCode::F(number - 11),
            23 | 24 => KeyCode::F(number - 12),
            _ => return None,
        },
        _ => return None,
    };
    let modifiers = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    Some(KeyEvent::new(code, modifiers.into_iter().filter(|(bit, _)| held & bit != 0).map(|(_, key)| key).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::demo::keys;

    fn events(names: &[&str]) -> Vec<Event> {
        names.iter().flat_map(|name| keys(name)).map(Event::Key).collect()
    }

    #[test]
    fn what_follows_an_esc_at_once_is_one_key_with_it() {
        let table: [(&[&str], &[&str]); 14] = [
            (&["[A"], &["Up"]),
            (&["OB"], &["Down"]),
            (&["[1;5C"], &["Ctrl-Right"]),
            (&["[Z"], &["Shift-Tab"]),
            (&["[5~jk"], &["PgUp", "jk"]),
            (&["OP"], &["F1"]),
            (&["[15~"], &["F5"]),
            (&["[17~"], &["F6"]),
            (&["[19~"], &["F8"]),
            // The mouse, and what no key of the console is, is nothing at all.
            (&["[<0;12;5M"], &[]),
            (&["[99~x"], &["x"]),
            (&["b"], &["Alt-B"]),
            (&["Down"], &["Esc", "Down"]),
            (&["Enter", "x"], &["Esc", "Enter", "x"]),
        ];
        for (rest, joined) in table {
            let mut found = events(&["Esc"]);
            assert!(is_open(&found));
            join(&mut found, events(rest));
            let mut wanted = events(joined);
            if joined == ["Shift-Tab"] {
                wanted = vec![Event::Key(KeyCode::BackTab.into())];
            }
            assert_eq!(found, wanted, "{rest:?}");
        }
        let mut found = events(&["x", "Esc"]);
        join(&mut found, events(&["[200~cancel 4", "Enter"]));
        assert_eq!(found[1..], [Event::Paste("cancel 4\n".to_owned())]);
        assert!(!is_open(&events(&["Esc", "x"])) && !is_open(&[]));
    }

    #[test]
    fn a_sequence_right_behind_an_esc_is_not_text() {
        let table: [(&[&str], &[&str]); 5] = [
            (&["Alt-2", "p", "Esc", "[18~"], &["Alt-2", "p", "Esc", "F7"]),
            (&["Esc", "[A", "Esc", "[Bx"], &["Esc", "Up", "Esc", "Down", "x"]),
            (&["Esc", "b"], &["Esc", "Alt-B"]),
            (&["Esc", "Down", "[A"], &["Esc", "Down", "[A"]),
            (&["x", "Esc"], &["x", "Esc"]),
        ];
        for (came, wanted) in table {
            assert_eq!(untangle(&events(came)), events(wanted), "{came:?}");
        }
    }
}
