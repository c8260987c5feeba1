//! A log whose lines are chained: each one carries the SHA-256 of the line before it.
//!
//! A line that is altered, removed or added breaks the chain there, and [`verify`] says where. Whoever
//! may write the file can also cut off one of its ends, or write a whole new chain: what shows that is
//! the log's [`Extent`], kept in another place. A full log is put aside under a number; the oldest of
//! these files goes only after the extent without it was kept.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use c2_shared::blob::BlobId;
use serde::{Deserialize, Serialize};

use crate::store::is_moved;

/// How much of a log is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A file that is longer is put aside.
    pub(crate) bytes_max: u64,
    /// Files that were put aside, at most.
    pub(crate) old_files: u32,
}

/// Where a log begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// What the oldest line that is kept says of the one before it.
    pub(crate) before: String,
    /// How many lines there are.
    pub(crate) lines: u64,
    /// The hash of the last line.
    pub(crate) last: String,
}

/// A log that is written.
#[derive(Debug)]
pub(crate) struct HashChain {
    path: PathBuf,
    file: File,
    limits: Limits,
    extent: Extent,
    /// What is wrong with the log as it was found; the next line breaks the chain there.
    damage: Option<Broken>,
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

/// Why a log is not as it was written.
#[derive(Debug)]
pub(crate) enum Broken {
    /// A line does not follow from the one before.
    At {
        path: PathBuf,
        line: u64,
    },
    /// The line that was the oldest is missing.
    Beginning,
    /// The line that was the last is missing or another one.
    End {
        lines: u64,
        expected: u64,
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
                write!(f, "line {line} of {path:?} does not follow from the line before: one was changed or removed")
            }
            Self::Beginning => write!(f, "its beginning is missing"),
            Self::End { lines, expected } if lines < expected => {
                write!(f, "its end is missing: it has {lines} lines, c2d wrote {expected}")
            }
            Self::End { expected, .. } => write!(f, "line {expected} is not the one that c2d wrote"),
            Self::Read { path, error } => write!(f, "cannot read {path:?}: {error}"),
        }
    }
}

impl HashChain {
    /// Opens or begins a log that was known to reach so far. Half a line at its end, which a crash
    /// left, is cut off. A log that does not reach so far any more is continued from where it should
    /// have ended, so that it stays broken there.
    pub(crate) fn open(path: &Path, limits: Limits, known: Option<Extent>) -> io::Result<Self> {
        let file = append(path)?;
        let text = fs::read(path)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            tracing::warn!("{path:?} ended within a line; the {} bytes of it are cut off", text.len() - whole);
            file.set_len(whole as u64)?;
        }
        let (extent, damage) = match known {
            None => (survey(path)?, None),
            Some(known) => match further(path, &text[..whole], &known)? {
                Some(extent) => (extent, None),
                None => {
                    let found = survey(path)?;
                    let damage = Broken::End { lines: found.lines, expected: known.lines };
                    (Extent { lines: found.lines, ..known }, Some(damage))
                }
            },
        };
        Ok(Self { path: path.to_owned(), file, limits, extent, damage })
    }

    /// Where the file was removed or replaced, the log goes on in one that is there, as after a restart; answers whether.
    pub(crate) fn keep_up(&mut self) -> io::Result<bool> {
        let is_moved = is_moved(&self.path, &self.file);
        if is_moved {
            *self = Self::open(&self.path, self.limits, Some(self.extent.clone()))?;
        }
        Ok(is_moved)
    }

    /// What was found wrong when it was opened; said once. The caller writes a line about it.
    pub(crate) const fn damage(&mut self) -> Option<Broken> {
        self.damage.take()
    }

    pub(crate) const fn extent(&self) -> &Extent {
        &self.extent
    }

    /// Adds a line; a full log is put aside first, and the new one continues it.
    pub(crate) fn write(&mut self, record: &impl Serialize) -> io::Result<()> {
        if self.file.metadata()?.len() > self.limits.bytes_max && !self.surplus().exists() {
            self.put_aside()?;
        }
        let mut text = serde_json::to_vec(&Link { record, prev: &self.extent.last })?;
        let last = hash(&text);
        text.push(b'\n');
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&text) {
            // Half a line, on a full disk, would break the chain for good.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.extent.last = last;
        self.extent.lines += 1;
        Ok(())
    }

    /// Asks the disk to keep what was written.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// The extent is kept: what lies before it may go.
    pub(crate) fn drop_surplus(&self) -> io::Result<()> {
        match fs::remove_file(self.surplus()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        for number in (1..=self.limits.old_files).rev() {
            match fs::rename(old(&self.path, number), old(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(&self.path, old(&self.path, 1))?;
        self.file = append(&self.path)?;
        let mut surplus = Walk::default();
        // A line in it that does not follow is no matter any more.
        let _goes = surplus.file(&self.surplus());
        if surplus.lines > 0 {
            self.extent.lines = self.extent.lines.saturating_sub(surplus.lines);
            self.extent.before = surplus.last.unwrap_or_default();
        }
        Ok(())
    }

    fn surplus(&self) -> PathBuf {
        old(&self.path, self.limits.old_files + 1)
    }
}

/// How far a log reaches beyond what was known of it; none if it does not reach so far.
fn further(path: &Path, text: &[u8], known: &Extent) -> io::Result<Option<Extent>> {
    let mut extent = known.clone();
    if known.lines == 0 && known.last.is_empty() {
        return survey(path).map(Some);
    }
    // It may have been put aside just before the end.
    let older = read_if_there(&old(path, 1))?;
    let lines = lines(text).rev().chain(lines(&older).rev()).take_while(|line| hash(line) != known.last);
    let beyond: Vec<&[u8]> = lines.collect();
    let all = beyond.len() == self::lines(text).count() + self::lines(&older).count();
    if all {
        return Ok(None);
    }
    extent.lines += beyond.len() as u64;
    if let Some(last) = beyond.first() {
        extent.last = hash(last);
    }
    Ok(Some(extent))
}

/// Where a log begins and ends, whatever is wrong between.
fn survey(path: &Path) -> io::Result<Extent> {
    let mut extent = Extent::default();
    for (n, file) in files(path)?.iter().enumerate() {
        let text = read_if_there(file)?;
        for line in lines(&text) {
            if extent.lines == 0 && n == 0 {
                extent.before = serde_json::from_slice::<Prev>(line).map(|line| line.prev).unwrap_or_default();
            }
            extent.lines += 1;
            extent.last = hash(line);
        }
    }
    Ok(extent)
}

/// Reads a log from its oldest line on, and compares it with what is known of it. Also while it is
/// written: a line that has no end yet is left out. `known` is asked before each reading, because a
/// log may grow, and lose its oldest file, meanwhile.
pub(crate) fn verify(path: &Path, known: impl Fn() -> Option<Extent>) -> Result<Extent, Broken> {
    let follow = || {
        let mut walk = Walk { known: known(), ..Walk::default() };
        let files = files(path).map_err(|error| Broken::Read { path: path.to_owned(), error })?;
        files.iter().try_for_each(|file| walk.file(file))?;
        walk.end()
    };
    // The log may be put aside between two readings; that does not happen twice in a row.
    follow().or_else(|_: Broken| follow())
}

/// A way through a log, from its oldest line on.
#[derive(Debug, Default)]
struct Walk {
    known: Option<Extent>,
    /// What the first line that counts says of the one before; the lines since; the hash of the last.
    before: Option<String>,
    lines: u64,
    last: Option<String>,
}

impl Walk {
    fn file(&mut self, path: &Path) -> Result<(), Broken> {
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
            let Some(record) = text.strip_suffix(b"\n") else { break };
            let prev = serde_json::from_slice::<Prev>(record).ok().map(|Prev { prev }| prev);
            let Some(prev) = prev.filter(|prev| self.last.as_ref().is_none_or(|last| last == prev)) else {
                return Err(Broken::At { path: path.to_owned(), line });
            };
            self.step(prev, hash(record))?;
        }
        Ok(())
    }

    fn step(&mut self, prev: String, hash: String) -> Result<(), Broken> {
        // Before the known beginning there may be a file that was about to go.
        let begins = self.known.as_ref().is_none_or(|known| known.before == prev);
        if self.before.is_none() && begins {
            self.before = Some(prev);
        }
        self.last = Some(hash);
        if self.before.is_some() {
            self.lines += 1;
            match (&self.known, &self.last) {
                (Some(known), Some(last)) if known.lines == self.lines && known.last != *last => {
                    return Err(Broken::End { lines: self.lines, expected: known.lines });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Extent, Broken> {
        let Self { known, before, lines, last } = self;
        let expected = known.map_or(0, |known| known.lines);
        match before {
            None if last.is_some() => Err(Broken::Beginning),
            _ if lines < expected => Err(Broken::End { lines, expected }),
            before => Ok(Extent { before: before.unwrap_or_default(), lines, last: last.unwrap_or_default() }),
        }
    }
}

/// The files of a log, the oldest first.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".";
    let mut numbers = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap_or(Path::new(".")))? {
        let entry = entry?.file_name().to_string_lossy().into_owned();
        numbers.extend(entry.strip_prefix(&name).and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers.into_iter().rev().map(|number| old(path, number)).chain([path.to_owned()]).collect())
}

fn old(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
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

/// The lines of a text, without their ends.
fn lines(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

fn hash(line: &[u8]) -> String {
    BlobId::of(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ROOMY: Limits = Limits { bytes_max: 1_000_000, old_files: 3 };
    const TIGHT: Limits = Limits { bytes_max: 400, old_files: 3 };

    /// A log of so many lines, opened for each of them as after a restart; its folder, and how far it
    /// was known to reach each time.
    fn written(lines: usize, limits: Limits) -> (tempfile::TempDir, PathBuf, Extent) {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("audit.log");
        let mut known = None;
        for line in 0..lines {
            let mut chain = HashChain::open(&path, limits, known).unwrap();
            assert!(chain.damage().is_none(), "{line}");
            chain.write(&json!({ "line": line })).unwrap();
            known = Some(chain.extent().clone());
            chain.drop_surplus().unwrap();
        }
        (dir, path, known.unwrap())
    }

    #[test]
    fn a_log_that_is_removed_goes_on_and_stays_broken_there() {
        let (_dir, path, known) = written(3, ROOMY);
        let mut chain = HashChain::open(&path, ROOMY, Some(known)).unwrap();
        assert!(!chain.keep_up().unwrap() && chain.damage().is_none());
        fs::remove_file(&path).unwrap();
        assert!(chain.keep_up().unwrap());
        let damage = chain.damage().unwrap().to_string();
        assert!(damage.contains("it has 0 lines, c2d wrote 3"), "{damage}");
        chain.write(&json!({ "line": "again" })).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        let known = chain.extent().clone();
        assert!(verify(&path, || Some(known.clone())).is_err());
        assert!(!chain.keep_up().unwrap());
        // A copy in its place is the same log.
        let text = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, text).unwrap();
        assert!(chain.keep_up().unwrap() && chain.damage().is_none());
    }

    fn replace(path: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn look(path: &Path, known: &Extent) -> Result<Extent, Broken> {
        verify(path, || Some(known.clone()))
    }

    fn broken_at(path: &Path) -> Option<u64> {
        match verify(path, || None) {
            Err(Broken::At { line, .. }) => Some(line),
            _ => None,
        }
    }

    #[test]
    fn a_chain_continues_over_restarts_and_files() {
        let (dir, path, known) = written(40, TIGHT);
        assert_eq!(look(&path, &known).unwrap(), known);
        assert!((8..40).contains(&known.lines) && !known.before.is_empty(), "{known:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "three old files and the log");
    }

    #[test]
    fn whatever_is_altered_removed_or_added_is_found() {
        let (_dir, path, known) = written(5, ROOMY);
        assert_eq!(look(&path, &known).unwrap().lines, 5);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();

        replace(&path, "{\"line\":1,", "{\"line\":9,");
        assert_eq!(broken_at(&path), Some(3), "altered");
        fs::write(&path, [lines[0], lines[2], lines[3]].concat()).unwrap();
        assert_eq!(broken_at(&path), Some(2), "removed");
        fs::write(&path, [lines[0], lines[1], lines[1], lines[2]].concat()).unwrap();
        assert_eq!(broken_at(&path), Some(3), "added");
        fs::write(&path, [lines[0], "what is this\n", lines[1]].concat()).unwrap();
        assert_eq!(broken_at(&path), Some(2), "no line of ours");
    }

    /// A way to damage a log.
    type Cut = fn(&Path) -> io::Result<()>;

    fn keep_lines(path: &Path, keep: impl Fn(usize, usize) -> bool) -> io::Result<()> {
        let text = fs::read_to_string(path)?;
        let count = text.lines().count();
        let kept = text.split_inclusive('\n').enumerate().filter(|(n, _)| keep(*n, count)).map(|(_, line)| line);
        fs::write(path, kept.collect::<String>())
    }

    #[test]
    fn ends_that_are_cut_off_are_found_and_stay_found() {
        let cuts: [(&str, Cut); 10] = [
            ("the end", |path| keep_lines(path, |n, count| n + 1 < count)),
            ("all of the newest file", |path| fs::write(path, "")),
            ("the newest file", |path| fs::remove_file(path)),
            ("an old file", |path| fs::remove_file(old(path, 2))),
            ("the oldest file", |path| fs::remove_file(old(path, 3))),
            ("the beginning", |path| keep_lines(&old(path, 3), |n, _| n > 0)),
            ("the beginning and the end", |path| {
                keep_lines(&old(path, 3), |n, _| n > 0)?;
                keep_lines(path, |n, count| n + 1 < count)
            }),
            ("all old files", |path| (1..=3).try_for_each(|n| fs::remove_file(old(path, n)))),
            ("all but the oldest file", |path| {
                fs::remove_file(path)?;
                (1..=2).try_for_each(|n| fs::remove_file(old(path, n)))
            }),
            ("everything", |path| files(path)?.iter().try_for_each(fs::remove_file)),
        ];
        for (what, cut) in cuts {
            let (_dir, path, known) = written(40, TIGHT);
            cut(&path).unwrap();
            assert!(look(&path, &known).is_err(), "{what}");
            // c2d goes on with it, and writes what it does then.
            let mut chain = HashChain::open(&path, ROOMY, Some(known)).unwrap();
            let _said = chain.damage();
            for line in 0..3 {
                chain.write(&json!({ "later": line })).unwrap();
                assert!(look(&path, chain.extent()).is_err(), "{what}, {line} lines later");
            }
        }
    }

    #[test]
    fn a_new_chain_in_the_place_of_the_old_one_is_found() {
        let (_dir, path, known) = written(5, ROOMY);
        let (_other_dir, other, _) = written(4, ROOMY);
        fs::copy(&other, &path).unwrap();
        HashChain::open(&path, ROOMY, None).unwrap().write(&json!({ "line": "forged" })).unwrap();
        assert!(matches!(look(&path, &known), Err(Broken::End { lines: 5, expected: 5 })));
    }

    #[test]
    fn a_crash_at_any_time_is_no_damage() {
        let (_dir, path, known) = written(6, TIGHT);
        // Lines that were written, and their extent not kept.
        let mut chain = HashChain::open(&path, TIGHT, Some(known.clone())).unwrap();
        for line in 0..40 {
            chain.write(&json!({ "line": line })).unwrap();
            if chain.surplus().exists() {
                break;
            }
        }
        assert!(chain.surplus().exists(), "the oldest file stays until the extent is kept");
        look(&path, &known).unwrap();
        look(&path, chain.extent()).unwrap();
        let (_dir, path, known) = written(6, TIGHT);
        HashChain::open(&path, TIGHT, Some(known.clone())).unwrap().write(&json!({ "line": 6 })).unwrap();
        append(&path).unwrap().write_all(b"{\"line\":7,\"pr").unwrap();
        assert_eq!(look(&path, &known).unwrap().lines, 7, "half a line may be about to be written");
        let mut next = HashChain::open(&path, TIGHT, Some(known)).unwrap();
        assert!(next.damage().is_none());
        next.write(&json!({ "line": 7 })).unwrap();
        assert_eq!(look(&path, next.extent()).unwrap().lines, 8);
    }

    #[test]
    fn no_log_is_a_whole_one() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(verify(&dir.path().join("audit.log"), || None).unwrap(), Extent::default());
    }
}
