//! The files that go with a job: looked at before anything is sent, small ones inside the request,
//! large ones before it as blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use c2_shared::blob::BlobId;
use c2_shared::bytes64::Bytes64;
use c2_shared::glob::Pattern;
use c2_shared::job::Upload;
use c2_shared::limits::{BLOB_BYTES_MAX, INLINE_FILE_BYTES_MAX, LIST_LEN_MAX};
use tokio::task::spawn_blocking;

use crate::command::files::{self, Budget};
use crate::command::job_flags::items;
use crate::command::text::{at_home, local};
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

/// What is in a file, as c2d is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Inline(Vec<u8>),
    Blob(BlobId),
}

/// Reads all `--upload` flags and looks at the files. Blocks.
pub(crate) fn look(flags: &[String]) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for text in flags.iter().flat_map(|flag| split_list(flag)) {
        let (path, place) = split_place(&text);
        let path = at_home(path)?;
        if path.split('/').any(|part| part == "**") && std::fs::symlink_metadata(&*path).is_err() {
            let hint = "name the folder itself: all that is in it goes with the job, at whatever depth";
            return Err(CommandError::refused(format!("{path:?} has a **, which --upload does not know"), hint));
        }
        let before = sources.len();
        let folder = place.filter(|place| place.ends_with('/') || matches!(*place, "." | "./"));
        let within = |path: &str| place_in(folder.unwrap_or_default(), path);
        match matching(&path) {
            Some(found) if !found.is_empty() && place.is_some() && folder.is_none() => {
                let message = format!("{path:?} means {} files, and one name is given for them", found.len());
                return Err(CommandError::refused(
                    message,
                    "leave out what stands behind the colon, or end it with a /",
                ));
            }
            Some(found) if place.is_none() || !found.is_empty() => {
                if found.is_empty() {
                    let hint = "name a file, or a pattern that matches some";
                    return Err(CommandError::refused(format!("nothing matches {path:?}"), hint));
                }
                for path in found {
                    look_at(&path, &within(&path), &mut sources)?;
                }
            }
            Some(_) | None => {
                let is_folder = std::fs::metadata(&*path).is_ok_and(|path| path.is_dir());
                let path = if is_folder { path.trim_end_matches('/') } else { &*path };
                let place = match place {
                    Some(place) if folder.is_none() || is_folder => place.trim_end_matches('/').to_owned(),
                    _ => within(path),
                };
                look_at(path, &place, &mut sources)?;
            }
        }
        if sources.len() == before {
            let hint = "name a folder that has some";
            return Err(CommandError::refused(format!("no file is in {path:?}"), hint));
        }
    }
    Ok(sources)
}

/// Looks at a file, or at all files of a folder.
fn look_at(path: &str, place: &str, sources: &mut Vec<Source>) -> Result<(), CommandError> {
    if std::fs::metadata(path).is_ok_and(|path| path.is_dir()) {
        return all_in(path, place, sources);
    }
    sources.push(Source::look(path, place)?);
    Ok(())
}

/// All files of a folder, at whatever depth, in the order of their names.
fn all_in(folder: &str, place: &str, sources: &mut Vec<Source>) -> Result<(), CommandError> {
    let unreadable = |e: &io::Error| files::unreadable(folder, e);
    let entries = std::fs::read_dir(if folder.is_empty() { "/" } else { folder }).map_err(|e| unreadable(&e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(&e))?;
        let name = entry.file_name().into_string().map_err(|name| {
            CommandError::refused(
                format!("the name {name:?} in {folder:?} is not UTF-8"),
                "rename it, or pack the folder: tar -cf all.tar DIR",
            )
        })?;
        // A link to a folder may lead back into itself.
        names.push((name, entry.file_type().map_err(|e| unreadable(&e))?.is_dir()));
    }
    names.sort();
    for (name, is_folder) in names {
        let path = format!("{folder}/{name}");
        let place = if matches!(place, "" | "." | "..") { name } else { format!("{place}/{name}") };
        if is_folder {
            all_in(&path, &place, sources)?;
        } else {
            sources.push(Source::look(&path, &place)?);
        }
        if sources.len() > LIST_LEN_MAX {
            let hint = "pack the folder and let the job unpack it: tar -cf all.tar DIR";
            return Err(CommandError::refused(format!("{folder:?} has more than {LIST_LEN_MAX} files"), hint));
        }
    }
    Ok(())
}

/// The commas separate files, unless a file's own name has them.
fn split_list(flag: &str) -> Vec<String> {
    let (path, _) = split_place(flag);
    let own = path.contains(',') && std::fs::metadata(&*local(path)).is_ok();
    if own { vec![flag.to_owned()] } else { items(flag) }
}

/// Splits `FILE:PLACE` at the last colon, unless the file's own name has one there.
fn split_place(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((path, place)) if !path.is_empty() && std::fs::metadata(&*local(text)).is_err() => (path, Some(place)),
        Some(_) | None => (text, None),
    }
}

/// Where a file is that keeps its name in a folder of the job's own one.
fn place_in(folder: &str, path: &str) -> String {
    match folder.trim_end_matches('/') {
        "" | "." => base_name(path).to_owned(),
        folder => format!("{folder}/{}", base_name(path)),
    }
}

/// Without a place a file keeps its name.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The files and folders that a path with patterns means, in the order of their names; nothing where there is no
/// pattern, or a file of just this name.
pub(crate) fn matching(path: &str) -> Option<Vec<String>> {
    if path.split('/').all(|part| Pattern::new(part).is_plain()) || std::fs::symlink_metadata(path).is_ok() {
        return None;
    }
    let (root, rest) = path.strip_prefix('/').map_or(("", path), |rest| ("/", rest));
    let mut found = vec![root.to_owned()];
    for (number, part) in rest.split('/').enumerate() {
        let within = |folder: String| {
            let folder = if number == 0 { folder } else { folder + "/" };
            if Pattern::new(part).is_plain() { vec![folder + part] } else { matching_in(&folder, part) }
        };
        found = found.into_iter().flat_map(within).collect();
    }
    found.retain(|path| std::fs::metadata(path).is_ok());
    Some(found)
}

/// The files and folders of a folder that a pattern means.
fn matching_in(folder: &str, pattern: &str) -> Vec<String> {
    let pattern = Pattern::new(pattern);
    let Ok(entries) = std::fs::read_dir(if folder.is_empty() { "." } else { folder }) else { return Vec::new() };
    let is_any = |path: &Path| std::fs::metadata(path).is_ok_and(|path| path.is_file() || path.is_dir());
    let entries = entries.flatten().filter(|entry| is_any(&entry.path()));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| pattern.means(name));
    names.sort();
    names.into_iter().map(|name| format!("{folder}{name}")).collect()
}

impl Source {
    fn look(path: &str, place: &str) -> Result<Self, CommandError> {
        let metadata = files::look(path)?;
        let size = metadata.len();
        if size > BLOB_BYTES_MAX {
            let message = format!("{path:?} is too large: a file may have {BLOB_BYTES_MAX} bytes");
            return Err(CommandError::refused(message, "let the job fetch it, from a network share or by scp"));
        }
        let mode = (metadata.permissions().mode() & 0o100 != 0).then_some(0o700);
        Ok(Self { path: path.to_owned(), place: place.to_owned(), size, mode })
    }

    /// A file for the standard input of a job.
    pub(crate) fn stdin(path: &str) -> Result<Self, CommandError> {
        Self::look(&at_home(path)?, "")
    }

    /// What the specification says of it before its content is known.
    pub(crate) fn announced(&self) -> Upload {
        Upload { path: self.place.clone(), mode: self.mode, content: Some(Bytes64::default()), ..Upload::default() }
    }
}

/// Sends the files of all jobs of one request.
pub(crate) struct Sender<'a> {
    context: &'a Context,
    budget: Budget,
    /// Files that go with more than one job go once.
    seen: BTreeSet<String>,
    sent: BTreeMap<String, BlobId>,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self { context, budget: Budget::default(), seen: BTreeSet::new(), sent: BTreeMap::new() }
    }

    /// Reads a file into the request, or sends it beforehand.
    pub(crate) async fn send(&mut self, source: Source) -> Result<Content, CommandError> {
        let Source { path, size, .. } = source;
        if self.seen.insert(path.clone()) && size <= INLINE_FILE_BYTES_MAX && self.budget.has_room_for(size) {
            let (path, mut mine) = (path, std::mem::take(&mut self.budget));
            let read = spawn_blocking(move || mine.read(&path).map(|bytes| (bytes, mine)));
            let (bytes, rest) = read.await.expect("reading a file does not panic")?;
            self.budget = rest;
            return Ok(Content::Inline(bytes));
        }
        if let Some(blob) = self.sent.get(&path) {
            return Ok(Content::Blob(*blob));
        }
        let open = |path: String| move || File::open(&path).map_err(|e| files::unreadable(&path, &e));
        let file = spawn_blocking(open(path.clone())).await.expect("opening a file does not panic")?;
        let blob = transfer::blob(self.context, &path, file).await?;
        self.sent.insert(path, blob);
        Ok(Content::Blob(blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_name_files_and_places() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        for name in ["a", "b", "c:d", "e,f", "run.sh", "[1].x", "1.x"] {
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
        check(&[format!("{}:in/", at("a")), format!("{}:.", at("b"))], &[("a", "in/a"), ("b", "b")]);
        check(&[format!("{}:in/sub/", at("?"))], &[("a", "in/sub/a"), ("b", "in/sub/b")]);
        check(&[at("c:d")], &[("c:d", "c:d")]);
        check(&[format!("{}:x", at("c:d"))], &[("c:d", "x")]);
        check(&[at("e,f")], &[("e,f", "e,f")]);
        check(&[format!("{}:x", at("e,f"))], &[("e,f", "x")]);
        check(&[format!("{},{}", at("e\\,f"), at("a"))], &[("e,f", "e,f"), ("a", "a")]);
        check(&[at("?")], &[("a", "a"), ("b", "b")]);
        check(&[at("[1].x")], &[("[1].x", "[1].x")]);
        check(&[at("*.x")], &[("1.x", "1.x"), ("[1].x", "[1].x")]);
        std::fs::create_dir_all(at("d/e/.f")).unwrap();
        for name in ["d/z", "d/e/.f/y", "d/.hidden"] {
            std::fs::write(at(name), "1").unwrap();
        }
        check(&[at("d")], &[("d/.hidden", "d/.hidden"), ("d/e/.f/y", "d/e/.f/y"), ("d/z", "d/z")]);
        check(&[at("d/*")], &[("d/e/.f/y", "e/.f/y"), ("d/z", "z")]);
        check(&[at("?/e/.f/*")], &[("d/e/.f/y", "y")]);
        check(&[at("d/e/.[f]")], &[("d/e/.f/y", ".f/y")]);
        check(&[format!("{}/:in", at("d/e"))], &[("d/e/.f/y", "in/.f/y")]);
        check(&[format!("{}:.", at("d/e"))], &[("d/e/.f/y", ".f/y")]);
        std::os::unix::fs::symlink("..", at("d/e/up")).unwrap();
        std::fs::create_dir(at("empty")).unwrap();
        assert_eq!(look(&[at("run.sh")]).unwrap()[0].mode, Some(0o700));
        for missing in [
            at("no"),
            at("*.no"),
            format!("{}:x", at("*")),
            format!("{}:x,{}", at("a"), at("no")),
            format!("{},{}", at("a"), at("no")),
            at("d/**"),
            at("*/empt?"),
            at("empt?"),
            at("**/z"),
            at("d"),
            at("empty"),
        ] {
            assert!(look(std::slice::from_ref(&missing)).is_err(), "{missing}");
        }
    }
}
