//! Signatures of an authority that is known by its fingerprint.

use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// How a key for ECDSA over P-256 begins in a certificate; the point follows.
const KEY_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Length of the point.
const POINT_LEN: usize = 65;

/// Whether the key in a certificate signed a statement. The certificate must be known by its fingerprint already:
/// then c2d made it, and its key stands where such keys stand.
pub(super) fn is_signed(certificate: &[u8], statement: &[u8], signature: &[u8]) -> bool {
    let key = memchr::memmem::find(certificate, &KEY_HEAD).and_then(|at| {
        let at = at + KEY_HEAD.len();
        certificate.get(at..at + POINT_LEN)
    });
    key.is_some_and(|key| UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(statement, signature).is_ok())
}
