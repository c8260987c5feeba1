//! Texts of this machine: files and standard input, read whole and within a limit.
//!
//! What editors of other systems add or do otherwise is taken care of here, for scripts, batches and
//! lists alike: a mark before the first character, and line ends of their own.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;

use c2_shared::home;

use crate::command::CommandError;

/// Bytes of a file of jobs or of inputs; 50,000 of them have room in it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The path that a person means: `~` is the home folder here too, where no shell has replaced it.
pub(crate) fn local(path: &str) -> Cow<'_, str> {
    if !path.starts_with('~') {
        return Cow::Borrowed(path);
    }
    Cow::Owned(home::expand(Path::new(path)).to_string_lossy().into_owned())
}

/// The same, where a home folder that is not known is refused; a file of just this name is meant by it.
pub(crate) fn at_home(path: &str) -> Result<Cow<'_, str>, CommandError> {
    let first = path.split('/').next().unwrap_or_default();
    if path.starts_with('~')
        && std::fs::symlink_metadata(first).is_err()
        && let Err(unknown) = home::known(Path::new(path))
    {
        let hint = match unknown {
            home::NoHome::Own => "set HOME, or write the full path".to_owned(),
            home::NoHome::Of(_) => format!("for a file of this name write ./{path}"),
        };
        return Err(CommandError::refused(unknown.to_string(), hint));
    }
    Ok(local(path))
}

/// How a file is named in what is said of it.
pub(crate) fn named(path: &str) -> String {
    if path == "-" { "standard input".to_owned() } else { format!("{path:?}") }
}

/// Reads a file, or standard input for `-`.
pub(crate) async fn bytes(path: &str, interactive: bool) -> Result<Vec<u8>, CommandError> {
    if path == "-" && interactive {
        return Err(CommandError::usage("there is no standard input here", "name a file"));
    }
    let name = at_home(path)?.into_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        if name == "-" {
            std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        } else {
            std::fs::File::open(&name)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        }
        Ok::<_, std::io::Error>(bytes)
    });
    let bytes = read.await.map_err(std::io::Error::other).flatten().map_err(|error| {
        let hint = "paths are those of this machine, seen from where the console was started";
        CommandError::refused(format!("cannot read {}: {error}", named(path)), hint)
    })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(CommandError::refused(
            format!("{} is larger than {FILE_BYTES_MAX} bytes", named(path)),
            "split it",
        ));
    }
    Ok(bytes)
}

/// Reads text from a file, or from standard input for `-`.
pub(crate) async fn read(path: &str, interactive: bool) -> Result<String, CommandError> {
    of_lines(path, bytes(path, interactive).await?, "save it as UTF-8")
}

/// The bytes of a file as text whose lines end with a line feed; `hint` is for what is not UTF-8.
pub(crate) fn of_lines(path: &str, bytes: Vec<u8>, hint: &str) -> Result<String, CommandError> {
    let line_of = |at: usize, bytes: &[u8]| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = line_of(error.utf8_error().valid_up_to(), error.as_bytes());
        CommandError::refused(format!("line {line} of {} is not valid UTF-8", named(path)), hint)
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if !text.contains('\r') {
        return Ok(text);
    }
    let text = text.replace("\r\n", "\n");
    match text.find('\r') {
        None => Ok(text),
        // One command for a whole file, or a line that overwrites itself: neither was meant.
        Some(at) => {
            let line = line_of(at, text.as_bytes());
            let message = format!("line {line} of {} has a carriage return inside", named(path));
            Err(CommandError::refused(message, "end each line with a line feed: tr '\\r' '\\n' < OLD > NEW"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_folder_has_to_be_known() {
        let error = at_home("~no-such-user/x").unwrap_err();
        assert_eq!(error.message, "there is no user \"no-such-user\" on this machine");
        assert_eq!(error.hint.as_deref(), Some("for a file of this name write ./~no-such-user/x"));
        for path in ["x~", "./~x", "-", "~root"] {
            assert!(at_home(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn what_editors_do_is_taken_care_of() {
        let read = |bytes: &[u8]| of_lines("f", bytes.to_vec(), "h").map_err(|error| error.message);
        let refused = |message: &str| Err(message.to_owned());
        let table: [(&[u8], Result<String, String>); 7] = [
            (b"a\nb", Ok("a\nb".to_owned())),
            (b"\xef\xbb\xbfa\r\nb\r\n", Ok("a\nb\n".to_owned())),
            (b"a\rb\r", refused("line 1 of \"f\" has a carriage return inside")),
            (b"a\r\nb\rc\r\n", refused("line 2 of \"f\" has a carriage return inside")),
            (b"a\ncaf\xe9\n", refused("line 2 of \"f\" is not valid UTF-8")),
            (b"", Ok(String::new())),
            (b"a\0b", Ok("a\0b".to_owned())),
        ];
        for (bytes, expected) in table {
            assert_eq!(read(bytes), expected, "{bytes:?}");
        }
    }
}
