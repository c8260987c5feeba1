//! Finds the files that a job is to leave: what in its workspace matches the patterns, each hashed.
//!
//! The workspace is walked by descriptors, from it down, without following a link. Only regular
//! files are taken. A file that has other names too is taken only if it belongs to the agent's own
//! user, as whoever else owns it did not give it to the job; the others are problems, and
//! so is everything else that matches and cannot be taken, and what would match if it were not hidden.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use c2_shared::api::files::JobFile;
use c2_shared::blob::BlobHasher;
use c2_shared::glob::{Pattern, Progress};
use c2_shared::limits::{BLOB_BYTES_MAX, FILES_LEN_MAX};
use c2_shared::validate;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::process::geteuid;

use crate::folder::{let_in, open_dir, open_own_dir};

/// Names looked at; more is a folder that nobody meant.
const NAMES_MAX: usize = 500_000;
/// Folders below each other, as many as a path may have.
const DEPTH_MAX: usize = 16;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// In the order of their paths.
    pub(crate) files: Vec<JobFile>,
    /// What matched and is not among them, and why.
    pub(crate) problems: Vec<String>,
}

/// Collects the files of a workspace that match any of the patterns.
pub(crate) fn collect(workspace: BorrowedFd<'_>, globs: &[String]) -> Found {
    let patterns: Vec<Pattern> = globs.iter().map(|glob| Pattern::new(glob)).collect();
    let (met, hidden) = (vec![false; patterns.len()], Vec::new());
    let mut walk = Walk { workspace, met, patterns, names: 0, hidden, found: Found::default() };
    let start = walk.patterns.iter().map(Pattern::start).collect();
    let mut folders = vec![(String::new(), start)];
    while let Some((path, progress)) = folders.pop() {
        match walk.folder(&path, &progress) {
            Ok(Some(below)) => folders.extend(below),
            Ok(None) => break,
            Err(e) => {
                let path = if path.is_empty() { "." } else { &path };
                walk.found.problems.push(format!("{path:?} cannot be read: {e}"));
            }
        }
    }
    walk.name_hidden();
    let unmet = globs.iter().zip(&walk.met).filter(|(_, met)| !**met);
    walk.found.problems.extend(unmet.map(|(glob, _)| format!("nothing matches {glob:?}")));
    walk.found.files.sort_by(|a, b| a.path.cmp(&b.path));
    walk.found
}

/// Opens a file of a workspace that was found there, unless it became something else.
pub(crate) fn open(workspace: BorrowedFd<'_>, path: &str) -> io::Result<File> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = descend(workspace, folders)?;
    open_file(folder.as_fd(), name)
}

struct Walk<'a> {
    workspace: BorrowedFd<'a>,
    patterns: Vec<Pattern>,
    /// Whether anything was said about each pattern's matches.
    met: Vec<bool>,
    names: usize,
    /// What no pattern leads to only because its name begins with a dot.
    hidden: Vec<(String, Progresses)>,
    found: Found,
}

/// How far each pattern has come.
type Progresses = Vec<Progress>;

impl Walk<'_> {
    /// Looks at one folder; answers the folders in it that may hold more, or nothing at the end of
    /// all patience.
    fn folder(&mut self, path: &str, progress: &Progresses) -> io::Result<Option<Vec<(String, Progresses)>>> {
        let folder = descend(self.workspace, path)?;
        let mut below = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let raw = entry.file_name();
            if raw == c"." || raw == c".." || path.is_empty() && raw == c".c2" {
                continue;
            }
            self.names += 1;
            if self.names > NAMES_MAX {
                self.found.problems.push(format!("there are more than {NAMES_MAX} names in the workspace"));
                return Ok(None);
            }
            let name = raw.to_string_lossy();
            if name.starts_with('.') {
                self.hidden.push((joined(path, &name), progress.clone()));
            }
            let steps: Vec<_> = self.patterns.iter().zip(progress).map(|(p, at)| p.step(at, &name)).collect();
            let matching: Vec<usize> = (0..steps.len()).filter(|i| steps[*i].matches).collect();
            let next: Progresses = steps.into_iter().map(|step| step.below).collect();
            let leads_on = !next.iter().all(Progress::is_over);
            if matching.is_empty() && !leads_on {
                continue;
            }
            let path = joined(path, &name);
            let stat = match statat(&folder, raw, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(e) => {
                    self.refuse(&matching, &path, &format!("it cannot be looked at: {e}"));
                    continue;
                }
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                if leads_on && path.split('/').count() < DEPTH_MAX {
                    below.push((path, next));
                }
            } else if !matching.is_empty() && !self.file(folder.as_fd(), raw, &path, &stat, &matching) {
                return Ok(None);
            }
        }
        Ok(Some(below))
    }

    /// Names what would be among the files if its name had no dot: the file, or the folder that holds some.
    fn name_hidden(&mut self) {
        for (top, progress) in std::mem::take(&mut self.hidden) {
            if self.would_match(&top, &progress).unwrap_or(false) {
                self.found.problems.push(format!("{top:?}: it is hidden, and no pattern names its dot"));
            }
        }
    }

    /// Whether there is a file at this path or below that only dots keep from matching.
    fn would_match(&mut self, top: &str, progress: &Progresses) -> io::Result<bool> {
        let mut paths = vec![(top.to_owned(), progress.clone())];
        while let Some((path, progress)) = paths.pop() {
            self.names += 1;
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let steps: Vec<_> =
                self.patterns.iter().zip(&progress).map(|(p, at)| p.step_into_hidden(at, name)).collect();
            let folder = descend(self.workspace, folder)?;
            match FileType::from_raw_mode(statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode) {
                FileType::RegularFile => {
                    let is_taken = self.patterns.iter().any(|pattern| pattern.means(&path));
                    if !is_taken && steps.iter().any(|step| step.matches) {
                        return Ok(true);
                    }
                }
                FileType::Directory if path.split('/').count() < DEPTH_MAX && self.names < NAMES_MAX => {
                    let below: Progresses = steps.into_iter().map(|step| step.below).collect();
                    if !below.iter().all(Progress::is_over) {
                        for entry in Dir::read_from(descend(self.workspace, &path)?)? {
                            let entry = entry?;
                            let name = entry.file_name().to_string_lossy();
                            if name != "." && name != ".." {
                                paths.push((joined(&path, &name), below.clone()));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// Takes a file that matches, or says why not; answers whether there may be more.
    fn file(&mut self, folder: BorrowedFd<'_>, raw: &CStr, path: &str, stat: &Stat, matching: &[usize]) -> bool {
        if self.found.files.len() == FILES_LEN_MAX {
            self.refuse(matching, path, &format!("this and more are left out, as {FILES_LEN_MAX} files are the limit"));
            return false;
        }
        match take(folder, raw, path, stat) {
            Ok(file) => {
                matching.iter().for_each(|i| self.met[*i] = true);
                self.found.files.push(file);
            }
            Err(reason) => self.refuse(matching, path, &reason),
        }
        true
    }

    fn refuse(&mut self, matching: &[usize], path: &str, reason: &str) {
        if !matching.is_empty() {
            matching.iter().for_each(|i| self.met[*i] = true);
            self.found.problems.push(format!("{path:?}: {reason}"));
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn take(folder: BorrowedFd<'_>, raw: &CStr, path: &str, stat: &Stat) -> Result<JobFile, String> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err("it is a link, and links are not followed".to_owned()),
        _ => return Err("it is not a regular file".to_owned()),
    }
    if raw.to_str().is_err() || validate::relative_path("download", path).is_err() {
        return Err("its name cannot be used elsewhere".to_owned());
    }
    let failed = |e: io::Error| format!("it cannot be read: {e}");
    let mut file = open_file(folder, raw).map_err(failed)?;
    // What was looked at may have been another file than the one that was opened.
    let stat = fstat(&file).map_err(|e| failed(e.into()))?;
    if stat.st_nlink > 1 && stat.st_uid != geteuid().as_raw() {
        return Err("it is another name of another user's file".to_owned());
    }
    if u64::try_from(stat.st_size).is_ok_and(|size| size > BLOB_BYTES_MAX) {
        return Err(format!("it is larger than {BLOB_BYTES_MAX} bytes"));
    }
    let mut hasher = BlobHasher::default();
    let size = hasher.read(&mut file).map_err(failed)?;
    let mode = Some(Mode::from_raw_mode(stat.st_mode).bits() & 0o777);
    Ok(JobFile { path: path.to_owned(), size, sha256: hasher.finish(), mode, content: None })
}

fn descend(workspace: BorrowedFd<'_>, folders: &str) -> io::Result<OwnedFd> {
    let_in(workspace)?;
    // Not a copy of the descriptor, which would share its place in the list of names.
    let mut at = open_dir(workspace, ".")?;
    for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
        at = open_own_dir(at.as_fd(), folder)?;
    }
    Ok(at)
}

/// Opens a regular file and nothing else; opening a pipe must not wait for its writer.
fn open_file(folder: BorrowedFd<'_>, name: impl rustix::path::Arg) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use c2_shared::blob::BlobId;
    use rustix::fs::{CWD, mknodat};

    use super::*;

    fn found(dir: &Path, globs: &[&str]) -> Found {
        let workspace = File::open(dir).unwrap();
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let mut found = collect(workspace.as_fd(), &globs);
        found.problems.sort();
        found
    }

    fn paths(found: &Found) -> Vec<&str> {
        found.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn regular_files_that_match_are_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, content: &str| {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), content).unwrap();
        };
        for path in ["a.png", "b.txt", "out/deep/c.png", "out/d.png", ".hidden/e.png", ".c2/f.png"] {
            put(path, path);
        }
        std::fs::set_permissions(dir.path().join("a.png"), std::fs::Permissions::from_mode(0o4711)).unwrap();
        let all = found(dir.path(), &["**/*.png", "b.txt"]);
        assert_eq!(
            (paths(&all), all.problems.as_slice()),
            (
                vec!["a.png", "b.txt", "out/d.png", "out/deep/c.png"],
                &["\".hidden\": it is hidden, and no pattern names its dot".to_owned()][..]
            ),
            "{all:?}"
        );
        let a = &all.files[0];
        assert_eq!((a.size, a.sha256, a.mode), (5, BlobId::of(b"a.png"), Some(0o711)));
        let workspace = File::open(dir.path()).unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut open(workspace.as_fd(), "out/deep/c.png").unwrap(), &mut text).unwrap();
        assert_eq!(text, "out/deep/c.png");

        let some = found(dir.path(), &["out", "*.gif", ".c2/*", ".hidden/*"]);
        assert_eq!(paths(&some), [".hidden/e.png", "out/d.png", "out/deep/c.png"]);
        assert_eq!(some.problems, ["nothing matches \"*.gif\"", "nothing matches \".c2/*\""]);
    }

    #[test]
    fn what_is_left_out_because_it_is_hidden_is_named_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), path).unwrap();
        };
        for path in ["a", ".env", ".c2/x", "out/.x", "out/.deep/er/y.png", ".cache/z"] {
            put(path);
        }
        let is_hidden = |path: &str| format!("{path:?}: it is hidden, and no pattern names its dot");
        let table: [(&[&str], &[&str], &[&str]); 6] = [
            (&["*"], &["a"], &[".env"]),
            (&["*", ".env"], &[".env", "a"], &[]),
            (&["**"], &["a"], &[".cache", ".env", "out/.deep", "out/.x"]),
            (&["**/*.png"], &[], &["out/.deep"]),
            (&["**", ".*", "out/.*", "out/.deep/**"], &[".env", "a", "out/.deep/er/y.png", "out/.x"], &[".cache"]),
            (&["b"], &[], &[]),
        ];
        for (globs, taken, hidden) in table {
            let all = found(dir.path(), globs);
            let named: Vec<_> = all.problems.iter().filter(|problem| problem.contains("hidden")).cloned().collect();
            assert_eq!(paths(&all), taken, "{globs:?}");
            assert_eq!(named, hidden.iter().map(|path| is_hidden(path)).collect::<Vec<_>>(), "{globs:?}");
        }
    }

    #[test]
    fn hostile_names_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, inside) = (dir.path().join("secret"), dir.path().join("ws"));
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("key"), "secret").unwrap();
        std::fs::create_dir(&inside).unwrap();
        symlink(&outside, inside.join("folder")).unwrap();
        symlink(outside.join("key"), inside.join("link")).unwrap();
        symlink("/dev/zero", inside.join("zero")).unwrap();
        mknodat(CWD, inside.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(inside.join("socket")).unwrap();
        std::fs::write(inside.join("new\nline"), "").unwrap();
        std::fs::write(inside.join("back\\slash"), "").unwrap();
        std::fs::write(inside.join(std::ffi::OsStr::from_bytes(b"no-utf8-\xff")), "").unwrap();
        let all = found(&inside, &["**", "folder/key", "link/x", "../secret/key", "/etc/passwd"]);
        assert_eq!(paths(&all), [""; 0], "{all:?}");
        let said: Vec<&str> = all.problems.iter().map(|p| p.split(": ").last().unwrap()).collect();
        let count = |what: &str| said.iter().filter(|s| **s == what).count();
        assert_eq!(count("it is a link, and links are not followed"), 3, "{all:?}");
        assert_eq!(count("it is not a regular file"), 2, "{all:?}");
        assert_eq!(count("its name cannot be used elsewhere"), 3, "{all:?}");
        let workspace = File::open(&inside).unwrap();
        for path in ["folder/key", "link", "pipe", "zero", "../secret/key"] {
            assert!(open(workspace.as_fd(), path).is_err() || path.starts_with(".."), "{path}");
        }
    }

    #[test]
    fn own_hard_links_are_taken_and_too_many_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "x").unwrap();
        std::fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
        assert_eq!(paths(&found(dir.path(), &["*"])), ["a", "b"]);
        for i in 0..FILES_LEN_MAX {
            std::fs::write(dir.path().join(format!("f{i}")), "").unwrap();
        }
        let many = found(dir.path(), &["*"]);
        assert_eq!((many.files.len(), many.problems.len()), (FILES_LEN_MAX, 1), "{:?}", many.problems);
    }
}
