//! Reads the files that travel inside a submit, within the one limit for all of them together.

use std::fs::File;
use std::io::{self, Read as _};

use c2_shared::limits::INLINE_BYTES_MAX;

use crate::command::Complaint;

/// Bytes that may still be read.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(INLINE_BYTES_MAX)
    }
}

impl Budget {
    /// Reads a whole file.
    pub(crate) fn read(&mut self, path: &str) -> Result<Vec<u8>, Complaint> {
        let unreadable = |e: io::Error| {
            let hint = match e.kind() {
                io::ErrorKind::NotFound => "paths are those of this machine, seen from where the console was started",
                io::ErrorKind::PermissionDenied => "it belongs to somebody else",
                _ => "check the path",
            };
            Complaint::refused(format!("cannot read {path:?}: {}", reason(&e)), hint)
        };
        // The kind is asked before opening, because opening a pipe waits for its writer.
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Complaint::refused(
                format!("{path:?} is not a file"),
                "pack a folder first: tar -cf all.tar DIR",
            ));
        }
        let mut bytes = Vec::new();
        let limit = self.0 as u64 + 1;
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unreadable)?;
        match self.0.checked_sub(bytes.len()) {
            Some(rest) => self.0 = rest,
            None => {
                let message =
                    format!("{path:?} is too large: all files of a job together may have {INLINE_BYTES_MAX} bytes");
                return Err(Complaint::refused(message, "let the job fetch it, from a network share or by scp"));
            }
        }
        Ok(bytes)
    }
}

/// The system's words without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}
