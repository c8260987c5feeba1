//! Specifications as they are stored: each with a digest, so that what the disk or a hand changed is
//! noticed before it runs.
//!
//! One that cannot be used is never replaced by another. Its job is held with the reason, and a row
//! that shows it says so in place of the command.

use c2_shared::job::JobSpec;
use sha2::{Digest as _, Sha256};

/// Identifies a specification to the byte.
pub(super) fn digest(payload: &str) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Why a stored specification cannot be used; nothing if it can. Those of old have no digest.
pub(super) fn defect(payload: &str, stored: Option<&[u8]>) -> Option<String> {
    if stored.is_some_and(|stored| *stored != digest(payload)) {
        return Some("its specification was changed in the database".to_owned());
    }
    read(payload).err()
}

/// Reads a specification, or says why it cannot be read.
pub(crate) fn read(payload: &str) -> Result<JobSpec, String> {
    serde_json::from_str(payload).map_err(|error| format!("its specification cannot be read: {error}"))
}

/// What is shown of a specification, whether it can be read or not.
pub(crate) fn shown(payload: &str) -> JobSpec {
    read(payload).unwrap_or_else(|reason| JobSpec { command: format!("({reason})"), ..JobSpec::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_told_from_what_can() {
        let (good, newer, junk) = (r#"{"command":"true"}"#, r#"{"command":"true","moon":"full"}"#, "{\"comm");
        assert_eq!(defect(good, Some(&digest(good))), None);
        assert_eq!(defect(good, None), None, "stored before there were digests");
        let changed = Some("its specification was changed in the database".to_owned());
        assert_eq!(defect(r#"{"command":"false"}"#, Some(&digest(good))), changed);
        assert_eq!(defect(good, Some(b"short")), changed);
        for (payload, word) in [(newer, "unknown field `moon`"), (junk, "EOF"), ("", "EOF")] {
            let defect = defect(payload, Some(&digest(payload))).unwrap();
            assert!(defect.starts_with("its specification cannot be read: ") && defect.contains(word), "{defect}");
            assert!(shown(payload).command.contains("cannot be read"));
        }
    }
}
