//! Tries a new program out, in the place of the agent: as the same process, by the program that ran so far.
//!
//! The agent becomes this process and starts the new program as its child. Once that has reached c2d it is ended
//! and takes the place of this process, and its file that of the present one. If it does not, this process becomes
//! the present program again. Jobs belong to their runners meanwhile, as in any restart of an agent. To a systemd
//! or a terminal that started the agent it is one process all the time.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use c2_shared::advice::Advice;
use c2_shared::api::upgrade::{UpgradeReport, UpgradeVerdict};
use c2_shared::limits::UPGRADE_TRIAL_S;
use c2_shared::service::SOCKET_VARIABLE;
use clap::Args;
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{Kept, Next, REACHED, TRIAL_VARIABLE, note, own_version, place};
use crate::signals;
use crate::state::{StateDir, StateError};

/// This program, also where its file has another name by now.
const SELF: &str = "/proc/self/exe";
/// How long a program that is asked to end may take.
const END_WITHIN: Duration = Duration::from_secs(20);
const WITHIN: Duration = Duration::from_secs(UPGRADE_TRIAL_S);

/// The flags of the process that tries a program out.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrialOptions {
    /// The request.
    #[arg(long)]
    id: u64,
    /// The version of the new program.
    #[arg(long)]
    to: String,
    /// The new program.
    #[arg(long)]
    next: PathBuf,
    /// The present one.
    #[arg(long)]
    program: PathBuf,
    /// The agent's state folder.
    #[arg(long)]
    state_dir: PathBuf,
    /// What the agent was started with.
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Why there is no agent any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error("cannot become {program:?}")]
    Exec { program: PathBuf, source: io::Error },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("cannot start")]
    Runtime(#[source] io::Error),
}

impl Advice for TrialError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::State(error) => error.hint(),
            Self::Exec { .. } | Self::Runtime(_) => Some("start the agent again".to_owned()),
        }
    }
}

/// Becomes the process that tries a program out. Only returns when that cannot be.
pub(crate) fn begin(next: &Next, state: &StateDir) -> TrialError {
    let Next { id, to, next, program } = next;
    let mut trial = std::process::Command::new(SELF);
    trial.arg0("c2-agent").arg("run-trial").arg(format!("--id={id}")).arg("--to").arg(to);
    trial.arg("--next").arg(next).arg("--program").arg(program).arg("--state-dir").arg(state.path());
    trial.arg("--").args(std::env::args_os().skip(1));
    TrialError::Exec { program: SELF.into(), source: trial.exec() }
}

/// A program that is tried out ends with the process that tries it.
pub(super) fn end_with_parent() {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        tracing::warn!("this trial may outlive who tries it: {error}");
    }
}

/// Tries the program out. Only returns when it was asked to stop meanwhile, or when there is no agent any more.
pub(crate) fn run(options: &TrialOptions) -> Result<(), TrialError> {
    let runtime = crate::agent::runtime().map_err(TrialError::Runtime)?;
    let ended = runtime.block_on(try_out(options));
    drop(runtime);
    let tried = ended.and_then(|()| {
        place::exchange(&options.program, &options.next).map_err(|error| {
            let reason = format!("the new program reached c2d, and its file cannot take its place: {error}");
            End::Failed(Kept::new(reason, "see the permissions of the folder there"))
        })
    });
    match tried {
        Ok(()) => {
            let (from, to) = (own_version().to_owned(), options.to.clone());
            report(options, UpgradeVerdict::Upgraded { from, to });
            Err(become_agent(&options.program, &options.arguments))
        }
        Err(End::Failed(kept)) => {
            place::give_up(&options.next);
            report(options, kept.verdict());
            Err(become_agent(Path::new(SELF), &options.arguments))
        }
        Err(End::Stopped) => {
            place::give_up(&options.next);
            Ok(())
        }
    }
}

enum End {
    /// It is no better than the present one.
    Failed(Kept),
    /// The agent was asked to stop.
    Stopped,
}

async fn try_out(options: &TrialOptions) -> Result<(), End> {
    tracing::info!("trying c2-agent {} out", options.to);
    let version = &options.to;
    let failed = |reason: String| {
        End::Failed(Kept::new(
            format!("{version} {reason}"),
            "see the log of the agent there; c2d has a program that does not work there",
        ))
    };
    let mut command = Command::new(&options.next);
    command.arg0("c2-agent").args(&options.arguments).env(TRIAL_VARIABLE, "1").stdout(Stdio::piped());
    // To the service manager it is this process that is ready.
    command.env_remove(SOCKET_VARIABLE);
    let mut child = command.spawn().map_err(|error| failed(format!("does not start: {error}")))?;
    let mut said = child.stdout.take().expect("its output is a pipe");
    let mut word = vec![0; REACHED.len()];
    let reached = async {
        let read = said.read_exact(&mut word).await;
        read.is_ok() && word == REACHED.as_bytes()
    };
    let tried = tokio::select! {
        reached = timeout(WITHIN, reached) => reached,
        () = signals::asked_to_stop() => {
            end(&mut child).await;
            return Err(End::Stopped);
        }
    };
    let ended = end(&mut child).await;
    match (tried, ended) {
        (Ok(true), _) => Ok(()),
        (Ok(false), Some(status)) => Err(failed(format!("ended at once ({status})"))),
        (Ok(false), None) => Err(failed("said something else than was expected".to_owned())),
        (Err(_), _) => Err(failed(format!("did not reach c2d within {UPGRADE_TRIAL_S} s"))),
    }
}

/// Ends the child, and answers how it ended if that was by itself.
async fn end(child: &mut Child) -> Option<ExitStatus> {
    // One that closed its output is about to end.
    if let Ok(Ok(status)) = timeout(Duration::from_millis(200), child.wait()).await {
        return Some(status);
    }
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        let _gone = kill_process(pid, Signal::TERM);
    }
    if timeout(END_WITHIN, child.wait()).await.is_err() {
        drop(child.kill().await);
    }
    None
}

fn report(options: &TrialOptions, verdict: UpgradeVerdict) {
    let report = UpgradeReport { id: options.id, verdict };
    let noted =
        StateDir::open(&options.state_dir).map_err(io::Error::other).and_then(|state| note::put(&state, &report));
    if let Err(error) = noted {
        tracing::warn!("c2d will not hear what became of the upgrade: {error}");
    }
}

pub(super) fn become_agent(program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> TrialError {
    let source = std::process::Command::new(program).arg0("c2-agent").args(arguments).exec();
    TrialError::Exec { program: program.to_owned(), source }
}
