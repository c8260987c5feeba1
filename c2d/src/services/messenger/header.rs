//! Text in headers, which are ASCII: what is not is written by RFC 2047, which mail and ntfy read. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use c2_shared::plain;

/// Bytes of text in one encoded word: with what is around it, it fits into a line with the name of its header.
const WORD_BYTES: usize = 39;

/// A text as what a header may say, in pieces that belong together and are put apart by white space.
pub(super) fn words(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|c| !plain::acts(*c)).collect();
    // What looks like an encoded word would be read as one.
    if text.is_ascii() && !text.contains("=?") {
        return vec![text];
    }
    let mut pieces = vec![String::new()];
    for c in text.chars() {
        // A character is never torn apart.
        match pieces.last_mut() {
            Some(piece) if piece.len() + c.len_utf8() <= WORD_BYTES => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces.into_iter().map(|piece| format!("=?UTF-8?B?{}?=", STANDARD.encode(piece))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ascii_is_encoded_and_nothing_else() {
        let table = [
            ("build failed: exit 2", "build failed: exit 2"),
            ("a\r\nBcc: b", "aBcc: b"),
            ("\u{fc}ml\u{e4}ut job", "=?UTF-8?B?w7xtbMOkdXQgam9i?="),
            ("=?x", "=?UTF-8?B?PT94?="),
        ];
        for (text, written) in table {
            assert_eq!(words(text).join(" "), written, "{text:?}");
        }
        let long = words(&"\u{65e5}".repeat(100));
        assert!(long.len() > 1 && long.iter().all(|word| word.len() <= 75), "{long:?}");
        let read: String = long
            .iter()
            .map(|word| word.trim_start_matches("=?UTF-8?B?").trim_end_matches("?="))
            .map(|word| String::from_utf8(STANDARD.decode(word).unwrap()).expect("no character is torn apart"))
            .collect();
        assert_eq!(read, "\u{65e5}".repeat(100));
    }
}
