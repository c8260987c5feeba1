//! A network at home: a server and workers, each a network namespace with an address of the manual's own,
//! on one switch. Needs root; nothing of the host is changed.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::leftovers;
use crate::machine;
use crate::network::{ip, within};
use crate::process::{Background, Output, command_by, run};
use crate::programs::Program;

/// A machine of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// 10.0.0.6, on which c2d runs.
    Server,
    /// 10.0.0.11 and those that follow.
    Worker(u8),
}

/// The network with all that runs on it; both end with this value.
#[derive(Debug)]
pub struct Home {
    running: Vec<(Machine, Background)>,
    prefix: String,
    workers: u8,
    scratch: TempDir,
}

/// All machines, where there are three workers.
pub const MACHINES: [Machine; 4] = [Machine::Server, Machine::Worker(1), Machine::Worker(2), Machine::Worker(3)];

impl Machine {
    /// Its address.
    #[must_use]
    pub fn address(self) -> String {
        match self {
            Self::Server => "10.0.0.6".to_owned(),
            Self::Worker(n) => format!("10.0.0.1{n}"),
        }
    }

    /// Its address where IPv6 is spoken.
    #[must_use]
    pub fn ipv6(self) -> String {
        match self {
            Self::Server => "fd00::6".to_owned(),
            Self::Worker(n) => format!("fd00::1{n}"),
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Server => "server".to_owned(),
            Self::Worker(n) => format!("worker{n}"),
        }
    }
}

impl Home {
    /// Makes the network with so many workers, nine at most; none without root, which is said aloud and is an
    /// error under CI.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn of(workers: u8) -> Result<Option<Self>> {
        if !machine::may("several machines")? {
            return Ok(None);
        }
        let scratch = tempfile::Builder::new().prefix("c2-test-").tempdir()?;
        static HOMES: AtomicU32 = AtomicU32::new(0);
        let number = HOMES.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("c2-home-{}-{number}", std::process::id());
        let home = Self { running: Vec::new(), prefix, workers, scratch };
        for machine in home.machines() {
            std::fs::create_dir(home.folder(machine))?;
            ip(&["netns", "add", &home.namespace(machine)])?;
        }
        let server = home.namespace(Machine::Server);
        ip(&["-n", &server, "link", "add", "switch", "type", "bridge"])?;
        ip(&["-n", &server, "addr", "add", "10.0.0.6/24", "dev", "switch"])?;
        ip(&["-n", &server, "link", "set", "switch", "up"])?;
        ip(&["-n", &server, "link", "set", "lo", "up"])?;
        for machine in home.machines().skip(1) {
            let (own, port) = (home.namespace(machine), format!("to-{}", machine.name()));
            let peer = ["type", "veth", "peer", "name", "cable", "netns", own.as_str()];
            ip(&[&["-n", &server, "link", "add", &port][..], &peer].concat())?;
            ip(&["-n", &server, "link", "set", &port, "master", "switch", "up"])?;
            ip(&["-n", &own, "addr", "add", &format!("{}/24", machine.address()), "dev", "cable"])?;
            for link in ["lo", "cable"] {
                ip(&["-n", &own, "link", "set", link, "up"])?;
            }
        }
        Ok(Some(home))
    }

    /// The server, and all workers after it.
    pub fn machines(&self) -> impl Iterator<Item = Machine> + use<> {
        std::iter::once(Machine::Server).chain((1..=self.workers).map(Machine::Worker))
    }

    /// Takes the addresses of IPv4 from all machines and gives them those of IPv6.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn speak_ipv6_alone(&self) -> Result<()> {
        for machine in self.machines() {
            let device = if machine == Machine::Server { "switch" } else { "cable" };
            let namespace = self.namespace(machine);
            ip(&["-n", &namespace, "addr", "del", &format!("{}/24", machine.address()), "dev", device])?;
            // Nobody else can have it, so nothing need be waited for.
            ip(&["-n", &namespace, "addr", "add", &format!("{}/64", machine.ipv6()), "dev", device, "nodad"])?;
        }
        Ok(())
    }

    /// Moves this thread to a machine, and with it all connections that it makes.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn enter(&self, machine: Machine) -> Result<()> {
        let namespace = File::open(format!("/run/netns/{}", self.namespace(machine)))?;
        Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
    }

    /// The home folder of a machine's user.
    #[must_use]
    pub fn folder(&self, machine: Machine) -> PathBuf {
        self.scratch.path().join(machine.name())
    }

    /// The folder of everything.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Runs `c2d` with these arguments to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn c2d(&self, machine: Machine, args: &[&str]) -> Result<Output> {
        self.finish(machine, Program::C2d, args).await
    }

    /// Runs `c2-agent` with these arguments to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn agent(&self, machine: Machine, args: &[&str]) -> Result<Output> {
        self.finish(machine, Program::Agent, args).await
    }

    /// Runs `c2-tui` with these arguments to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn tui(&self, machine: Machine, args: &[&str]) -> Result<Output> {
        self.finish(machine, Program::Tui, args).await
    }

    /// Runs a line of bash on a machine.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn bash(&self, machine: Machine, text: &str) -> Result<Output> {
        let mut shell = self.within(machine, Path::new("/bin/bash"));
        shell.args(["-c", text]);
        run(shell).await
    }

    /// Makes the line of a worker so slow, in kbit/s from it and to it.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn slow_down(&self, worker: Machine, up: u32, down: u32) -> Result<()> {
        for ((namespace, device), rate) in self.ends(worker).into_iter().zip([up, down]) {
            let rate = format!("{rate}kbit");
            let line = ["rate", &rate, "burst", "32kb", "latency", "400ms"];
            tc(&[&["-n", &namespace, "qdisc", "add", "dev", &device, "root", "tbf"][..], &line].concat())?;
        }
        Ok(())
    }

    /// Makes a slow line fast again.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn speed_up(&self, worker: Machine) -> Result<()> {
        for (namespace, device) in self.ends(worker) {
            tc(&["-n", &namespace, "qdisc", "del", "dev", &device, "root"])?;
        }
        Ok(())
    }

    /// The two ends of a worker's line, each a namespace and a device.
    fn ends(&self, worker: Machine) -> [(String, String); 2] {
        let port = format!("to-{}", worker.name());
        [(self.namespace(worker), "cable".to_owned()), (self.namespace(Machine::Server), port)]
    }

    /// Starts c2d on a machine, with a data folder of this name, and waits until it listens.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start_c2d(&mut self, machine: Machine, data: &str, args: &[&str]) -> Result<()> {
        let folder = self.folder(machine).join(data);
        self.start(machine, Program::C2d, &[&["--data-dir", &folder.to_string_lossy()], args].concat())?;
        let (_, c2d) = self.running.last_mut().context("it was started")?;
        c2d.line_with("listening on").await.map(drop)
    }

    /// Starts an agent on a machine.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_agent(&mut self, machine: Machine) -> Result<()> {
        self.start_agent_with(machine, &[])
    }

    /// The same with more arguments.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_agent_with(&mut self, machine: Machine, args: &[&str]) -> Result<()> {
        let folder = self.folder(machine);
        let (state, root) = (folder.join(".local/state/c2-agent"), folder.join("workspaces"));
        let folders = ["--state-dir", &state.to_string_lossy(), "--workspace-root", &root.to_string_lossy()];
        self.start(machine, Program::Agent, &[&folders, args].concat())
    }

    /// Starts an agent that speaks from an address of its machine.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_agent_at(&mut self, machine: Machine, address: &str) -> Result<()> {
        self.start_agent_with(machine, &["--address", address])
    }

    /// Waits for a line with this word in the log of what was started last on a machine.
    ///
    /// # Errors
    /// When there is none soon.
    pub async fn logged(&mut self, machine: Machine, word: &str) -> Result<String> {
        let last = self.running.iter_mut().rfind(|(on, _)| *on == machine);
        last.context("nothing runs there")?.1.line_with(word).await
    }

    /// Kills everything that was started on a machine.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self, machine: Machine) -> Result<()> {
        for (_, process) in self.running.extract_if(.., |(on, _)| *on == machine) {
            let mut process = process;
            process.kill()?;
        }
        Ok(())
    }

    /// How what was started last on a machine ended, if it has.
    ///
    /// # Errors
    /// When nothing was started there.
    pub fn ended(&mut self, machine: Machine) -> Result<Option<ExitStatus>> {
        let last = self.running.iter_mut().rfind(|(on, _)| *on == machine);
        last.context("nothing was started there")?.1.status()
    }

    /// Ends everything on a machine, as when its power is cut.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn cut_power(&mut self, machine: Machine) -> Result<()> {
        self.kill(machine)?;
        leftovers::end(&self.folder(machine));
        Ok(())
    }

    /// Signals everything on a machine.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn signal_machine(&self, machine: Machine, signal: Signal) -> Result<()> {
        leftovers::signal(&self.folder(machine), signal)
    }

    fn start(&mut self, machine: Machine, program: Program, args: &[&str]) -> Result<()> {
        let mut command = self.within(machine, &program.path()?);
        command.args(args);
        let log = self.folder(machine).join("log");
        self.running.push((machine, Background::start(&mut command, &log)?));
        Ok(())
    }

    async fn finish(&self, machine: Machine, program: Program, args: &[&str]) -> Result<Output> {
        let mut command = self.within(machine, &program.path()?);
        command.args(args);
        run(command).await
    }

    pub(crate) fn within(&self, machine: Machine, program: &Path) -> Command {
        let folder = self.folder(machine);
        command_by(&within(&self.namespace(machine)), program, &folder)
    }

    fn namespace(&self, machine: Machine) -> String {
        format!("{}-{}", self.prefix, machine.name())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be ended or removed now is told by nobody to nobody.
        for (_, process) in &mut self.running {
            drop(process.kill());
        }
        leftovers::end(self.scratch.path());
        for machine in self.machines() {
            drop(ip(&["netns", "del", &self.namespace(machine)]));
        }
    }
}

fn tc(args: &[&str]) -> Result<()> {
    ensure!(Command::new("tc").args(args).status().context("tc of iproute2")?.success(), "tc {args:?}");
    Ok(())
}
