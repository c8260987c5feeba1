//! The agent's state folder: who holds it, and a folder for each slot.
//!
//! `agent.lock` admits one agent, and tells with the id of the worker that a folder is an agent's: any other
//! that holds something is left alone. `slots/N/lock` is locked by the runner of slot N for as long as
//! it lives, and holds the attempts whose results it still owes. Spooled results are
//! [`crate::spool`]'s, and the worker's identity [`crate::identity`]'s.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use c2_shared::advice::Advice;
use c2_shared::id::AttemptId;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::process::Pid;

use crate::folder::{lock_soon, try_lock};
use crate::outputs::Outputs;
use crate::supervise::holding;

/// Locked by the agent.
const LOCK: &str = "agent.lock";
/// Holds the id of the worker.
pub(crate) const WORKER_ID: &str = "worker_id";
/// By one of these a folder is an agent's; one that was restored may lack the lock.
const MARKS: [&str; 2] = [LOCK, WORKER_ID];
/// By one of these it is the data folder of c2d.
const MARKS_OF_C2D: [&str; 2] = ["c2.db", "authority.pem"];
/// What may lie in a folder before an agent has run there: put there for it, or made by a file system.
const BEFOREHAND: [&str; 3] = ["worker.token", "config.json", "lost+found"];
/// Folders within, which `doctor` of 0.2.0 made where no agent had run.
const FOLDERS: [&str; 3] = ["slots", "spool", "blobs"];

/// Of a log, as much as is looked at for its last line.
const LAST_WORDS_LEN: usize = 500;
/// Size beyond which a runner's log starts anew; it holds warnings only.
const LOG_BYTES_MAX: u64 = 64 * 1024;

/// The state folder.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
}

/// The folder of one slot.
#[derive(Clone, Debug)]
pub(crate) struct SlotDir {
    path: PathBuf,
    number: u32,
}

/// The lock of a slot and the list of attempts in it, in one file, so that noting an attempt costs
/// one write and no folder changes.
#[derive(Debug)]
pub(crate) struct Record {
    file: File,
}

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("cannot use the state folder {path:?}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        source: io::Error,
    },
    #[error("another agent is running with the state folder {0:?}")]
    InUse(PathBuf),
    #[error("{0:?} is the data folder of c2d, not an agent's state folder")]
    OfC2d(PathBuf),
    #[error("{path:?} is no agent's state folder: {found:?} is in it")]
    Foreign { path: PathBuf, found: String },
    #[error("no agent has run with the state folder {0:?}")]
    NoAgents(PathBuf),
    #[error("no random bytes from the system")]
    Random,
}

impl Advice for StateError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => "choose a folder that you may write to with --state-dir",
            Self::InUse(_) => "stop it first, or give this one its own --state-dir and --workspace-root",
            Self::OfC2d(_) | Self::Foreign { .. } => {
                "name a folder of the agent's own with --state-dir, one that is empty or does not exist yet"
            }
            Self::NoAgents(_) => {
                "name the one with which it runs by --state-dir; a new folder gets an identity by itself"
            }
            Self::Random => "check that /dev/urandom is there",
        };
        Some(hint.to_owned())
    }
}

impl StateDir {
    /// Opens the folder, making it when it is missing. One that holds something else stays as it is.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        if !has_one(path, &MARKS) {
            free(path)?;
        }
        let failed = |path: PathBuf| |source| StateError::Io { path, source };
        mark(path).map_err(failed(path.to_owned()))?;
        for dir in FOLDERS.map(|name| path.join(name)) {
            make_private_dir(&dir).map_err(failed(dir))?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Opens a folder whose token is to be another: not that of c2d, whose token it is, even if an agent runs there.
    pub(crate) fn open_to_join(path: &Path) -> Result<Self, StateError> {
        if has_one(path, &MARKS_OF_C2D) {
            return Err(StateError::OfC2d(path.to_owned()));
        }
        Self::open(path)
    }

    /// Opens a folder in which an agent has run, to clear it.
    pub(crate) fn open_to_clear(path: &Path) -> Result<Self, StateError> {
        if has_one(path, &MARKS) || has_one(path, &MARKS_OF_C2D) {
            return Self::open_to_join(path);
        }
        free(path)?;
        Err(StateError::NoAgents(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where uploads wait for the jobs that need them.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }

    /// What jobs wrote beyond what their results hold.
    pub(crate) fn outputs(&self) -> Outputs {
        Outputs::new(self.path.join("outputs"))
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// Takes the folder for this agent, for as long as the file stays open.
    pub(crate) fn lock(&self) -> Result<File, StateError> {
        let path = self.path.join(LOCK);
        let file = open_private(&path).map_err(|source| StateError::Io { path: path.clone(), source })?;
        let is_free = lock_soon(&file).map_err(|source| StateError::Io { path, source })?;
        if is_free { Ok(file) } else { Err(StateError::InUse(self.path.clone())) }
    }

    /// The agent that has taken the folder, if one has.
    pub(crate) fn agent(&self) -> Option<Pid> {
        let file = File::open(self.path.join(LOCK)).ok()?;
        let is_taken = || flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK);
        let meta = file.metadata().ok()?;
        is_taken().then(|| holding((meta.dev(), meta.ino())))?.first().map(|process| process.pid)
    }

    /// The folder of a slot, made when it is missing. So is the folder itself where somebody removed it.
    pub(crate) fn slot(&self, slot: u32) -> io::Result<SlotDir> {
        mark(&self.path)?;
        let path = self.path.join("slots").join(slot.to_string());
        make_private_dir(&path)?;
        Ok(SlotDir { path, number: slot })
    }

    /// The slots that ever had a runner.
    pub(crate) fn slots(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.path.join("slots")).into_iter().flatten().flatten();
        let mut slots: Vec<u32> =
            entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).collect();
        slots.sort_unstable();
        slots
    }
}

impl SlotDir {
    /// Which slot it is.
    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// Where the runner writes the present job's command.
    pub(crate) fn script(&self) -> PathBuf {
        self.path.join("job.sh")
    }

    /// Opens the lock and takes it; none when a living runner has it.
    pub(crate) fn lock(&self) -> io::Result<Option<Record>> {
        let record = self.record()?;
        Ok(try_lock(&record.file)?.then_some(record))
    }

    /// Opens the record without its lock, to read it.
    pub(crate) fn record(&self) -> io::Result<Record> {
        Ok(Record { file: open_private(&self.path.join("lock"))? })
    }

    /// Makes the socket anew. To be called under the lock only.
    pub(crate) fn listen(&self) -> io::Result<UnixListener> {
        let dir = File::open(&self.path)?;
        match fs::remove_file(self.path.join("sock")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        UnixListener::bind(short(&dir))
    }

    /// Connects to the runner.
    pub(crate) fn connect(&self) -> io::Result<std::os::unix::net::UnixStream> {
        let dir = File::open(&self.path)?;
        std::os::unix::net::UnixStream::connect(short(&dir))
    }

    /// The file that takes the runner's log.
    pub(crate) fn log(&self) -> io::Result<File> {
        let path = self.path.join("log");
        if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            fs::remove_file(&path)?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)
    }

    /// The last line of the log, cut to a length that can be shown.
    pub(crate) fn last_words(&self) -> Option<String> {
        let log = fs::read(self.path.join("log")).ok()?;
        let end = String::from_utf8_lossy(&log[log.len().saturating_sub(LAST_WORDS_LEN)..]).into_owned();
        end.lines().rfind(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
    }
}

impl Record {
    /// Takes over a lock that this process was given.
    pub(crate) fn inherited(file: OwnedFd) -> Self {
        Self { file: file.into() }
    }

    /// Notes the attempts whose results are owed. Not synced: it is for the death of the runner,
    /// after which the machine is still there.
    pub(crate) fn write(&self, attempts: impl IntoIterator<Item = AttemptId>) -> io::Result<()> {
        let mut line: String = attempts.into_iter().map(|attempt| format!("{attempt} ")).collect();
        line.push('\n');
        self.file.write_all_at(line.as_bytes(), 0)
    }

    /// Reads them: the first line, what follows is left from longer ones.
    pub(crate) fn read(&self) -> io::Result<Vec<AttemptId>> {
        let mut text = vec![0; 4_096];
        let len = self.file.read_at(&mut text, 0)?;
        let text = String::from_utf8_lossy(&text[..len]);
        let line = text.split('\n').next().unwrap_or_default();
        Ok(line.split(' ').filter_map(|word| word.parse().ok()).collect())
    }

    /// The device and the number of the file.
    pub(crate) fn mark(&self) -> io::Result<(u64, u64)> {
        let file = self.file.metadata()?;
        Ok((file.dev(), file.ino()))
    }

    /// The lock as a descriptor, to be handed to a runner.
    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.file.into()
    }
}

/// 32 random hexadecimal digits.
pub(crate) fn random_hex() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// The socket's path by way of its folder's descriptor: socket addresses end after 108 bytes,
/// which the path of a state folder may exceed.
fn short(dir: &File) -> PathBuf {
    format!("/proc/self/fd/{}/sock", dir.as_raw_fd()).into()
}

/// Makes a folder an agent's, before anything else is in it.
fn mark(folder: &Path) -> io::Result<()> {
    make_private_dir(folder)?;
    open_private(&folder.join(LOCK)).map(drop)
}

/// Whether one of these is in a folder.
fn has_one(folder: &Path, names: &[&str]) -> bool {
    names.iter().any(|name| fs::symlink_metadata(folder.join(name)).is_ok())
}

/// Refuses a folder that is there for something else.
fn free(folder: &Path) -> Result<(), StateError> {
    if has_one(folder, &MARKS_OF_C2D) {
        return Err(StateError::OfC2d(folder.to_owned()));
    }
    let failed = |source| StateError::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_bare = || fs::read_dir(entry.path()).is_ok_and(|mut within| within.next().is_none());
        let may_be_there = BEFOREHAND.contains(&name.as_str()) || FOLDERS.contains(&name.as_str()) && is_bare();
        if !may_be_there {
            return Err(StateError::Foreign { path: folder.to_owned(), found: name });
        }
    }
    Ok(())
}

fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode((Mode::RUSR | Mode::WUSR).bits())
        .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).expect("a flag of open(2) fits its argument"))
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(text: &str) -> AttemptId {
        text.parse().unwrap()
    }

    #[test]
    fn one_agent_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let held = state.lock().unwrap();
        assert!(matches!(state.lock(), Err(StateError::InUse(_))));
        drop(held);
        assert!(state.lock().is_ok());
    }

    #[test]
    fn a_folder_of_something_else_stays_as_it_is() {
        type Open = fn(&Path) -> Result<StateDir, StateError>;
        let dir = tempfile::tempdir().unwrap();
        let opened: [Open; 3] = [StateDir::open, StateDir::open_to_join, StateDir::open_to_clear];
        // What is in a folder, and who may open it: the agent, `join`, `reset-identity`.
        for (n, (files, expected)) in [
            (&["spool/mail/me", "slots/x", "log/y"][..], [false, false, false]),
            (&["spool/mail"], [false, false, false]),
            (&["notes"], [false, false, false]),
            (&["c2.db", "worker.token"], [false, false, false]),
            (&["authority.pem", "worker.token"], [false, false, false]),
            (&["authority.pem", "worker.token", "worker_id", "agent.lock"], [true, false, false]),
            (&[], [true, true, false]),
            (&["worker.token"], [true, true, false]),
            (&["config.json", "lost+found/"], [true, true, false]),
            (&["slots/", "spool/", "blobs/"], [true, true, false]),
            (&["agent.lock"], [true, true, true]),
            (&["agent.lock", "notes", "C2/job-1/x"], [true, true, true]),
            (&["worker_id", "slots/0/lock", "spool/job-1.1.json"], [true, true, true]),
        ]
        .into_iter()
        .enumerate()
        {
            for ((open, expected), m) in opened.iter().zip(expected).zip(0..) {
                let folder = dir.path().join(format!("{n}-{m}"));
                fs::create_dir(&folder).unwrap();
                for file in files {
                    let path = folder.join(file);
                    fs::create_dir_all(if file.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
                    if !file.ends_with('/') {
                        fs::write(path, "").unwrap();
                    }
                }
                let before = fs::read_dir(&folder).unwrap().count();
                let opened = open(&folder);
                assert_eq!(opened.is_ok(), expected, "{files:?} {m}: {opened:?}");
                assert!(expected || fs::read_dir(&folder).unwrap().count() == before, "{files:?} {m} was changed");
            }
        }
        let missing = dir.path().join("missing");
        assert!(matches!(StateDir::open_to_clear(&missing), Err(StateError::NoAgents(_))) && !missing.exists());
    }

    #[test]
    fn the_record_keeps_what_was_written_last() {
        let dir = tempfile::tempdir().unwrap();
        let slot = StateDir::open(dir.path()).unwrap().slot(3).unwrap();
        let record = slot.lock().unwrap().unwrap();
        assert!(slot.lock().unwrap().is_none(), "it is locked");
        let (long, short) = (attempt("job-1000000.17"), attempt("job-1.1"));
        for written in [vec![], vec![long, short], vec![short], vec![]] {
            record.write(written.clone()).unwrap();
            assert_eq!(slot.record().unwrap().read().unwrap(), written);
        }
    }

    #[test]
    fn long_folders_have_sockets_too() {
        let dir = tempfile::tempdir().unwrap();
        let slot = StateDir::open(&dir.path().join("x".repeat(120))).unwrap().slot(0).unwrap();
        let _listener = slot.listen().unwrap();
        slot.connect().unwrap();
    }
}
