//! Names of blobs: a file's content is known by its SHA-256, no matter where it lies and who sends it.
//!
//! A name is made of 64 small hexadecimal digits and nothing else, so it can stand in a path as it
//! is, and nothing that somebody else wrote ever has to.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes hashed at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Names a blob: the SHA-256 of its content, 64 small hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(pub [u8; 32]);

/// Says that a text is no name of a blob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256")]
pub struct BlobIdError(String);

/// Makes a [`BlobId`] of content that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct BlobHasher(Sha256);

impl BlobHasher {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes everything that is left to read, and says how much it was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&mut self, from: &mut impl Read) -> io::Result<u64> {
        let (mut buffer, mut total) = (vec![0; CHUNK_BYTES], 0);
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(len) => {
                    self.0.update(&buffer[..len]);
                    total += len as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The name of all that was taken.
    #[must_use]
    pub fn finish(self) -> BlobId {
        BlobId(self.0.finalize().into())
    }
}

impl BlobId {
    /// The name of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobId {
    type Err = BlobIdError;

    fn from_str(text: &str) -> Result<Self, BlobIdError> {
        let fail = || BlobIdError(text.chars().take(80).collect());
        let digit = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(fail());
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or_else(fail)?;
        }
        Ok(Self(bytes))
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for BlobId {
    type Error = BlobIdError;

    fn try_from(text: String) -> Result<Self, BlobIdError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn names_round_trip() {
        assert_eq!(BlobId::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(BlobId::of(b"")));
        let mut hasher = BlobHasher::default();
        hasher.update(b"ab");
        assert_eq!(hasher.read(&mut &b"cd"[..]).unwrap(), 2);
        assert_eq!(hasher.finish(), BlobId::of(b"abcd"));
    }

    #[test]
    fn nothing_else_is_a_name() {
        let table =
            ["", "e3b0", &EMPTY.to_uppercase(), &format!("{EMPTY}0"), &EMPTY[1..], &format!("../{}", &EMPTY[3..])];
        for bad in table {
            assert!(bad.parse::<BlobId>().is_err(), "{bad:?}");
        }
    }
}
