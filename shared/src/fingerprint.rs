//! The SHA-256 of a c2d's certificate authority: what programs know it by.
//!
//! Whoever has it needs no list of authorities and no correct clock to tell the c2d that is meant
//! from any other, before a secret is sent.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Names a certificate authority; 43 characters of base64url in text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Says that a text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the fingerprint of a c2d")]
pub struct FingerprintError;

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// The hash itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// It as the name of an authority in DER, by which a client says whom it knows: the common name alone.
    #[must_use]
    pub fn as_name(&self) -> Vec<u8> {
        const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
        let wrap = |tag: u8, inner: &[u8]| {
            let len = u8::try_from(inner.len()).expect("a fingerprint is short");
            [&[tag, len], inner].concat()
        };
        let text = wrap(0x0c, self.to_string().as_bytes());
        wrap(0x30, &wrap(0x31, &wrap(0x30, &[&COMMON_NAME[..], &text].concat())))
    }

    /// Whether a certificate in DER has this fingerprint.
    #[must_use]
    pub fn fits(&self, certificate: &[u8]) -> bool {
        self.0.ct_eq(&Self::of(certificate).0).into()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| FingerprintError)?;
        bytes.try_into().map(Self).map_err(|_| FingerprintError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_round_trip() {
        let one = Fingerprint::of(b"one");
        assert_eq!(one.to_string().parse(), Ok(one));
        assert!(one.fits(b"one") && !one.fits(b"two"));
        assert_eq!("AAAA".parse::<Fingerprint>(), Err(FingerprintError));
        assert_eq!(one.as_name()[..13], [0x30, 0x36, 0x31, 0x34, 0x30, 0x32, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x2b]);
    }
}
