//! The machine's test of itself: can a job be started here? It does in small what a start does: it writes to
//! both folders, waits for the disk, and runs a process.
//!
//! A disk that hangs holds up the test and nothing else; after a while that counts as a failure, and no
//! second test is begun beside it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use c2_shared::advice::with_causes;
use c2_shared::id::AttemptId;
use c2_shared::limits::QUARANTINE_MS;
use c2_shared::time::Mono;
use tokio::task::JoinHandle;

use crate::clock;
use crate::workspace::Root;

/// How long after a test that failed the next one is due; twice as long each time, up to a minute.
const AGAIN_MS: u64 = 5_000;
/// How long a test may take.
const WITHIN: Duration = Duration::from_secs(10);
/// What is written to each folder: enough for a disk to be asked for it.
const CONTENT: [u8; 4_096] = [b'c'; 4_096];

/// Tests the machine when there is reason to.
#[derive(Debug)]
pub(crate) struct SelfTest {
    state: PathBuf,
    workspaces: PathBuf,
    running: Option<(JoinHandle<Result<(), String>>, Mono)>,
    /// When the next test is due, while they fail, and how long after that the one behind it.
    due: Option<Mono>,
    again_ms: u64,
    /// What could not be started, until it is known whether the machine is to blame.
    unstarted: Vec<(AttemptId, String)>,
}

/// How a test ended, and what waited for it.
#[derive(Debug)]
pub(crate) struct Tested {
    pub(crate) error: Option<String>,
    pub(crate) unstarted: Vec<(AttemptId, String)>,
}

impl SelfTest {
    /// A first test, before the first work.
    pub(crate) fn begin(state: PathBuf, workspaces: PathBuf) -> Self {
        let mut test = Self { state, workspaces, running: None, due: None, again_ms: AGAIN_MS, unstarted: Vec::new() };
        test.start();
        test
    }

    /// An attempt could not be started; the end of a test that begins now, or runs already, says more.
    pub(crate) fn examine(&mut self, attempt: AttemptId, reason: String) {
        self.unstarted.push((attempt, reason));
        self.start();
    }

    /// The next end of a test.
    pub(crate) async fn tested(&mut self) -> Tested {
        if self.running.is_none() {
            let Some(due) = self.due else { return std::future::pending().await };
            tokio::time::sleep(Duration::from_millis(due.since_ms(clock::elapsed()))).await;
            self.start();
        }
        let Some((test, begun)) = &mut self.running else { return std::future::pending().await };
        let left = WITHIN.saturating_sub(Duration::from_millis(clock::elapsed().since_ms(*begun)));
        let error = match tokio::time::timeout(left, &mut *test).await {
            Ok(ended) => {
                self.running = None;
                ended.unwrap_or_else(|_| Err("the test of this machine did not end".to_owned())).err()
            }
            // It goes on, and is waited for again from now.
            Err(_) => {
                *begun = clock::elapsed();
                Some(format!("the disk does not answer within {} s", WITHIN.as_secs()))
            }
        };
        self.due = error.is_some().then(|| clock::elapsed().after_ms(self.again_ms));
        self.again_ms = if error.is_some() { (self.again_ms * 2).min(QUARANTINE_MS) } else { AGAIN_MS };
        Tested { error, unstarted: std::mem::take(&mut self.unstarted) }
    }

    /// Begins a test, unless one runs already.
    pub(crate) fn start(&mut self) {
        if self.running.is_none() {
            let (state, workspaces) = (self.state.clone(), self.workspaces.clone());
            let test = tokio::task::spawn_blocking(move || test(&state, &workspaces));
            self.running = Some((test, clock::elapsed()));
        }
    }
}

/// What keeps a job from being started here.
fn test(state: &Path, workspaces: &Path) -> Result<(), String> {
    let within = |folder: &Path| {
        let folder = folder.to_owned();
        move |error: io::Error| format!("cannot write to {}: {error}", folder.display())
    };
    // A state folder that a job removed is made again, as each slot makes its own.
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(state);
    made.and_then(|()| write(state)).map_err(within(state))?;
    drop(Root::open(workspaces).map_err(|error| with_causes(&error))?);
    let name = workspaces.join(format!(".self-test-{}", std::process::id()));
    let ended = in_folder(&name).map_err(within(workspaces)).and_then(|()| spawn(&name));
    // What a test left that was killed is used again.
    let removed = fs::remove_dir(&name).map_err(within(workspaces));
    ended.and(removed)
}

fn in_folder(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => write(folder),
    }
}

fn write(folder: &Path) -> io::Result<()> {
    let path = folder.join("self-test");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| file.write_all(&CONTENT).and_then(|()| file.sync_all()));
    // What could not be written must not take the last of the space.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

fn spawn(folder: &Path) -> Result<(), String> {
    let shell = Command::new("/bin/sh")
        .args(["-c", ":"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match shell {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("a shell that does nothing ends with {status}")),
        Err(error) => Err(format!("cannot start a process: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_sound_machine_passes_and_keeps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (state, workspaces) = (dir.path().join("s"), dir.path().join("w"));
        fs::create_dir(&state).unwrap();
        for _ in 0..2 {
            assert_eq!(test(&state, &workspaces), Ok(()));
            assert_eq!(fs::read_dir(&state).unwrap().count() + fs::read_dir(&workspaces).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (state, workspaces) = (dir.path().join("s"), dir.path().join("w"));
        fs::write(&state, "").unwrap();
        let no_folder = test(&state, &workspaces).unwrap_err();
        assert!(no_folder.contains("cannot write to"), "{no_folder}");
        fs::remove_file(&state).unwrap();
        fs::create_dir(&workspaces).unwrap();
        fs::set_permissions(&workspaces, fs::Permissions::from_mode(0o755)).unwrap();
        let open = test(&state, &workspaces).unwrap_err();
        assert!(open.contains("is open to others"), "{open}");
    }

    #[tokio::test]
    async fn what_could_not_be_started_waits_for_the_test() {
        let dir = tempfile::tempdir().unwrap();
        let (state, workspaces) = (dir.path().join("s"), dir.path().join("w"));
        fs::write(&state, "").unwrap();
        let mut tests = SelfTest::begin(state.clone(), workspaces);
        let first = tests.tested().await;
        assert!(first.error.is_some() && first.unstarted.is_empty());
        fs::remove_file(&state).unwrap();
        let attempt = AttemptId { job: c2_shared::id::JobId(1), number: 1 };
        tests.examine(attempt, "no space".to_owned());
        let second = tests.tested().await;
        assert_eq!((second.error, second.unstarted), (None, vec![(attempt, "no space".to_owned())]));
        assert!(tests.due.is_none(), "a sound machine is not tested again");
    }
}
