//! What a text needs before it is shown: characters that act there and are not seen themselves, and a bound.

/// Whether a character acts on the screen, the line or the order of what stands beside it: control characters,
/// Unicode's own line ends, and marks of writing direction.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of at most about so many bytes: what is longer keeps both ends, with the count of what is missing.
pub fn bounded(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    let head = &text[..text.floor_char_boundary(bytes_max / 2)];
    let tail = &text[text.ceil_char_boundary(text.len() - bytes_max / 2)..];
    format!("{head}… ({} bytes) …{tail}", text.len() - head.len() - tail.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_keeps_its_ends() {
        assert_eq!(bounded("0123456789".to_owned(), 10), "0123456789");
        assert_eq!(bounded("0123456789a".to_owned(), 4), "01… (7 bytes) …9a");
        assert_eq!(bounded("ééé".to_owned(), 3), "… (6 bytes) …");
    }

    #[test]
    fn only_what_is_not_seen_acts() {
        let text = "job \u{e9}\u{5e9}\u{1f469}\u{200d}\u{1f680}";
        assert!(!text.chars().any(acts), "letters of any script, and what joins pictures");
        for c in ['\u{1b}', '\n', '\u{9b}', '\u{202e}', '\u{2028}', '\u{2066}', '\u{61c}', '\u{200f}'] {
            assert!(acts(c), "{c:?}");
        }
    }
}
