//! A started program: its process, its log file, its end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{SOON, eventually};

/// Longest time for which a console command may run.
const EXEC_LIMIT: Duration = Duration::from_secs(120);

/// A program that runs in the background, with both output streams in a log file.
#[derive(Debug)]
pub(crate) struct Background {
    child: Child,
    log: PathBuf,
    log_start: u64,
}

/// What a command that ended said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 128 + N after signal N.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A program with an environment of its own, in which `home` is the only folder it knows.
pub(crate) fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(home).stdin(Stdio::null());
    command
}

/// The same by way of another program that becomes it: the first of `way` with the rest as its
/// first arguments.
pub(crate) fn command_by(way: &[String], program: &Path, home: &Path) -> Command {
    let inner = command(program, home);
    let Some((first, rest)) = way.split_first() else { return inner };
    let mut outer = Command::new(first);
    outer.args(rest).arg(inner.get_program());
    outer.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(home).stdin(Stdio::null());
    outer
}

impl Background {
    /// Starts `command`, appending to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log).context("the log file")?;
        let log_start = file.metadata()?.len();
        command.stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, log: log.to_owned(), log_start })
    }

    /// Waits until a line of this run's log contains `word`, and gives that line.
    pub(crate) async fn line_with(&mut self, word: &str) -> Result<String> {
        let what = format!("{word:?} in {}", self.log.display());
        eventually(&what, SOON, async || {
            let mut file = File::open(&self.log)?;
            file.seek(SeekFrom::Start(self.log_start))?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            // Only whole lines: the last may still be being written.
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            Ok(whole.lines().find(|line| line.contains(word)).map(str::to_owned))
        })
        .await
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid(), signal).context("cannot signal")
    }

    /// Ends it with SIGKILL, if it still runs.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill().context("cannot kill")?;
        self.child.wait().map(drop).context("cannot wait")
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> Result<bool> {
        Ok(self.status()?.is_some())
    }

    /// How it has ended, if it has.
    pub(crate) fn status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have been ended already; nobody could be told of another failure here.
        drop(self.kill());
    }
}

/// Runs a command to its end.
pub(crate) async fn run(command: Command) -> Result<Output> {
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    let name = command.as_std().get_program().to_owned();
    let args: Vec<_> = command.as_std().get_args().map(OsStr::to_owned).collect();
    let Ok(output) = tokio::time::timeout(EXEC_LIMIT, command.output()).await else {
        bail!("{name:?} {args:?} did not end within {EXEC_LIMIT:?}");
    };
    let output = output.with_context(|| format!("cannot run {name:?}"))?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    Ok(Output {
        status: output.status.code().or(signal.map(|n| 128 + n)).unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
