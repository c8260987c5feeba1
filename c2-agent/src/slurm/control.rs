//! The folder through which an attempt on a node and its front speak, beside the workspaces and as shared as they are.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use c2_shared::id::AttemptId;
use c2_shared::job::Outcome;
use c2_shared::worker::Elsewhere;

use crate::folder::VIA;
use crate::supervise::wire::Start;

/// What was asked of the runner, so that another one can go on with it.
const START: &str = "start.json";
/// What Slurm says of an attempt that did not begin yet.
const WAITS: &str = "waits.json";
/// How the attempt ended, written by the front; without it nothing is known.
const OUTCOME: &str = "outcome.json";

/// An attempt's folder.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    path: PathBuf,
}

impl Control {
    pub(crate) fn of(workspaces: &Path, attempt: AttemptId) -> Self {
        Self { path: workspaces.join(format!("{VIA}{attempt}")) }
    }

    pub(crate) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, with all that the job on its node needs. What is there of the same attempt never ran.
    pub(crate) fn make(&self, start: &Start, script: &str, stdin: Option<&mut dyn io::Read>) -> io::Result<()> {
        self.remove()?;
        fs::DirBuilder::new().mode(0o700).create(&self.path)?;
        self.write("command", start.spec.command.as_bytes())?;
        if let Some(content) = stdin {
            io::copy(content, &mut self.create("stdin")?)?;
        }
        self.write("script", script.as_bytes())?;
        self.write(START, &serde_json::to_vec(start)?)
    }

    /// Whose it is.
    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        self.path.file_name()?.to_str()?.strip_prefix(VIA)?.parse().ok()
    }

    /// What was asked for, if this was made to its end.
    pub(crate) fn start(&self) -> Option<Start> {
        serde_json::from_slice(&fs::read(self.path.join(START)).ok()?).ok()
    }

    /// Takes the right to run the attempt, or to say that it never will; one only ever gets it.
    pub(crate) fn claim(&self) -> io::Result<bool> {
        match fs::create_dir(self.path.join("claim")) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn is_claimed(&self) -> bool {
        self.path.join("claim").exists()
    }

    /// Which of Slurm's jobs took it.
    pub(crate) fn taken_by(&self) -> Option<String> {
        let text = fs::read_to_string(self.path.join("claim/job")).ok()?;
        Some(text.trim().to_owned()).filter(|id| !id.is_empty())
    }

    /// The exit status of the command, when it has ended.
    pub(crate) fn status(&self) -> Option<i32> {
        fs::read_to_string(self.path.join("status")).ok()?.trim().parse().ok()
    }

    /// What one of its streams holds from a place on, at most as much as `buffer`. It is opened each time, as only
    /// then a file of another machine is looked at again.
    pub(crate) fn read(&self, stream: &str, from: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match fs::File::open(self.path.join(stream)) {
            Ok(file) => file.read_at(buffer, from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Says how the attempt ended.
    pub(crate) fn conclude(&self, outcome: &Outcome) -> io::Result<()> {
        self.write(OUTCOME, &serde_json::to_vec(outcome)?)
    }

    /// How the attempt ended, if its front got as far as saying so.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        serde_json::from_slice(&fs::read(self.path.join(OUTCOME)).ok()?).ok()
    }

    /// Says why it did not begin, or that it did.
    pub(crate) fn waits(&self, why: Option<&Elsewhere>) -> io::Result<()> {
        match why {
            Some(why) => self.write(WAITS, &serde_json::to_vec(why)?),
            None => match fs::remove_file(self.path.join(WAITS)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// Writes into its log, as standard error is the job's.
    pub(crate) fn note(&self, text: &str) {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(self.path.join("log"));
        let _unnoted = log.and_then(|mut log| writeln!(log, "{text}"));
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes it when nothing needs it any more.
    pub(crate) fn forget(&self) {
        if let Err(error) = self.remove() {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }

    /// Writes a file as a whole, or not at all.
    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = format!("{name}.new");
        let mut file = self.create(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(self.path.join(unfinished), self.path.join(name))
    }

    fn create(&self, name: &str) -> io::Result<fs::File> {
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.path.join(name))
    }
}

/// What is known of attempts that wait.
pub(crate) fn waiting(workspaces: &Path) -> Vec<Elsewhere> {
    let entries = fs::read_dir(workspaces).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(VIA));
    // Since it was written the attempt may have begun.
    let waits = ours.filter(|entry| !Control::at(entry.path()).is_claimed());
    waits.filter_map(|entry| serde_json::from_slice(&fs::read(entry.path().join(WAITS)).ok()?).ok()).collect()
}

/// Removes the folders of attempts that nothing needs.
pub(crate) fn sweep(workspaces: &Path, needed: impl Fn(AttemptId) -> bool) {
    for entry in fs::read_dir(workspaces).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(attempt) = name.to_str().and_then(|name| name.strip_prefix(VIA)) else { continue };
        if attempt.parse().is_ok_and(|attempt| !needed(attempt)) {
            Control::at(entry.path()).forget();
        }
    }
}
