//! As the first process of a container: stays that, and runs the agent as its child.
//!
//! The first process of a container inherits all orphans. This one only reaps them; the agent beside it sees
//! only those of its own jobs.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the agent and answers how it ended; none in any other process than a first one.
#[must_use]
pub fn first_process() -> Option<ExitCode> {
    if getpid() != Pid::INIT {
        return None;
    }
    let mut agent = Command::new("/proc/self/exe");
    agent.arg0("c2-agent").args(std::env::args_os().skip(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.and_then(|runtime| runtime.block_on(async { accompany(agent.spawn()?).await }));
    Some(ended.unwrap_or_else(|error| {
        // If standard error is closed, the message is lost.
        drop(writeln!(io::stderr(), "c2-agent: cannot be the first process of this container: {error}"));
        ExitCode::FAILURE
    }))
}

/// Reaps ended processes and passes on signals to stop, until the agent has ended.
async fn accompany(agent: Child) -> io::Result<ExitCode> {
    let (mut ends, mut term) = (signal(SignalKind::child())?, signal(SignalKind::terminate())?);
    let (mut int, agent) = (signal(SignalKind::interrupt())?, Pid::from_child(&agent));
    loop {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == agent {
                return Ok(status_of(status));
            }
        }
        let ask = tokio::select! {
            _ = ends.recv() => continue,
            _ = term.recv() => Signal::TERM,
            _ = int.recv() => Signal::INT,
        };
        // One that has just ended is collected next.
        let _gone = kill_process(agent, ask);
    }
}

fn status_of(status: WaitStatus) -> ExitCode {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    let code = status.exit_status().or(signal).and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
