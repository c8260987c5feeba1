//! A log whose lines are chained: each one carries the SHA-256 of the line before it.
//!
//! A line that is altered, taken out or put in breaks the chain there, and [`verify`] says where.
//! Whoever may write the file can also write a whole new chain, or cut off its end; against that
//! helps only a copy of the last hash in another place.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use c2_shared::blob::BlobId;
use serde::{Deserialize, Serialize};

/// A full log is kept beside it under this extension, in place of the one before.
const OLD_EXTENSION: &str = "log.1";
/// What the first line of all says in place of a hash.
const NOTHING_BEFORE: &str = "";

/// A log that is written.
#[derive(Debug)]
pub(crate) struct HashChain {
    path: PathBuf,
    file: File,
    /// The hash of the last line.
    last: String,
    bytes_max: u64,
}

/// A line as it is written.
#[derive(Serialize)]
struct Link<'a, T> {
    #[serde(flatten)]
    record: &'a T,
    prev: &'a str,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Prev {
    prev: String,
}

/// A chain without a break.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) lines: u64,
    /// The hash of the last line.
    pub(crate) last: String,
}

/// Why a chain is not whole.
#[derive(Debug)]
pub(crate) enum Broken {
    /// A line does not follow from the one before.
    At {
        path: PathBuf,
        line: u64,
    },
    Read {
        path: PathBuf,
        error: io::Error,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { path, line } => {
                write!(f, "line {line} of {path:?} does not follow from the line before: one of them was changed")
            }
            Self::Read { path, error } => write!(f, "cannot read {path:?}: {error}"),
        }
    }
}

impl HashChain {
    /// Opens or begins a log. Half a line at its end, which a crash left, is cut off.
    pub(crate) fn open(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let file = append(path)?;
        let text = fs::read(path)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            tracing::warn!("{path:?} ended within a line; the {} bytes of it are cut off", text.len() - whole);
            file.set_len(whole as u64)?;
        }
        let last = match last_line(&text[..whole]) {
            Some(line) => hash(line),
            None => last_line(&read_if_there(&old(path))?).map_or_else(|| NOTHING_BEFORE.to_owned(), hash),
        };
        Ok(Self { path: path.to_owned(), file, last, bytes_max })
    }

    /// Adds a line; a full log is put aside first, and the new one goes on from it.
    pub(crate) fn write(&mut self, record: &impl Serialize) -> io::Result<()> {
        if self.file.metadata()?.len() > self.bytes_max {
            fs::rename(&self.path, old(&self.path))?;
            self.file = append(&self.path)?;
        }
        let mut text = serde_json::to_vec(&Link { record, prev: &self.last })?;
        let last = hash(&text);
        text.push(b'\n');
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&text) {
            // Half a line, on a full disk, would break the chain for good.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.last = last;
        Ok(())
    }
}

/// Reads a log from its oldest line on. Also while it is written: a line that has no end yet is
/// left out.
pub(crate) fn verify(path: &Path) -> Result<Whole, Broken> {
    let follow_both = || {
        let mut whole = Whole::default();
        let mut before = None;
        for path in [old(path), path.to_owned()] {
            follow(&path, &mut whole, &mut before)?;
        }
        Ok(whole)
    };
    // The log may be put aside between the two readings; that does not happen twice in a row.
    follow_both().or_else(|_: Broken| follow_both())
}

/// `before` is the hash that the next line must carry; whatever the oldest line carries is right,
/// because the log that it followed is gone.
fn follow(path: &Path, whole: &mut Whole, before: &mut Option<String>) -> Result<(), Broken> {
    let unread = |error| Broken::Read { path: path.to_owned(), error };
    let mut reader = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unread(error)),
    };
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        reader.read_until(b'\n', &mut text).map_err(unread)?;
        let Some(record) = text.strip_suffix(b"\n") else {
            break;
        };
        let follows = serde_json::from_slice::<Prev>(record)
            .is_ok_and(|Prev { prev }| before.as_ref().is_none_or(|before| *before == prev));
        if !follows {
            return Err(Broken::At { path: path.to_owned(), line });
        }
        *before = Some(hash(record));
        whole.lines += 1;
    }
    whole.last = before.clone().unwrap_or_default();
    Ok(())
}

fn old(path: &Path) -> PathBuf {
    path.with_extension(OLD_EXTENSION)
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn read_if_there(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

/// The last line of a text that ends with one, without its end.
fn last_line(text: &[u8]) -> Option<&[u8]> {
    text.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()
}

fn hash(line: &[u8]) -> String {
    BlobId::of(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(lines: usize, bytes_max: u64) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("audit.log");
        for line in 0..lines {
            // Opened anew each time, as after a restart.
            HashChain::open(&path, bytes_max).unwrap().write(&json!({ "line": line })).unwrap();
        }
        (dir, path)
    }

    fn replace(path: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn broken_at(path: &Path) -> Option<u64> {
        match verify(path) {
            Err(Broken::At { line, .. }) => Some(line),
            _ => None,
        }
    }

    #[test]
    fn a_chain_goes_on_over_restarts_and_files() {
        let (_dir, path) = written(7, 200);
        assert!(old(&path).exists());
        let whole = verify(&path).unwrap();
        let text = fs::read(&path).unwrap();
        assert_eq!(whole.last, hash(last_line(&text).unwrap()));
        assert!((2..=7).contains(&whole.lines), "{whole:?}");
    }

    #[test]
    fn whatever_is_altered_taken_out_or_put_in_is_found() {
        let (_dir, path) = written(5, 1_000_000);
        assert_eq!(verify(&path).unwrap().lines, 5);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();

        replace(&path, "{\"line\":1,", "{\"line\":9,");
        assert_eq!(broken_at(&path), Some(3), "altered");
        fs::write(&path, [lines[0], lines[2], lines[3]].concat()).unwrap();
        assert_eq!(broken_at(&path), Some(2), "taken out");
        fs::write(&path, [lines[0], lines[1], lines[1], lines[2]].concat()).unwrap();
        assert_eq!(broken_at(&path), Some(3), "put in");
        fs::write(&path, [lines[0], "what is this\n", lines[1]].concat()).unwrap();
        assert_eq!(broken_at(&path), Some(2), "no line of ours");
    }

    #[test]
    fn half_a_line_of_a_crash_breaks_nothing() {
        let (_dir, path) = written(2, 1_000_000);
        append(&path).unwrap().write_all(b"{\"line\":2,\"pr").unwrap();
        assert_eq!(verify(&path).unwrap().lines, 2, "it may be about to be written");
        HashChain::open(&path, 1_000_000).unwrap().write(&json!({ "line": 2 })).unwrap();
        assert_eq!(verify(&path).unwrap().lines, 3);
    }

    #[test]
    fn no_log_is_a_whole_one() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(verify(&dir.path().join("audit.log")).unwrap(), Whole::default());
    }
}
