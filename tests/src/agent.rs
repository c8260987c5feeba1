//! One agent of a cluster: its folders, its process, and its end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use crate::leftovers;
use crate::process::{Background, command, command_within};
use crate::programs::Program;

/// The folder of the test's own programs, first on the `PATH` of all agents.
pub(crate) const PROGRAMS: &str = "programs";

/// A machine of the cluster.
#[derive(Debug)]
pub(crate) struct Agent {
    programs: PathBuf,
    home: PathBuf,
    ip: IpAddr,
    slots: u32,
    server: SocketAddr,
    token: PathBuf,
    /// The network namespace in which it runs, if not in ours.
    network: Option<String>,
    process: Option<Background>,
}

impl Agent {
    /// Makes its folders below `scratch` and starts it.
    pub(crate) fn start(
        scratch: &Path,
        ip: IpAddr,
        slots: u32,
        server: SocketAddr,
        token: PathBuf,
        network: Option<String>,
    ) -> Result<Self> {
        let home = scratch.join(format!("agent-{ip}"));
        std::fs::create_dir_all(&home)?;
        let programs = scratch.join(PROGRAMS);
        let mut agent = Self { programs, home, ip, slots, server, token, network, process: None };
        agent.restart()?;
        Ok(agent)
    }

    /// Starts it again with the same folders; kills the run before, if it still lives.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let program = Program::Agent.path()?;
        let mut agent = match &self.network {
            Some(network) => command_within(network, &program, &self.home),
            None => command(&program, &self.home),
        };
        agent.arg("--server").arg(self.server.to_string());
        agent.arg("--address").arg(self.ip.to_string());
        agent.arg("--state-dir").arg(self.home.join("state"));
        agent.arg("--workspace-root").arg(self.workspace_root());
        agent.arg("--token-file").arg(&self.token);
        agent.arg("--slots").arg(self.slots.to_string());
        let elsewhere = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&elsewhere));
        agent.env("PATH", std::env::join_paths(path)?);
        // A job must not see it: jobs get an environment of their own.
        agent.env("C2_TEST_OF_THE_AGENTS_ENVIRONMENT", "leaked");
        self.process = Some(Background::start(&mut agent, &self.log())?);
        Ok(())
    }

    /// Kills its process with SIGKILL; what keeps its jobs running is left alone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Signals its process alone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        self.process.as_ref().context("the agent does not run")?.signal(signal)
    }

    /// Signals everything of this machine: agent, runners, and jobs that work below its folder.
    pub(crate) fn signal_all(&self, signal: Signal) -> Result<()> {
        leftovers::signal(&self.home, signal)
    }

    /// Whether it ended without being asked.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        self.process.as_mut().map_or(Ok(true), Background::ended)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    pub(crate) fn workspace_root(&self) -> PathBuf {
        self.home.join("workspaces")
    }
}

/// Puts a shell script of this name into a folder of programs.
pub(crate) fn write_program(folder: &Path, name: &str, script: &str) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(folder.join(name))?;
    writeln!(file, "#!/bin/sh\n{script}")?;
    Ok(())
}
