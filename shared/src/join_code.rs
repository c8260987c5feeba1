//! The six words with which a machine joins a c2d that it found in its network.
//!
//! They are an invitation, and c2d proves that it knows them before they are used: by a keyed hash of what it is known
//! by on this very connection. Whoever answers in its place can prove nothing and learns nothing. 66 bits are too many
//! to try within the hour for which the words are good.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bip39::Language;
use ring::hmac;

use crate::fingerprint::Fingerprint;
use crate::hint::nearest;
use crate::token::{Role, Token, TokenError};

/// The type of service by which a c2d that announces itself is found.
pub const SERVICE: &str = "_c2d._tcp.local.";
/// The property of that service with the fingerprint of the c2d.
pub const FINGERPRINT_PROPERTY: &str = "fingerprint";

/// Words of a code: eleven bits each.
const WORDS: usize = 6;
/// What of sixteen random bits becomes a word.
const WORD_MASK: u16 = 0x7ff;
/// From what the invitation is made, which no fingerprint can be: those have 32 bytes.
const INVITATION: &[u8] = b"invitation";

/// Six words that c2d and whoever stands before the new machine know.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinCode([&'static str; WORDS]);

/// Why a text is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinCodeError {
    /// There are more or fewer words.
    #[error("a code has six words, and this has {0}")]
    Count(usize),
    /// No code has this word.
    #[error("{word:?} is no word of a code")]
    Word {
        /// As it was typed.
        word: String,
        /// The one that was meant, perhaps.
        nearest: Option<&'static str>,
    },
}

impl JoinCode {
    /// Makes a new one from the system's random source.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate() -> Result<Self, TokenError> {
        let mut random = [[0_u8; 2]; WORDS];
        getrandom::fill(random.as_flattened_mut()).map_err(|_| TokenError::Random)?;
        let list = Language::English.word_list();
        Ok(Self(random.map(|bytes| list[usize::from(u16::from_le_bytes(bytes) & WORD_MASK)])))
    }

    /// What c2d proves by that it knows the code, on a connection on which it is known by this fingerprint.
    #[must_use]
    pub fn proof(&self, fingerprint: Fingerprint) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key(), fingerprint.as_bytes()))
    }

    /// Whether whoever is known by this fingerprint has proved that it knows the code.
    #[must_use]
    pub fn is_proved(&self, fingerprint: Fingerprint, proof: &str) -> bool {
        let proof = URL_SAFE_NO_PAD.decode(proof).unwrap_or_default();
        hmac::verify(&self.key(), fingerprint.as_bytes(), &proof).is_ok()
    }

    /// The invitation that the code is.
    #[must_use]
    pub fn invitation(&self) -> Token {
        let secret = hmac::sign(&self.key(), INVITATION);
        Token::of(Role::Join, secret.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The code itself, as one word for a shell.
    #[must_use]
    pub fn expose(&self) -> String {
        self.0.join("-")
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.expose().as_bytes())
    }
}

impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinCode(..)")
    }
}

impl FromStr for JoinCode {
    type Err = JoinCodeError;

    /// Reads words with blanks or hyphens between them, in any case.
    fn from_str(text: &str) -> Result<Self, JoinCodeError> {
        let list = Language::English.word_list();
        let known = |word: &str| {
            let word = word.to_lowercase();
            let found = list.binary_search(&word.as_str()).ok().map(|at| list[at]);
            found.ok_or_else(|| JoinCodeError::Word { nearest: nearest(&word, list.iter().copied()), word })
        };
        let words = text.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty());
        let words = words.map(known).collect::<Result<Vec<_>, _>>()?;
        let len = words.len();
        words.try_into().map(Self).map_err(|_| JoinCodeError::Count(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them_and_never_show() {
        let code = JoinCode::generate().unwrap();
        let text = code.expose();
        for typed in [text.clone(), text.replace('-', " "), format!("  {} \n", text.to_uppercase().replace('-', "  "))]
        {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed:?}");
        }
        assert_ne!(JoinCode::generate().unwrap(), code);
        assert!(text.split('-').all(|word| !format!("{code:?}").contains(word)));
        let list = Language::English.word_list();
        assert!(list.len() == usize::from(WORD_MASK) + 1 && list.is_sorted(), "eleven bits, and found by halves");
    }

    #[test]
    fn what_is_no_code_is_named() {
        let word = |word: &str, nearest| JoinCodeError::Word { word: word.to_owned(), nearest };
        let table = [
            ("", JoinCodeError::Count(0)),
            ("able about above absent absorb", JoinCodeError::Count(5)),
            ("able about above absent absorb abstract absurd", JoinCodeError::Count(7)),
            ("able abuot above absent absorb abstract", word("abuot", Some("about"))),
            ("able-about-above-absent-absorb-qqqqqqqq", word("qqqqqqqq", None)),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<JoinCode>(), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn only_who_knows_the_code_proves_it_and_only_for_itself() {
        let (code, other) = (JoinCode::generate().unwrap(), JoinCode::generate().unwrap());
        let (own, strange) = (Fingerprint::of(b"c2d"), Fingerprint::of(b"somebody else"));
        let proof = code.proof(own);
        assert!(code.is_proved(own, &proof));
        assert!(!code.is_proved(strange, &proof), "what c2d said proves nothing of who passes it on");
        assert!(!other.is_proved(own, &proof) && !code.is_proved(own, &other.proof(own)));
        for nonsense in ["", "AAAA", &proof[1..], &format!("{proof}A"), "\u{1b}"] {
            assert!(!code.is_proved(own, nonsense), "{nonsense:?}");
        }
    }

    #[test]
    fn the_invitation_follows_from_the_code_and_from_nothing_that_is_said_before() {
        let code: JoinCode = "able about above absent absorb abstract".parse().unwrap();
        let again: JoinCode = "ABLE-about above-absent  absorb abstract".parse().unwrap();
        assert_eq!(code.invitation(), again.invitation());
        assert_ne!(code.invitation(), JoinCode::generate().unwrap().invitation());
        let token = code.invitation();
        assert_eq!((token.role(), token.expose().parse().ok()), (Role::Join, Some(token.clone())));
        assert!(!token.expose().contains(&code.proof(Fingerprint::of(b"c2d"))));
    }
}
