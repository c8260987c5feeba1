//! A cluster of real programs in a temporary folder: one c2d, any number of agents, a console.
//!
//! Each agent has its own loopback address, as each worker has at home. Everything ends with the
//! cluster, and a test that fails shows what all programs logged.

mod identity;
mod second;
mod started;
mod store;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use c2_shared::api::jobs::WaitResponse;
use c2_shared::client::Client;
use c2_shared::id::JobId;
use c2_shared::job::{JobSpec, JobState};
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use c2_shared::worker::WorkerStatus;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use self::second::Second;
pub use self::second::Which;
use self::started::{C2D, c2d_log, data_dir, operator, start_c2d};

use crate::agent::{Agent, PROGRAMS, home_of, write_program};
use crate::leftovers;
use crate::process::{Background, Output, command, run};
use crate::programs::Program;
use crate::terminal::Terminal;
use crate::wait::{SOON, eventually};

/// Slots of an agent, unless a test says otherwise.
const SLOTS: u32 = 4;

/// A running c2d and what belongs to it.
#[derive(Debug)]
pub struct Cluster {
    c2d: Option<Background>,
    /// Another one on the same database.
    second: Option<Second>,
    agents: BTreeMap<IpAddr, Agent>,
    addr: SocketAddr,
    client: Client,
    /// What c2d is started by.
    way: Vec<String>,
    // Last, so that the folder goes when nothing uses it any more.
    scratch: TempDir,
}

/// Runs a test on a new cluster. When it fails, its report ends with the logs of all programs.
///
/// # Panics
/// When the test fails: this is how it tells.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn scenario(test: impl AsyncFnOnce(&mut Cluster) -> Result<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let verdict = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let mut cluster = Cluster::start().await?;
            // Within the cluster's life, so that its logs are shown.
            test(&mut cluster).await.unwrap_or_else(|error| panic!("{error:?}"));
            Ok(())
        })
    });
    verdict.unwrap_or_else(|error| panic!("the cluster did not start: {error:?}"));
}

impl Cluster {
    /// Starts c2d on a free port of loopback.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start() -> Result<Self> {
        Self::start_by(Vec::new()).await
    }

    /// The same by way of another program, as with [`Self::agent_by`].
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start_by(way: Vec<String>) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("c2-test-").tempdir()?;
        std::fs::create_dir(scratch.path().join("console"))?;
        let (c2d, addr) = start_c2d(&way, scratch.path(), 0).await?;
        let client = operator(addr, scratch.path())?;
        Ok(Self { c2d: Some(c2d), second: None, agents: BTreeMap::new(), addr, client, way, scratch })
    }

    /// Runs `c2d` with these arguments and this cluster's data folder to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn c2d(&self, args: &[&str]) -> Result<Output> {
        let mut c2d = command(&Program::C2d.path()?, &self.console_dir());
        c2d.args(args).arg("--data-dir").arg(self.data_dir());
        run(c2d).await
    }

    /// Runs `c2d` with these arguments alone, which are not about the folder of this one.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn plain_c2d(&self, args: &[&str]) -> Result<Output> {
        let mut c2d = command(&Program::C2d.path()?, &self.console_dir());
        c2d.args(args);
        run(c2d).await
    }

    /// Runs `c2-agent` with these arguments to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn run_agent(&self, args: &[&str]) -> Result<Output> {
        let mut agent = command(&Program::Agent.path()?, &self.console_dir());
        agent.args(args);
        run(agent).await
    }

    /// Kills c2d with SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_c2d(&mut self) -> Result<()> {
        self.c2d.take().context("c2d does not run")?.kill()
    }

    /// Starts c2d again, on the same folder and port.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn restart_c2d(&mut self) -> Result<()> {
        ensure!(self.c2d.is_none(), "c2d still runs");
        let (c2d, addr) = start_c2d(&self.way, self.scratch.path(), self.addr.port()).await?;
        ensure!(addr == self.addr, "c2d came back at {addr}");
        self.c2d = Some(c2d);
        // The connections of the old one lead to the c2d that is gone.
        self.client = operator(addr, self.scratch.path())?;
        Ok(())
    }

    /// Starts an agent with four slots at a loopback address and waits until c2d gives it work.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn agent(&mut self, ip: &str) -> Result<()> {
        self.agent_with_slots(ip, SLOTS).await
    }

    /// The same with another number of slots.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn agent_with_slots(&mut self, ip: &str, slots: u32) -> Result<()> {
        self.start_agent(ip, slots, Vec::new()).await
    }

    /// Starts an agent with four slots by way of another program, as [`crate::machine`] and
    /// [`crate::network`] give it.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn agent_by(&mut self, ip: &str, way: Vec<String>) -> Result<()> {
        self.start_agent(ip, SLOTS, way).await
    }

    /// The same with another number of slots.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn agent_with_slots_by(&mut self, ip: &str, slots: u32, way: Vec<String>) -> Result<()> {
        self.start_agent(ip, slots, way).await
    }

    async fn start_agent(&mut self, ip: &str, slots: u32, way: Vec<String>) -> Result<()> {
        let ip: IpAddr = ip.parse()?;
        let token = self.data_dir().join(Role::Worker.file_name());
        let mut agent = Agent::new(self.scratch.path(), ip, slots, self.server(), token, way)?;
        agent.restart()?;
        self.agents.insert(ip, agent);
        self.online(ip).await
    }

    /// Signals an agent alone.
    ///
    /// # Errors
    /// When there is none.
    pub fn signal_agent(&mut self, ip: &str, signal: Signal) -> Result<()> {
        self.named(ip)?.signal(signal)
    }

    /// Signals an agent, its runners and its jobs, as if the machine slept or woke up.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn signal_machine(&mut self, ip: &str, signal: Signal) -> Result<()> {
        self.named(ip)?.signal_all(signal)
    }

    /// Signals c2d.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_c2d(&self, signal: Signal) -> Result<()> {
        self.c2d.as_ref().context("c2d does not run")?.signal(signal)
    }

    /// Kills an agent with SIGKILL; its jobs run on.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn kill_agent(&mut self, ip: &str) -> Result<()> {
        self.named(ip)?.kill()
    }

    /// Ends an agent, its runners and its jobs at once, as when the power of its machine is cut.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn cut_power(&mut self, ip: &str) -> Result<()> {
        self.named(ip)?.cut_power()
    }

    /// Starts an agent again, on the same folders, and waits until c2d gives it work.
    ///
    /// # Errors
    /// When it does not come online.
    pub async fn restart_agent(&mut self, ip: &str) -> Result<()> {
        self.named(ip)?.restart()?;
        self.online(ip.parse()?).await
    }

    /// Whether an agent has ended by itself, or as it was asked to.
    ///
    /// # Errors
    /// When there is none.
    pub fn has_ended(&mut self, ip: &str) -> Result<bool> {
        self.named(ip)?.has_ended()
    }

    fn named(&mut self, ip: &str) -> Result<&mut Agent> {
        self.agents.get_mut(&ip.parse()?).with_context(|| format!("no agent at {ip}"))
    }

    async fn online(&mut self, ip: IpAddr) -> Result<()> {
        eventually(&format!("{ip} online"), SOON, async || {
            if self.agents.get_mut(&ip).context("no such agent")?.has_ended()? {
                bail!("the agent ended");
            }
            let workers = self.client.workers().await?.workers;
            // One whose disk is full is there and gets nothing.
            let there = |status| matches!(status, WorkerStatus::Online | WorkerStatus::Quarantined);
            Ok(workers.iter().any(|w| w.ip == ip && there(w.status)).then_some(()))
        })
        .await
    }

    /// The typed client, with the operator's token.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Where c2d listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// c2d's data folder.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.scratch.path(), C2D)
    }

    /// A token of c2d's first ones.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn token(&self, role: Role) -> Result<Token> {
        Ok(Pass::read(&self.data_dir().join(role.file_name()))?.token)
    }

    /// The folder of an agent, for what has to be there before it starts.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn agent_home(&self, ip: &str) -> Result<PathBuf> {
        let home = home_of(self.scratch.path(), ip.parse()?);
        std::fs::create_dir_all(&home)?;
        Ok(home)
    }

    /// The process id of c2d.
    ///
    /// # Errors
    /// When it does not run.
    pub fn c2d_pid(&self) -> Result<Pid> {
        Ok(self.c2d.as_ref().context("c2d does not run")?.pid())
    }

    /// The process ids of c2d and of an agent.
    ///
    /// # Errors
    /// When one of them does not run.
    pub fn pids(&mut self, ip: &str) -> Result<[Pid; 2]> {
        Ok([self.c2d_pid()?, self.named(ip)?.pid()?])
    }

    /// Where an agent makes its workspaces.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn workspace_root(&mut self, ip: &str) -> Result<PathBuf> {
        Ok(self.named(ip)?.workspace_root())
    }

    /// The folder in which console commands run, empty at first.
    #[must_use]
    pub fn console_dir(&self) -> PathBuf {
        self.scratch.path().join("console")
    }

    /// A new empty folder for a test's own files.
    ///
    /// # Errors
    /// When it exists.
    pub fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.path().join(name);
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Puts a program of this name on the `PATH` of all agents: a shell script.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn program(&self, name: &str, script: &str) -> Result<()> {
        write_program(&self.scratch.path().join(PROGRAMS), name, script)
    }

    /// Runs `c2-tui --exec LINE` for each of the lines in one run.
    ///
    /// # Errors
    /// When the console cannot be run; its own refusals are part of the output.
    pub async fn exec(&self, lines: &[&str]) -> Result<Output> {
        let flags: Vec<&str> = lines.iter().flat_map(|line| ["--exec", line]).collect();
        self.console(&flags).await
    }

    /// Runs `c2-tui` with these arguments beside those that lead it to this c2d.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub async fn console(&self, args: &[&str]) -> Result<Output> {
        let token = self.data_dir().join(Role::Operator.file_name());
        self.console_with_token(&token, args).await
    }

    /// The same with another token file.
    ///
    /// # Errors
    /// When the console cannot be run.
    pub async fn console_with_token(&self, token: &Path, args: &[&str]) -> Result<Output> {
        let mut console = command(&Program::Tui.path()?, &self.console_dir());
        console.arg("--server").arg(self.addr.to_string()).arg("--token-file").arg(token).args(args);
        run(console).await
    }

    /// The full-screen console as a command, with a home of its own unless a test shares one.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn full_screen(&self, args: &[&str]) -> Result<Command> {
        self.full_screen_at(self.addr, args)
    }

    /// The same for another c2d, or what is in its place.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn full_screen_at(&self, addr: SocketAddr, args: &[&str]) -> Result<Command> {
        let mut console = self.bare_console(&["--server", &addr.to_string()])?;
        console.arg("--token-file").arg(self.data_dir().join(Role::Operator.file_name())).args(args);
        Ok(console)
    }

    /// The console as a command, that finds c2d and token by itself.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn bare_console(&self, args: &[&str]) -> Result<Command> {
        let mut console = command(&Program::Tui.path()?, &self.console_dir());
        console.args(args).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        Ok(console)
    }

    /// Starts the full-screen console on a screen of 120x40 and waits for its prompt.
    ///
    /// # Errors
    /// When it cannot be started, or shows none.
    pub fn terminal(&self, args: &[&str]) -> Result<Terminal> {
        let mut terminal = Terminal::start(&self.full_screen(args)?, 120, 40)?;
        terminal.sees("!>")?;
        Ok(terminal)
    }

    /// Submits a job through the typed client.
    ///
    /// # Errors
    /// When c2d refuses it.
    pub async fn submit(&self, command: &str) -> Result<JobId> {
        self.submit_spec(JobSpec { command: command.to_owned(), ..JobSpec::default() }).await
    }

    /// Submits a job with more than a command.
    ///
    /// # Errors
    /// When c2d refuses it.
    pub async fn submit_spec(&self, spec: JobSpec) -> Result<JobId> {
        Ok(self.client.submit(&spec).await?.job_id)
    }

    /// Waits until a job runs.
    ///
    /// # Errors
    /// When it does not start soon.
    pub async fn running(&self, job: JobId) -> Result<()> {
        eventually(&format!("the start of {job}"), SOON, async || {
            Ok((self.client.job(job, 0).await?.job.row.state == JobState::Running).then_some(()))
        })
        .await
    }

    /// Waits for a job's end.
    ///
    /// # Errors
    /// When it does not end soon.
    pub async fn ended(&self, job: JobId) -> Result<WaitResponse> {
        self.ended_within(job, SOON).await
    }

    /// The same with another patience.
    ///
    /// # Errors
    /// When it does not end so soon.
    pub async fn ended_within(&self, job: JobId, patience: Duration) -> Result<WaitResponse> {
        eventually(&format!("the end of {job}"), patience, async || {
            let answer = self.client.job(job, 5).await?;
            Ok(answer.done.then_some(answer))
        })
        .await
    }

    fn logs(&self) -> String {
        let of = |which: Which| (which.name().to_owned(), c2d_log(self.scratch.path(), which.name()));
        let c2d = std::iter::once(of(Which::First)).chain(self.second.as_ref().map(|_| of(Which::Second)));
        let agents = self.agents.iter().map(|(ip, agent)| (format!("agent {ip}"), agent.log()));
        c2d.chain(agents)
            .map(|(name, path)| format!("--- {name}\n{}", std::fs::read_to_string(path).unwrap_or_default()))
            .collect()
    }
}

impl Drop for Cluster {
    #[expect(clippy::print_stderr, reason = "libtest collects it for the report of the failed test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        self.agents.clear();
        self.second = None;
        self.c2d = None;
        leftovers::end(self.scratch.path());
    }
}
