//! Reads the files that travel inside a submit, within the one limit for all of them together.

use std::fs::File;
use std::io::{self, Read as _};

use c2_shared::limits::INLINE_BYTES_MAX;

use crate::command::CommandError;

/// Bytes that may still be read.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(INLINE_BYTES_MAX)
    }
}

impl Budget {
    pub(crate) const fn has_room_for(&self, bytes: u64) -> bool {
        bytes <= self.0 as u64
    }

    pub(crate) fn read(&mut self, path: &str) -> Result<Vec<u8>, CommandError> {
        look(path)?;
        let mut bytes = Vec::new();
        let limit = self.0 as u64 + 1;
        let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        read.map_err(|e| unreadable(path, &e))?;
        match self.0.checked_sub(bytes.len()) {
            Some(rest) => self.0 = rest,
            None => {
                let message =
                    format!("{path:?} is too large: what goes inside a request may have {INLINE_BYTES_MAX} bytes");
                return Err(CommandError::refused(
                    message,
                    "give it with --upload and let the command read it: < FILE",
                ));
            }
        }
        Ok(bytes)
    }
}

/// Makes sure that there is a file, without opening it: opening a pipe waits for its writer.
pub(crate) fn look(path: &str) -> Result<std::fs::Metadata, CommandError> {
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(CommandError::refused(
        format!("{path:?} is not a file"),
        "give the files themselves, or pack them: tar -cf all.tar DIR",
    ))
}

/// A file that the system does not give.
pub(crate) fn unreadable(path: &str, error: &io::Error) -> CommandError {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "paths are those of this machine, seen from where the console was started",
        io::ErrorKind::PermissionDenied => "it belongs to another user",
        _ => "check the path",
    };
    CommandError::refused(format!("cannot read {path:?}: {}", reason(error)), hint)
}

/// The system's words without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}
