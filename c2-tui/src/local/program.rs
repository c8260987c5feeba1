//! A program started in the background: where it is found, where it logs, and how it ends.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use c2_shared::advice::Advice as _;
use c2_shared::closed::Closed;
use c2_shared::home;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::note;
use crate::command::CommandError;

/// How long a program may take to end after SIGTERM.
pub(super) const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// Bytes of a log that are looked at for its last lines.
const TAIL_BYTES: u64 = 4_096;
/// Variables of c2d and the agent that name a file or folder, and that no flag of `--local` covers.
const PATHS: [&str; 2] = ["C2_CONFIG", "C2_WORKSPACE_ROOT"];

#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    folder: PathBuf,
    log: PathBuf,
    /// Where this run begins in the log.
    log_start: u64,
    child: Child,
}

impl Program {
    /// Starts a program that stands beside this one, or in PATH. It gets a process group of its
    /// own, so that Ctrl-C at this terminal does not reach it, and appends to `NAME.log`.
    pub(crate) fn start(name: &'static str, folder: &Path, arguments: Vec<OsString>) -> Result<Self, CommandError> {
        let failed = |e: io::Error| {
            let hint = "it belongs beside c2-tui or into PATH; `cargo build` makes it";
            CommandError::refused(format!("cannot start {name}: {e}"), hint)
        };
        let log = folder.join(format!("{name}.log"));
        let unwritten = |e: io::Error| {
            let hint = Closed::by(&log, &e).and_then(|closed| closed.hint());
            let hint = hint.unwrap_or_else(|| "see its disk, or name another folder by --data-dir".to_owned());
            CommandError::refused(format!("cannot write {log:?}: {e}"), hint)
        };
        let output = OpenOptions::new().append(true).create(true).mode(0o600).open(&log).map_err(unwritten)?;
        let errors = output.try_clone().map_err(unwritten)?;
        let log_start = output.metadata().map_err(unwritten)?.len();
        let child = Command::new(path_of(name))
            .args(arguments)
            .envs(whole_paths())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let pid = child.id().expect("a child that was not waited for has its id");
        let program = Self { name, folder: folder.to_owned(), log, log_start, child };
        // Without it nobody can stop by name what is left, which is no reason not to run it.
        if let Err(error) = note::write(folder, name, pid) {
            tracing::warn!("cannot note that {name} runs: {error}");
        }
        Ok(program)
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Waits for its end and says how it ended.
    pub(crate) async fn ended(&mut self) -> String {
        self.child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Asks it to end and waits for that. Gives whether it ended.
    pub(crate) async fn stop(mut self) -> bool {
        // A child that was waited for has no id any more, and its number may be somebody else's.
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may have ended by itself, which the wait below finds out.
            let _gone = kill_process(pid, Signal::TERM);
        }
        let ended = tokio::time::timeout(ENDS_WITHIN, self.child.wait()).await.is_ok();
        if ended {
            note::remove(&self.folder, self.name);
        }
        ended
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The error with which it ended, and the hint below it if there is one.
    pub(crate) fn last_words(&self) -> Option<(String, Option<String>)> {
        last_words(self.name, &tail(&self.log, self.log_start).ok()?)
    }
}

/// What the environment says of paths, from / on: the program starts in another folder.
fn whole_paths() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let said = PATHS.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    said.filter_map(|(name, path)| Some((name, std::path::absolute(home::expand(Path::new(&path))).ok()?)))
}

/// Makes a folder that only this user can enter.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The program beside this one, if there is one; else its name, for PATH.
pub(crate) fn path_of(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|me| Some(me.parent()?.join(name)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| name.into())
}

/// The error at the end of what a program said. A mistake on its command line has its usage below it.
fn last_words(name: &str, text: &str) -> Option<(String, Option<String>)> {
    let mut lines = text.lines().rev().filter(|line| !line.trim().is_empty());
    match lines.next()?.trim().strip_prefix("hint: ") {
        Some(hint) => Some((lines.next()?.to_owned(), Some(hint.to_owned()))),
        None => lines.find_map(|line| Some((format!("{name}: {}", line.strip_prefix("error: ")?), None))),
    }
}

/// The end of a log, but nothing from before `start`.
fn tail(log: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES).max(start)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_program_that_ended_is_found() {
        let words = |text: &str| last_words("c2-agent", text);
        let of_ours = "started\nc2-agent: no token\n  hint: join\n";
        assert_eq!(words(of_ours), Some(("c2-agent: no token".to_owned(), Some("join".to_owned()))));
        let of_clap =
            "error: invalid value 'x' for '--slots <N>' (from C2_SLOTS): no number\n\nFor more, try '--help'.\n";
        let told = "c2-agent: invalid value 'x' for '--slots <N>' (from C2_SLOTS): no number";
        assert_eq!(words(of_clap), Some((told.to_owned(), None)));
        assert_eq!(words("it runs\nand runs\n"), None);
        assert_eq!(words(""), None);
    }
}
