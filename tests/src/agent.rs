//! One agent of a cluster: its folders, its process, and its end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal};

use crate::leftovers;
use crate::process::{Background, command_by};
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
    /// Where c2d is, or each of several.
    server: String,
    token: PathBuf,
    /// What it is started by, to be on a machine that differs from ours.
    way: Vec<String>,
    process: Option<Background>,
}

impl Agent {
    /// Makes its folders below `scratch`.
    pub(crate) fn new(
        scratch: &Path,
        ip: IpAddr,
        slots: u32,
        server: String,
        token: PathBuf,
        way: Vec<String>,
    ) -> Result<Self> {
        let home = home_of(scratch, ip);
        std::fs::create_dir_all(&home)?;
        let programs = scratch.join(PROGRAMS);
        Ok(Self { programs, home, ip, slots, server, token, way, process: None })
    }

    /// Starts it again with the same folders; kills the run before, if it still lives.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.process = Some(Background::start(&mut self.command()?, &self.log())?);
        Ok(())
    }

    /// From its next start on it is at another address.
    pub(crate) const fn readdress(&mut self, ip: IpAddr) {
        self.ip = ip;
    }

    /// What starts it.
    pub(crate) fn command(&self) -> Result<Command> {
        let program = Program::Agent.path()?;
        let mut agent = command_by(&self.way, &program, &self.home);
        agent.arg("--server").arg(&self.server);
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
        Ok(agent)
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

    /// Everything of this machine stops at once, as when its power is cut.
    pub(crate) fn cut_power(&mut self) -> Result<()> {
        self.kill()?;
        leftovers::end(&self.home);
        Ok(())
    }

    /// Whether it ended without being asked.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        self.process.as_mut().map_or(Ok(true), Background::ended)
    }

    pub(crate) fn pid(&self) -> Result<Pid> {
        Ok(self.process.as_ref().context("the agent does not run")?.pid())
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    pub(crate) fn workspace_root(&self) -> PathBuf {
        self.home.join("workspaces")
    }
}

/// The folder of the agent at an address.
pub(crate) fn home_of(scratch: &Path, ip: IpAddr) -> PathBuf {
    scratch.join(format!("agent-{ip}"))
}

/// Puts a shell script of this name into a folder of programs.
pub(crate) fn write_program(folder: &Path, name: &str, script: &str) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(folder.join(name))?;
    writeln!(file, "#!/bin/sh\n{script}")?;
    Ok(())
}
