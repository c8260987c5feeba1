//! The files that go with a job: looked at before anything is sent, small ones inside the request,
//! large ones before it as blobs.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

use c2_shared::bytes64::Bytes64;
use c2_shared::job::Upload;
use c2_shared::limits::{BLOB_BYTES_MAX, INLINE_FILE_BYTES_MAX};
use tokio::task::spawn_blocking;

use crate::command::files::{self, Budget};
use crate::command::{CommandError, Context, transfer};

/// A file of this machine and its place in the job's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    path: String,
    place: String,
    size: u64,
    /// Permission bits that it needs there beyond the ordinary ones.
    mode: Option<u32>,
}

/// Reads all `--upload` flags and looks at the files. Blocks.
pub(crate) fn look(flags: &[String]) -> Result<Vec<Source>, CommandError> {
    flags.iter().flat_map(|flag| split_list(flag)).map(Source::look).collect()
}

/// The commas separate files, unless a file's own name has them.
fn split_list(flag: &str) -> Vec<&str> {
    let (path, _) = split_place(flag);
    let own = path.contains(',') && std::fs::metadata(path).is_ok();
    if own { vec![flag] } else { flag.split(',').collect() }
}

/// Splits `FILE:PLACE` at the last colon, unless the file's own name has one there. Without a place
/// the file keeps its name.
fn split_place(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        Some((path, place)) if !path.is_empty() && std::fs::metadata(text).is_err() => (path, place),
        Some(_) | None => (text, text.rsplit('/').next().unwrap_or(text)),
    }
}

impl Source {
    fn look(text: &str) -> Result<Self, CommandError> {
        let (path, place) = split_place(text);
        let metadata = files::look(path)?;
        let size = metadata.len();
        if size > BLOB_BYTES_MAX {
            let message = format!("{path:?} is too large: a file may have {BLOB_BYTES_MAX} bytes");
            return Err(CommandError::refused(message, "let the job fetch it, from a network share or by scp"));
        }
        let mode = (metadata.permissions().mode() & 0o100 != 0).then_some(0o700);
        Ok(Self { path: path.to_owned(), place: place.to_owned(), size, mode })
    }

    /// What the specification says of it before its content is known.
    pub(crate) fn announced(&self) -> Upload {
        Upload { content: Some(Bytes64::default()), ..self.upload() }
    }

    fn upload(&self) -> Upload {
        Upload { path: self.place.clone(), mode: self.mode, ..Upload::default() }
    }

    /// Reads the file into the request, or sends it beforehand.
    async fn send(self, context: &Context, budget: &mut Budget) -> Result<Upload, CommandError> {
        let upload = self.upload();
        if self.size <= INLINE_FILE_BYTES_MAX && budget.has_room_for(self.size) {
            let (path, mut mine) = (self.path, std::mem::take(budget));
            let read = spawn_blocking(move || mine.read(&path).map(|bytes| (bytes, mine)));
            let (bytes, rest) = read.await.expect("reading a file does not panic")?;
            *budget = rest;
            return Ok(Upload { content: Some(Bytes64(bytes)), ..upload });
        }
        let open = |path: String| move || File::open(&path).map_err(|e| files::unreadable(&path, &e));
        let file = spawn_blocking(open(self.path.clone())).await.expect("opening a file does not panic")?;
        let blob = transfer::blob(context, &self.path, file).await?;
        Ok(Upload { sha256: Some(blob), ..upload })
    }
}

/// Sends what is too large for the request and reads the rest into it.
pub(crate) async fn send_all(
    context: &Context,
    sources: Vec<Source>,
    mut budget: Budget,
) -> Result<Vec<Upload>, CommandError> {
    let mut uploads = Vec::new();
    for source in sources {
        uploads.push(source.send(context, &mut budget).await?);
    }
    Ok(uploads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_name_files_and_places() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        for name in ["a", "b", "c:d", "e,f", "run.sh"] {
            std::fs::write(at(name), "12").unwrap();
        }
        std::fs::set_permissions(at("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let check = |flags: &[String], expected: &[(&str, &str)]| {
            let sources = look(flags).unwrap();
            let found: Vec<_> = sources.iter().map(|s| (s.path.clone(), s.place.as_str())).collect();
            let expected: Vec<_> = expected.iter().map(|(name, place)| (at(name), *place)).collect();
            assert_eq!(found, expected, "{flags:?}");
        };
        check(&[at("a")], &[("a", "a")]);
        check(&[format!("{}:in/x", at("a")), at("b")], &[("a", "in/x"), ("b", "b")]);
        check(&[format!("{}:x,{}:y", at("a"), at("b"))], &[("a", "x"), ("b", "y")]);
        check(&[format!("{}:x,{}", at("a"), at("b"))], &[("a", "x"), ("b", "b")]);
        check(&[at("c:d")], &[("c:d", "c:d")]);
        check(&[format!("{}:x", at("c:d"))], &[("c:d", "x")]);
        check(&[at("e,f")], &[("e,f", "e,f")]);
        check(&[format!("{}:x", at("e,f"))], &[("e,f", "x")]);
        assert_eq!(look(&[at("run.sh")]).unwrap()[0].mode, Some(0o700));
        for missing in [
            at("no"),
            format!("{}:x,{}", at("a"), at("no")),
            format!("{},{}", at("a"), at("no")),
            dir.path().display().to_string(),
        ] {
            assert!(look(std::slice::from_ref(&missing)).is_err(), "{missing}");
        }
    }
}
