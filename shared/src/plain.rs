//! Characters that act where a text is shown and are not seen themselves.

/// Whether a character acts on the screen, the line or the order of what stands beside it: control characters,
/// Unicode's own line ends, and marks of writing direction.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_seen_acts() {
        let text = "job \u{e9}\u{5e9}\u{1f469}\u{200d}\u{1f680}";
        assert!(!text.chars().any(acts), "letters of any script, and what joins pictures");
        for c in ['\u{1b}', '\n', '\u{9b}', '\u{202e}', '\u{2028}', '\u{2066}', '\u{61c}', '\u{200f}'] {
            assert!(acts(c), "{c:?}");
        }
    }
}
