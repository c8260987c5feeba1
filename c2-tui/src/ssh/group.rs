//! A program with all that it starts, in a folder of the run: ended as a whole, whatever happens.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::command::CommandError;
use crate::ssh::plan::{self, Host, Shared};

/// The folder of one run: only this user can enter it, and it goes with the run.
#[derive(Debug)]
pub(crate) struct RunFolder(tempfile::TempDir);

impl RunFolder {
    /// Makes it, with the private ssh configuration in it.
    pub(crate) fn new(hosts: &[Host], shared: &Shared) -> Result<Self, CommandError> {
        let text = plan::ssh_config(hosts, shared)
            .map_err(|e| CommandError::refused(e.to_string(), "see `ssh` in the console's config.json"))?;
        let make = || {
            let folder = tempfile::Builder::new().prefix("c2-ssh-").tempdir()?;
            std::fs::write(folder.path().join(plan::CONFIG_FILE), text)?;
            Ok(Self(folder))
        };
        make().map_err(|e: std::io::Error| {
            CommandError::refused(format!("cannot make a folder for ssh: {e}"), "see $TMPDIR and the room in it")
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// What ssh had to say about a worker.
    pub(crate) fn said_about(&self, ip: std::net::IpAddr) -> String {
        let bytes = std::fs::read(self.path().join(plan::log_file(ip))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

/// Finds a program, in fixed folders only.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    plan::PATH.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// A program with a cleared environment and nothing to read, whose output nobody wants yet.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", plan::PATH).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let passed_on = plan::PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.envs(passed_on).process_group(0);
    command
}

/// A started program. When it is dropped, it ends with everything that it started.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) child: Child,
}

impl Group {
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self { child: command.spawn()? })
    }

    /// Waits for its end, or ends it when the time is over; gives its exit status, if it had one.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<i32> {
        match tokio::time::timeout(within, self.child.wait()).await {
            Ok(Ok(status)) => Some(status.code().unwrap_or(255)),
            Ok(Err(_)) => Some(255),
            Err(_) => None,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Without an id it was waited for, and its number may be somebody else's by now.
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _gone = kill_process_group(pid, Signal::KILL);
        }
    }
}
