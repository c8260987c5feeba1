//! The names of keys, as the table, the help and the hint bar write them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The name of a key: `a`, `G`, `Space`, `Ctrl-A`, `Alt-Backspace`, `Shift-Tab`, `F1`.
pub(crate) fn name(key: KeyEvent) -> Option<String> {
    let has = |modifier| key.modifiers.contains(modifier);
    let base = match key.code {
        KeyCode::Char(c) if has(KeyModifiers::CONTROL) => control(c),
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if has(KeyModifiers::ALT) => c.to_uppercase().collect(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::BackTab => return Some("Shift-Tab".to_owned()),
        KeyCode::F(n) => format!("F{n}"),
        other => plain(other)?.to_owned(),
    };
    let shift_counts = has(KeyModifiers::SHIFT) && !matches!(key.code, KeyCode::Char(_));
    let parts = [(has(KeyModifiers::CONTROL), "Ctrl-"), (has(KeyModifiers::ALT), "Alt-"), (shift_counts, "Shift-")];
    let prefix: String = parts.iter().filter(|(held, _)| *held).map(|(_, text)| *text).collect();
    Some(prefix + &base)
}

/// Terminals send Ctrl-_ (and Ctrl-/) as the byte that is called Ctrl-7 here.
fn control(c: char) -> String {
    match c {
        ' ' => "Space".to_owned(),
        '7' | '/' | '_' => "_".to_owned(),
        _ => c.to_uppercase().collect(),
    }
}

fn plain(code: KeyCode) -> Option<&'static str> {
    Some(match code {
        KeyCode::Backspace => "Backspace",
        KeyCode::Enter => "Enter",
        KeyCode::Left => "Left",
        KeyCode::Right => "Right",
        KeyCode::Up => "Up",
        KeyCode::Down => "Down",
        KeyCode::Home => "Home",
        KeyCode::End => "End",
        KeyCode::PageUp => "PgUp",
        KeyCode::PageDown => "PgDn",
        KeyCode::Tab => "Tab",
        KeyCode::Delete => "Delete",
        KeyCode::Esc => "Esc",
        KeyCode::Null => "Ctrl-Space",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let (none, ctrl, alt, shift) =
            (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT);
        let table = [
            (KeyCode::Char('a'), none, "a"),
            (KeyCode::Char('G'), shift, "G"),
            (KeyCode::Char(' '), none, "Space"),
            (KeyCode::Char('a'), ctrl, "Ctrl-A"),
            (KeyCode::Char('7'), ctrl, "Ctrl-_"),
            (KeyCode::Char(' '), ctrl, "Ctrl-Space"),
            (KeyCode::Char('b'), alt, "Alt-B"),
            (KeyCode::Char('1'), alt, "Alt-1"),
            (KeyCode::Backspace, alt, "Alt-Backspace"),
            (KeyCode::BackTab, shift, "Shift-Tab"),
            (KeyCode::Down, shift, "Shift-Down"),
            (KeyCode::Left, ctrl, "Ctrl-Left"),
            (KeyCode::F(5), none, "F5"),
        ];
        for (code, modifiers, text) in table {
            assert_eq!(name(KeyEvent::new(code, modifiers)).as_deref(), Some(text));
        }
    }
}
